import type { Day, InspectionId, IssueId, MeasureId, Money, OrgId, PersonRef } from '@rectrail/kernel';
import {
  completionBases, continuations, disclosures, issueStates, reopenKinds, tracks, type IssueEvent, type Residual,
} from '../issue/issue.events.ts';
import { frequencies, measureStates, type MeasureEvent } from '../measure/measure.events.ts';
import { buckets, type BucketRule, type PolicyContent } from '../policy/policy.events.ts';
import type { ReportEvent } from '../report/report.events.ts';
import { randomDeadline, type Random } from './random.ts';

/** Where an event is drawn for: its moment, and what it may name. */
export interface Surroundings {
  readonly today: Day;
  readonly issueIds: readonly IssueId[];
  readonly measureIds: readonly MeasureId[];
}

const residualKeys = ['①', '②', '③'];

const residuals = (random: Random, { today, measureIds }: Surroundings): readonly Residual[] =>
  residualKeys.filter(() => random.chance(0.3)).map((key) => ({
    key,
    printed: `${key}尚未完成`,
    ...(random.chance(0.7) ? { planned: randomDeadline(random, today) } : {}),
    ...(random.chance(0.3) && measureIds.length > 0 ? { measureId: random.pick(measureIds) } : {}),
  }));

export const randomMoney = (random: Random): Money =>
  random.chance(0.25) ? { fen: null, printed: '全额' } : { fen: String(random.int(0, 900_000_000)) };

export const issueRegistered = (random: Random, id: { issueId: IssueId; orgId: OrgId; inspectionId: InspectionId }, number: number): IssueEvent => ({
  type: 'IssueRegistered',
  data: {
    ...id, numberPath: ['二、', '(一)', `${number}.`], numberKey: `002/001/${String(number).padStart(3, '0')}`, aspect: '(一)', heading: null,
    title: `问题${number}`, strand: null, annex: false, track: random.pick(tracks), assistingOrgIds: [],
  },
});

export const issueStatusStated = (random: Random, around: Surroundings): IssueEvent => {
  const disclosure = random.chance(0.75) ? 'STATED' : random.pick(disclosures);
  const state = disclosure === 'STATED' || random.chance(0.2) ? random.pick(issueStates) : null;
  return {
    type: 'IssueStatusStated',
    data: {
      state, disclosure, track: random.chance(0.3) ? random.pick(tracks) : null, printedStatus: state === null ? null : '整改情况', continuation: random.pick(continuations),
      continuationPrinted: null, residuals: state === null ? [] : residuals(random, around), completionBasis: random.chance(0.3) ? random.pick(completionBases) : null,
    },
  };
};

/** Any event of an issue but its registration; most of them change its status or its deadline. */
export const randomIssueEvent = (random: Random, around: Surroundings): IssueEvent => {
  const draws: readonly (() => IssueEvent)[] = [
    () => issueStatusStated(random, around),
    () => issueStatusStated(random, around),
    () => ({ type: 'IssueAccepted', data: { leader: random.chance(0.5) ? (random.uuid() as PersonRef) : null } }),
    () => ({ type: 'IssuePlanned', data: { planId: null } }),
    () => ({ type: 'DeadlineSet', data: { planned: randomDeadline(random, around.today) } }),
    () => ({ type: 'DeadlineSet', data: { planned: randomDeadline(random, around.today) } }),
    () => ({ type: 'DeadlineExtended', data: { planned: randomDeadline(random, around.today), reason: '疫情影响', askedBy: null } }),
    () => ({ type: 'IssueMarkedImmediate', data: {} }),
    () => ({ type: 'IssueClassifiedLongTerm', data: { reason: '需长期坚持' } }),
    () => ({ type: 'IssueMarkedKeyAndHard', data: {} }),
    () => ({ type: 'RectificationStarted', data: {} }),
    () => ({ type: 'ProgressReported', data: { text: '已召开推进会' } }),
    () => ({ type: 'PhaseResultReported', data: { result: '阶段性成效', nextStep: null } }),
    () => ({ type: 'PhaseCompleted', data: { result: '阶段性完成', nextStep: '继续推进' } }),
    () => ({ type: 'IssueBasicallyCompleted', data: { residuals: residuals(random, around) } }),
    () => ({ type: 'IssueCompletionReported', data: { basis: random.pick(completionBases), result: null, openSubFindings: null } }),
    () => ({ type: 'IssueCompletionReported', data: { basis: 'RECTIFIED', result: '已完成', openSubFindings: null } }),
    () => ({ type: 'IssueMovedToRoutine', data: { continuation: 'KEEP_IMPLEMENTING', lookBackOn: randomDeadline(random, around.today) } }),
    () => ({ type: 'IssueVerified', data: { record: '验收记录', evidence: [] } }),
    () => ({ type: 'IssueVerificationRejected', data: { reason: '整改效果不好' } }),
    () => ({ type: 'IssueWrittenOff', data: { slip: '销号单', endorsements: [] } }),
    () => ({ type: 'WriteOffRevoked', data: { reason: '纸上销号' } }),
    () => ({ type: 'IssueReopened', data: { kind: random.pick(reopenKinds), finding: '问题反弹' } }),
    () => ({ type: 'RectificationResumed', data: { planned: random.chance(0.6) ? randomDeadline(random, around.today) : null } }),
    () => ({ type: 'IssueTransferredOut', data: { to: '村委会', basis: '不属于本单位职责' } }),
    () => ({ type: 'LookBackChecked', data: { result: random.pick(['HELD', 'PARTLY', 'RELAPSED']), sample: null } }),
    () => ({ type: 'ResidualCompleted', data: { key: random.pick(residualKeys) } }),
    () => ({ type: 'ResidualCompleted', data: { key: random.pick(residualKeys) } }),
  ];
  return random.pick(draws)();
};

