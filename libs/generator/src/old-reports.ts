import { undatedBetween, type FundsCaseId, type FuzzyDate, type InspectionId, type IssueId, type MeasureId, type OrgId, type ReportId, type StreamId } from '@rectrail/kernel';
import { basicCompletionBuckets, defaultPolicy, measureStates, numberKey, streams, type IssueStateName, type Residual } from '@rectrail/tracking-domain';
import type { Task } from './agenda.ts';
import { dayAt, deadline, monthEnd, onDayAt, told } from './dates.ts';
import { drawnMoney } from './funds.ts';
import type { StreamEnd } from './journal.ts';
import { declared, idOfKey, LedgerImport } from './ledgers.ts';
import { aspectAt, effect, issueTitle, measureTitle, numeral, reason } from './texts.ts';
import { inDays, type World } from './world.ts';

type Scope = { readonly orgId: OrgId; readonly inspectionId: InspectionId };

const daysOld: readonly [number, number] = [365, 8 * 365];
const states: readonly (readonly [number, readonly [IssueStateName | null, string | null]])[] = [
  [55, ['DONE_REPORTED', '已完成']], [14, ['BASICALLY_DONE', '基本完成']], [14, ['PHASED', '长期任务已取得阶段性成效']], [10, ['IN_PROGRESS', '正在按计划推进']], [4, [null, null]], [3, ['REOPENED', '出现反弹，重新整改']],
];
const oldShare = 0.01;
/** On average, as made here. */
const eventsPerReport = 65;
/** One of so many is undone; most of these are brought in again, corrected. */
const undoneEvery = 9;

/** A report of years ago that is brought in now: stated statuses, measures, money and figures, all known since it was published. */
class OldReport implements Task {
  readonly #world: World;
  readonly #number: number;
  readonly #name: string;
  readonly #orgId: OrgId;
  readonly #days: { readonly publishedOn: number; readonly feedback: number; readonly asOf: number };

  constructor(world: World, number: number) {
    const { random } = world;
    this.#world = world;
    this.#number = number;
    this.#name = `old-${number}`;
    const publishedOn = world.pace.from - random.int(...daysOld);
    this.#days = { publishedOn, feedback: publishedOn - random.int(120, 300), asOf: monthEnd(publishedOn - 45) };
    this.#orgId = world.organisations.inspectedNext(world.random);
  }

  run(): void {
    this.#bringIn();
  }

