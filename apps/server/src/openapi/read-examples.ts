import { day } from '@rectrail/kernel';
import { buckets, deadlineConditions, noticeText, noticeTitles, shownIssueStates, shownMeasureStates } from '@rectrail/tracking-domain';
import type { Answers } from './answer-types.ts';

const cut = { atPosition: 4711, knownAt: '2026-06-30T15:59:59.999Z', validAt: '2026-06-30' };
const org = { orgId: '0198f3d2-0000-8000-8000-000000000010', code: 'CN-330200-JT', name: '宁波市交通运输局' };
const tree = { tree: 'administrative', treeAt: 'then', treeOn: cut.validAt, within: null, withinAt: null };
const headline = {
  eventId: '0198f3d2-0000-8000-8000-000000000011', position: 4698, type: 'IssueWrittenOff', title: { zh: '销号', en: 'The issue was written off' }, streamId: 'issue-0198f3d2-0000-8000-8000-000000000002',
  orgId: org.orgId, orgCode: org.code, orgName: org.name, issue: { issueId: '0198f3d2-0000-8000-8000-000000000002', numberPath: ['二、', '(一)', '3.'], title: '专项资金管理不严' }, fen: null,
};

type Numbers = Readonly<Record<string, number>>;

const counts = (names: readonly string[], some: Numbers = {}): object =>
  Object.fromEntries(names.map((name) => [name, { count: some[name] ?? 0, undetermined: 0 }]));

interface Some { readonly total: number; readonly state: Numbers; readonly bucket: Numbers; readonly deadline: Numbers; readonly fen: string }

/** Numbers of a dashboard: those that are named, all else zero. */
const figures = ({ total, state, bucket, deadline, fen }: Some): object => ({
  issues: { total, byState: counts(shownIssueStates, state), byBucket: counts(buckets, bucket), byDeadline: counts(deadlineConditions, deadline) },
  measures: { total: 0, shared: 0, byState: counts(shownMeasureStates) },
  funds: { recovered: { fen, unknownAmounts: 0 }, returned: { fen: '0', unknownAmounts: 0 } },
});

const [before, after] = [
  { total: 21, state: { REGISTERED: 1, VERIFIED: 20 }, bucket: { complete: 20, open: 1 }, deadline: { DONE_IN_TIME: 20, DUE_SOON: 1 }, fen: '0' },
  { total: 21, state: { VERIFIED: 20, WRITTEN_OFF: 1 }, bucket: { complete: 21, open: 0 }, deadline: { DONE_IN_TIME: 21, DUE_SOON: 0 }, fen: '5441000' },
];
const issue = {
  exists: true, possibly: null, track: 'TIMED', disclosure: 'STATED', basis: null, planned: null, striving: false, numberPath: ['二、', '(一)', '3.'], title: '专项资金管理不严', heading: null,
  aspect: null, strand: null, annex: false, assistingOrgIds: [], printedStatus: null, continuation: 'NONE', residuals: [], disagreement: false, claim: null,
};
const writtenOff = { printed: '2026-06-20', precision: 'day', edge: 'on', first: '2026-06-20', last: '2026-06-20' };

const notice = { deadline: day('2026-06-30'), daysLeft: 10, recipients: ['handler', 'deputy'], evaluatedOn: day('2026-06-20') };