export const randomMeasureIdentity = (random: Random, id: { measureId: MeasureId; orgId: OrgId; inspectionId: InspectionId }, around: Surroundings): MeasureEvent => {
  const issueIds = [...new Set([random.pick(around.issueIds), ...(random.chance(0.3) ? [random.pick(around.issueIds)] : [])])];
  const identity = { ...id, issueIds, marker: '一是', title: '完善制度', planned: random.chance(0.5) ? randomDeadline(random, around.today) : null };
  return random.chance(0.3)
    ? { type: 'MeasurePlanned', data: identity }
    : { type: 'MeasureStated', data: { ...identity, state: random.chance(0.7) ? random.pick(measureStates) : null, printedStatus: null } };
};

export const randomMeasureEvent = (random: Random, around: Surroundings): MeasureEvent => {
  const draws: readonly (() => MeasureEvent)[] = [
    () => ({ type: 'MeasureLinkedToIssue', data: { issueId: random.pick(around.issueIds) } }),
    () => ({ type: 'MeasureLinkedToIssue', data: { issueId: random.pick(around.issueIds) } }),
    () => ({ type: 'MeasureProgressed', data: { text: '有序推进' } }),
    () => ({ type: 'MeasureCompleted', data: { result: '已完成', evidence: [] } }),
    () => ({ type: 'MeasureSuspended', data: { cause: '疫情' } }),
    () => ({ type: 'MeasureResumed', data: {} }),
    () => ({ type: 'MeasureMadeStanding', data: { frequency: random.pick(frequencies) } }),
    () => ({ type: 'MeasureWithdrawn', data: { reason: '合并实施' } }),
  ];
  return random.pick(draws)();
};

/** A total map: some rules of one or two conditions, then one for all else. */
export const randomPolicy = (random: Random): PolicyContent => {
  const rule = (): BucketRule => ({
    when: {
      // Never empty: only the last rule holds always.
      state: issueStates.filter(() => random.chance(0.4)),
      ...(random.chance(0.2) ? { track: tracks.filter(() => random.chance(0.5)) } : {}),
      ...(random.chance(0.2) ? { disclosure: disclosures.filter(() => random.chance(0.5)) } : {}),
      ...(random.chance(0.2) ? { basis: completionBases.filter(() => random.chance(0.5)) } : {}),
      ...(random.chance(0.2) ? { openDatedResidual: random.chance(0.5) } : {}),
    },
    bucket: random.pick(buckets),
  });
  return {
    name: '统计口径',
    buckets: [...Array.from({ length: random.int(1, 3) }, rule), { when: {}, bucket: random.pick(buckets) }],
    dueSoon: { days: random.int(1, 40), unit: random.pick(['calendar', 'working']) },
    lights: [{ colour: 'green', atDaysLeft: 20, recipients: [] }, { colour: 'yellow', atDaysLeft: 10, recipients: [] }, { colour: 'red', atDaysLeft: -1, recipients: [] }],
    approvers: [],
  };
};

const declaredKeys = ['issues.total', 'issues.state.DONE_REPORTED', 'issues.bucket.complete', 'measures.total', 'measures.done', 'institutions.all'];

/** Small numbers, and rates that some of them give. */
export const randomDeclaration = (random: Random): ReportEvent => {
  if (random.chance(0.2)) {
    return {
      type: 'RollUpRateDeclared',
      data: {
        key: 'rate.completion', scope: {}, basis: random.pick([null, 'issue', 'measure']), value: random.pick(['50', '33.3', '66.6', '75.0', '12.5', '20', '95.8']),
        numeratorKey: null, denominatorKey: null, rounding: 'unknown', changePoints: null, printed: '整改完成率',
      },
    };
  }
  const key = random.pick(declaredKeys);
  return {
    type: 'RollUpDeclared',
    data: {
      key, scope: random.chance(0.3) ? { rounds: ['第五轮'] } : {}, basis: key.startsWith('issues') ? 'issue' : key.startsWith('measures') ? 'measure' : 'institution', kind: null,
      breakdown: random.chance(0.2) ? { by: '地区', value: random.pick(['市区', '县区']) } : null, subsetOf: null, flow: 'stock', period: null,
      quantity: { value: random.chance(0.9) ? String(random.int(0, 8)) : null, unit: '个', qualifier: random.pick(['exact', 'about', 'over', 'nearly']) }, printed: key,
    },
  };
};