  /** `ends`: of the import that was undone before. */
  #bringIn(ends?: Map<StreamId, StreamEnd>): void {
    const { random, agenda, organisations } = this.#world;
    const { publishedOn, feedback, asOf } = this.#days;
    const document = { documentId: this.#name, title: `${organisations.node(this.#orgId).name}整改情况通报（存档）`, publishedOn, orgId: this.#orgId };
    const kept = ends ?? new Map<StreamId, StreamEnd>();
    const ledger = new LedgerImport(this.#world, document, kept);
    const inspectionId = idOfKey('inspection', `${this.#name}/inspection`) as InspectionId;
    const scope = { orgId: this.#orgId, inspectionId };
    this.#inspection(ledger, scope, feedback);
    const issues = Math.min(random.longTail(4, 14, 0.7), 50);
    for (let n = 1; n <= issues; n++) this.#issue(ledger, scope, n);
    const isUndone = ends === undefined && this.#number % undoneEvery === 1;
    if (!isUndone && random.chance(0.25)) ledger.policy({ ...defaultPolicy, name: '通报口径', buckets: basicCompletionBuckets }, dayAt(feedback));
    ledger.report({
      reportId: idOfKey('report', `${this.#name}/report`) as ReportId, inspectionId, asOf,
      figures: [declared('issues.total', issues + (random.chance(0.3) ? random.int(1, 6) : 0)), declared('institutions.created', random.int(1, 30)), declared('accountability.persons', random.int(0, 5))],
      rates: [], noted: null,
    });
    ledger.end();
    if (!isUndone) return;
    agenda.put(inDays(this.#world, random.int(1, 10)), {
      run: () => {
        ledger.undo(reason(random));
        if (random.chance(0.7)) agenda.put(inDays(this.#world, random.int(1, 5)), { run: () => { this.#bringIn(kept); } });
      },
    });
  }

  #inspection(ledger: LedgerImport, scope: Scope, feedback: number): void {
    const { organisations, random } = this.#world;
    const { inspectionId } = scope;
    const stream = streams.inspection(inspectionId);
    ledger.tell(stream, { type: 'InspectionOpened', data: {
      committee: '市县党委', inspectionId, kind: 'XUNCHA', orgId: this.#orgId, round: random.int(1, 12), term: null, title: `对${organisations.node(this.#orgId).name}的巡察`, topic: null, types: ['REGULAR'],
    } }, { key: 'inspection', scope, on: onDayAt(feedback - 90) });
    ledger.tell(stream, { type: 'FeedbackDelivered', data: { recommendations: random.int(3, 8) } }, { key: 'inspection', scope, on: onDayAt(feedback) });
  }

  #issue(ledger: LedgerImport, scope: Scope, n: number): void {
    const { random } = this.#world;
    const { feedback, asOf } = this.#days;
    const { orgId, inspectionId } = scope;
    const key = `issue/${n}`;
    const issueId = idOfKey('issue', `${this.#name}/${key}`) as IssueId;
    const stream = streams.issue(issueId);
    const undated = undatedBetween(dayAt(feedback), dayAt(asOf));
    const when = (): FuzzyDate => (random.chance(0.5) ? undated : told(random, random.int(feedback, asOf), asOf));
    const numberPath = [`（${numeral(1 + Math.floor(n / 8))}）`, `问题${n}`];
    ledger.tell(stream, { type: 'IssueRegistered', data: {
      annex: false, aspect: aspectAt(n), assistingOrgIds: [], heading: null, inspectionId, issueId, numberKey: numberKey(numberPath), numberPath, orgId, strand: null, title: issueTitle(random), track: 'TIMED',
    } }, { key, scope, on: onDayAt(feedback) });
    const measureIds = Array.from({ length: random.int(0, 3) }, (_, m) => idOfKey('measure', `${this.#name}/${key}/measure/${m}`) as MeasureId);
    if (measureIds.length > 0) ledger.tell(stream, { type: 'IssueMeasuresAdded', data: { measureIds } }, { key: `${key}/measures`, scope, on: undated });
    const [state, printedStatus] = random.weighted(states);
    const residuals: readonly Residual[] = state === 'BASICALLY_DONE' && random.chance(0.5) ? [{ key: '③', planned: deadline(random, asOf + 120), printed: '剩余事项计划年内完成' }] : [];
    ledger.tell(stream, { type: 'IssueStatusStated', data: {
      completionBasis: state === 'DONE_REPORTED' ? 'RECTIFIED' : null, continuation: random.chance(0.25) ? 'KEEP_IMPLEMENTING' : 'NONE', continuationPrinted: null,
      disclosure: state === null ? random.pick(['NOT_DISCLOSED', 'WITHHELD']) : 'STATED', printedStatus, residuals, state, track: state === 'PHASED' ? 'LONG_TERM' : null,
    } }, { key: `${key}/status`, scope, on: state === null ? onDayAt(asOf) : when() });
    measureIds.forEach((measureId, m) => {
      const stated = random.chance(0.5) ? null : random.pick(measureStates);
      ledger.tell(streams.measure(measureId), { type: 'MeasureStated', data: {
        inspectionId, issueIds: [issueId], marker: `${numeral(m + 1)}是`, measureId, orgId, planned: null, printedStatus: stated === null ? null : effect(random), state: stated, title: measureTitle(random),
      } }, { key: `${key}/measure/${m}`, scope, on: when() });
    });
    if (random.chance(0.1)) this.#funds(ledger, scope, { issueId, key, on: when() });
  }

  #funds(ledger: LedgerImport, scope: Scope, { issueId, key, on }: { readonly issueId: IssueId; readonly key: string; readonly on: FuzzyDate }): void {
    const { random } = this.#world;
    const fundsCaseId = idOfKey('fundsCase', `${this.#name}/${key}/funds`) as FundsCaseId;
    const money = random.chance(0.2) ? { fen: null, printed: '全额' } : drawnMoney(random, 20_000);
    ledger.tell(streams.fundsCase(fundsCaseId), { type: 'FundsRecovered', data: { ...scope, fundsCaseId, issueIds: [issueId], kind: 'OTHER', money, voucher: null } }, { key: `${key}/funds`, scope, on });
  }
}

/** At one point the archive is brought in: a hundredth of all events, a few reports a day. */
export const planOldReports = (world: World, events: number): void => {
  const { random, agenda, pace } = world;
  const reports = Math.max(2, Math.round(events * oldShare / eventsPerReport));
  const from = pace.from + Math.ceil((pace.until - pace.from) * 0.2);
  for (let n = 1, day = pace.workingDay(from); n <= reports; n++) {
    agenda.put(day, new OldReport(world, n));
    if (random.chance(0.2)) day = pace.workingDay(day + 1);
  }
};
