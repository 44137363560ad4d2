import type { Rejection } from '@rectrail/kernel';
import { liveRejections, type RejectionText } from '../time/live-command.ts';
import { transitionRejections } from '../time/transition.ts';

/** Every code with which a command on an issue is refused; each has a page under docs/problems. */
export const issueRejections = {
  ...liveRejections,
  ...transitionRejections,
  'unknown-issue': { en: 'The issue is not registered.', zh: '该问题尚未登记。' },
  'issue-already-registered': { en: 'An issue with this id is already registered with other data.', zh: '该编号的问题已登记，且内容不同。' },
  'owner-assists-itself': { en: 'The lead organisation cannot be among the assisting ones.', zh: '牵头单位不能同时列为配合单位。' },
  'nothing-assigned': { en: 'Neither a leader nor a department is given.', zh: '未指定责任领导，也未指定责任部门。' },
  'plan-incomplete': { en: 'A plan needs a measure, a leader, a department, and a deadline or the long-term track.', zh: '整改方案要素不全：须有整改措施、责任领导、责任部门，并明确完成时限或列为长期任务。' },
  'issue-closed': { en: 'The issue is done; return or reopen it first.', zh: '该问题已完成，请先退回或重新打开。' },
  'deadline-already-set': { en: 'A deadline is in force; extend it instead.', zh: '已有生效的完成时限，如需变更请申请延期。' },
  'no-deadline-to-extend': { en: 'No deadline is in force.', zh: '尚无生效的完成时限，无从延期。' },
  'not-an-extension': { en: 'The new deadline is not later than the old one.', zh: '新的完成时限不晚于原时限。' },
  'deadline-required': { en: 'Work that is taken up again needs a new deadline unless it is long-term.', zh: '恢复整改须重新明确完成时限（长期任务除外）。' },
  'not-long-term': { en: 'Only a long-term task moves into routine.', zh: '只有长期任务才能转入常态化管理。' },
  'continuation-required': { en: 'Routine needs to say what is kept up.', zh: '转入常态化管理须明确后续坚持的内容。' },
  'look-back-not-ahead': { en: 'The look-back must lie after the day on which the task moves into routine.', zh: '“回头看”日期须晚于转入常态化管理之日。' },
  'finding-required': { en: 'A look-back that finds a relapse must say what was found.', zh: '“回头看”发现反弹的，须写明发现的情况。' },
  'residual-key-repeated': { en: 'Two residual items have the same key.', zh: '遗留事项的编号重复。' },
  'residual-measure-unknown': { en: 'A residual item names a measure that is not one of the issue.', zh: '遗留事项所指的措施不属于该问题。' },
  'unknown-residual': { en: 'The issue has no residual item with this key.', zh: '该问题没有此编号的遗留事项。' },
  'residuals-open': { en: 'Residual items are still open.', zh: '尚有遗留事项未完成。' },
  'measures-open': { en: 'Measures are still open; each must be done, standing or withdrawn.', zh: '尚有措施未办结：每项措施须已完成、转为常态或经说明撤销。' },
  'sub-findings-open': { en: 'Not every sub-finding is fixed; name those left open.', zh: '具体事项尚未全部整改，请写明未完成的事项。' },
  'sub-findings-inconsistent': { en: 'More sub-findings are fixed than found.', zh: '已整改数大于发现数。' },
  'verifier-is-reporter': { en: 'Nobody judges what they themselves, or for an import their organisation, reported.', zh: '不得验收本人上报的完成情况；导入的，不得由填报单位自行验收。' },
  'endorsements-incomplete': { en: 'A write-off needs one endorsement each of main, supervising and executing responsibility.', zh: '销号须有主体责任、监督责任、执行责任三方各一份签字背书。' },
  'endorsers-not-distinct': { en: 'The three endorsements must come from three persons.', zh: '三方签字背书须由三个不同的人签署。' },
  'link-to-itself': { en: 'An issue cannot be linked to itself.', zh: '问题不能与自身关联。' },
} as const satisfies Record<string, RejectionText>;

export type IssueRejectionCode = keyof typeof issueRejections;
export type IssueRejection = Rejection & { readonly code: IssueRejectionCode };
