import type { EventId, FundsCaseId, IssueId, Money, Rejection } from '@rectrail/kernel';
import type { DomainCommand, LiveRejection, RejectionText } from '../time/live-command.ts';
import type { FundsKind } from './funds-case.events.ts';
import type { FundsCaseIdentity } from './funds-case.state.ts';

type MoneyOfCase = FundsCaseIdentity & { readonly issueIds: readonly IssueId[]; readonly money: Money; readonly kind: FundsKind };

/** The first three open the case where it does not exist. Amounts cannot be negative; one that is not known is `fen: null`. */
export type FundsCaseCommand =
  | DomainCommand<'IdentifyFunds', MoneyOfCase>
  | DomainCommand<'RecoverFunds', MoneyOfCase & { readonly voucher: string | null }>
  | DomainCommand<'ReturnFunds', MoneyOfCase & { readonly voucher: string | null }>
  | DomainCommand<'SpecifyRecoveryAmount', { readonly of: EventId; readonly money: Money }>
  | DomainCommand<'ReverseRecovery', { readonly of: EventId; readonly reason: string }>
  | DomainCommand<'LinkFundsDuplicate', { readonly otherCaseId: FundsCaseId; readonly statedBy: 'SOURCE' | 'PERSON'; readonly note: string }>;

/** That more was recovered than identified is no rejection: a report may print only part of what was found. `fundsTotals` flags it. */
export const fundsCaseRejections = {
  'unknown-funds-case': { en: 'The funds case does not exist.', zh: '该资金事项不存在。' },
  'funds-case-of-another-organisation': { en: 'The funds case belongs to another organisation.', zh: '该资金事项属于其他单位。' },
  'unknown-recovery': { en: 'The case has no such recovery or return by that day.', zh: '截至该日，该资金事项没有对应的追回或退出记录。' },
  'amount-already-known': { en: 'The amount is known already; correct it instead.', zh: '金额已明确，如有误请更正。' },
  'amount-missing': { en: 'An amount is specified only by a number.', zh: '补充金额时必须填写具体数额。' },
  'recovery-already-reversed': { en: 'The recovery or return was reversed already.', zh: '该笔追回或退出已冲销。' },
  'duplicate-of-itself': { en: 'A funds case cannot be linked to itself.', zh: '不能将资金事项与其自身关联。' },
} as const satisfies Record<string, RejectionText>;

export type FundsCaseRejection = LiveRejection | (Rejection & { readonly code: keyof typeof fundsCaseRejections });