/** Example answers, by the name of the read; a spec holds each against the schema of its answer. */
export const readExamples: Readonly<Partial<Record<keyof Answers, unknown>>> = {
  Reminder: {
    cut, streamVersion: 14,
    reminder: {
      reminderId: `${org.orgId}-2026-12`, orgId: org.orgId, orgCode: org.code, orgName: org.name, issueId: headline.issue.issueId, numberPath: headline.issue.numberPath, title: headline.issue.title,
      colour: 'yellow', letter: noticeTitles.yellow, year: 2026, number: 12, citation: '〔2026〕12号', deadline: notice.deadline, daysLeft: notice.daysLeft, reopenings: 0,
      evaluatedOn: notice.evaluatedOn, recipients: notice.recipients, receipts: [{ recipient: 'handler', on: '2026-06-21' }], received: false,
      eventId: '0198f3d2-0000-8000-8000-000000000014', policyEventId: '0198f3d2-0000-8000-8000-000000000015',
    },
    text: noticeText({ colour: 'yellow', year: 2026, number: 12, ...notice }, { orgName: org.name, ...headline.issue }),
  },
  Series: {
    cut, definition: 'rectrail.dashboard/1', digest: '3d45c56c8c2a4d2ee0d0f6a3f2b8e0a8d8c0c8f5b1a6e2f4c7d9e1b3a5c7d9e1', org, ...tree, as: 'then', every: 'month',
    figures: { days: ['2026-05-20', '2026-05-31', '2026-06-30'], values: { 'issues.total': [21, 21, 21], 'issues.byBucket.complete': [0, 4, 14], 'funds.recovered': ['0', '5441000', '5441000'] } },
    assumptions: { calendarYears: [] }, purged: 0,
  },
  Compare: {
    cut, definition: 'rectrail.dashboard/1', org, ...tree, policy: null,
    from: {
      cut: { ...cut, validAt: '2026-05-31', knownAt: '2026-05-31T15:59:59.999Z' }, treeOn: '2026-05-31', digest: '5b1a6e2f4c7d9e1b3a5c7d9e13d45c56c8c2a4d2ee0d0f6a3f2b8e0a8d8c0c8f',
      figures: { ...figures(before), declared: [] }, assumptions: { calendarYears: [] },
    },
    to: { cut, treeOn: tree.treeOn, digest: 'c8c2a4d2ee0d0f6a3f2b8e0a8d8c0c8f5b1a6e2f4c7d9e1b3a5c7d9e13d45c56', figures: { ...figures(after), declared: [] }, assumptions: { calendarYears: [] } },
    difference: figures({
      total: 0, state: { REGISTERED: -1, WRITTEN_OFF: 1 }, bucket: { complete: 1, open: -1 }, deadline: { DONE_IN_TIME: 1, DUE_SOON: -1 }, fen: '5441000',
    }),
    items: [{
      ...headline.issue, orgId: org.orgId, orgCode: org.code, orgName: org.name, inspectionId: '0198f3d2-0000-8000-8000-000000000001',
      before: { ...issue, state: 'REGISTERED', keptState: 'REGISTERED', bucket: 'open', condition: 'DUE_SOON', due: '2026-06-30', closedOn: null },
      after: { ...issue, state: 'WRITTEN_OFF', keptState: 'WRITTEN_OFF', bucket: 'complete', condition: 'DONE_IN_TIME', due: null, closedOn: '2026-06-20' },
      changed: ['state', 'bucket', 'condition', 'keptState', 'due', 'closedOn'], causes: ['events'],
      events: [{
        eventId: headline.eventId, position: headline.position, commandId: '0198f3d2-0000-8000-8000-000000000012', type: headline.type, validTime: writtenOff,
        knownTime: '2026-06-20T03:12:45.678Z', recordedAt: '2026-06-20T03:12:45.678Z',
        actor: { orgId: org.orgId, role: 'supervisor', subject: '0198f3d2-0000-8000-8000-000000000013', assurance: 'local-token' }, source: null, retraction: null, title: headline.title, countsAt: 'to',
      }],
    }],
    nextCursor: null, purged: 0,
  },
};

/** Two events of a replay. */
export const replayExample = [
  'retry: 3000', '',
  `event: start\ndata: ${JSON.stringify({ cut, definition: 'rectrail.dashboard/1', org, every: 'day', from: '2026-06-29', to: '2026-06-30', frames: 2, seen: 0, purged: 0, speed: 7 })}`, '',
  `id: WyJmM2EiXQ\nevent: frame\ndata: ${JSON.stringify({ cut, digest: '3d45…', figures: { 'issues.total': 21, 'issues.byState.WRITTEN_OFF': 5 }, headlines: [headline], more: 0, assumptions: { calendarYears: [] } })}`, '', '',
].join('\n');
