import { onDay, undatedBetween, type Day, type FundsCaseId, type FuzzyDate, type InspectionId, type IssueId, type OrgId, type ReportId } from '@rectrail/kernel';
import {
  basicCompletionBuckets, defaultPolicy, doneStates, issueStates, streams,
  type InspectionCommand, type InspectionEvent, type InspectionIdentity, type InspectionState, type IssueEvent, type IssueState, type IssueStateName, type Residual,
} from '@rectrail/tracking-domain';
import { act } from './acting.ts';
import type { Task } from './agenda.ts';
import { dayAt, monthEnd, numberOf, onDayAt } from './dates.ts';
import type { IssueCase, IssueRound } from './issue-case.ts';
import { registerIssue } from './issues.ts';
import { inspectionKind } from './kinds.ts';
import { declared, idOfKey, LedgerImport, type LiveReport } from './ledgers.ts';
import { StreamEnd } from './journal.ts';
import { LiveAggregate } from './live-aggregate.ts';
import { MetricWork } from './metrics.ts';
import { administrator } from './organisations.ts';
import { PlanWork } from './plans.ts';
import type { Random } from './random.ts';
import { documentTitle, numeral } from './texts.ts';
import { happened, inDays, newId, type World } from './world.ts';

/** The last inspection of an organisation, with some of its issues: what the next one may find again. */
export interface EarlierInspection { readonly inspectionId: InspectionId; readonly issueIds: readonly IssueId[] }

const issuesMax = 60;
const issuesPerRun = 12;
const earlierKept = 4;
/** Told to be done by a report while the work goes on. */
const overclaimedShare = 0.1;
/** Printed without a status, or by its number alone. */
const hiddenShare = 0.05;
/** Organisations whose plans need consent from then on. */
const approvedShare = 0.07;

const printedStatus: Readonly<Record<IssueStateName, readonly [IssueStateName, string]>> = {
  FED_BACK: ['FED_BACK', '已列入整改台账'], REGISTERED: ['REGISTERED', '已认领'], PLANNED: ['PLANNED', '已制定整改方案'], IN_PROGRESS: ['IN_PROGRESS', '正在按计划推进'], PHASED: ['PHASED', '已取得阶段性成效'],
  BASICALLY_DONE: ['BASICALLY_DONE', '基本完成'], DONE_REPORTED: ['DONE_REPORTED', '已完成'], VERIFIED: ['DONE_REPORTED', '整改完成'], WRITTEN_OFF: ['DONE_REPORTED', '整改完成，并持续落实'],
  REOPENED: ['REOPENED', '出现反弹，正在整改'], TRANSFERRED_OUT: ['TRANSFERRED_OUT', '已移交'],
};

type StatusStated = Extract<IssueEvent, { type: 'IssueStatusStated' }>['data'];

const asPrinted = ({ key, printed, planned, measureId }: Residual): Residual => ({ key, printed, ...(planned && { planned }), ...(measureId && { measureId }) });

const toldStatus = (random: Random, { residuals }: IssueState, as: IssueStateName): StatusStated => {
  const [state, printed] = printedStatus[as];
  return {
    completionBasis: state === 'DONE_REPORTED' ? 'RECTIFIED' : null, continuation: random.chance(0.2) ? 'KEEP_IMPLEMENTING' : 'NONE', continuationPrinted: null, disclosure: 'STATED',
    printedStatus: printed, residuals: residuals.filter((residual) => residual.open).map(asPrinted), state, track: null,
  };
};

const hiddenStatus = (random: Random): StatusStated => ({
  completionBasis: null, continuation: 'NONE', continuationPrinted: null, disclosure: random.pick(['NOT_DISCLOSED', 'WITHHELD']), printedStatus: null, residuals: [], state: null, track: null,
});

/** One inspection: opened, in the field, fed back with its issues, reported on. */
export class InspectionWork implements Task, IssueRound {
  readonly inspectionId: InspectionId;
  readonly orgId: OrgId;
  readonly issues = new Set<IssueCase>();
  readonly ended: IssueRound['ended'] = { states: [], measures: 0 };
  readonly earlier: readonly IssueId[];
  lastCase: FundsCaseId | null = null;
  readonly #world: World;
  readonly #inspection: LiveAggregate<InspectionState, InspectionCommand, InspectionEvent>;
  readonly #previous: EarlierInspection | null;
  readonly #plans: PlanWork[] = [];
  readonly #makesPlan: boolean;
  readonly #ready: (inspection: InspectionWork) => void;
  #issuesLeft: number;

  /** `ready` is told when the team has left: the feedback may be delivered. */
  constructor(world: World, orgId: OrgId, previous: EarlierInspection | null, ready: (inspection: InspectionWork) => void) {
    const { random, organisations } = world;
    this.#world = world;
    this.orgId = orgId;
    this.#previous = previous;
    this.earlier = previous?.issueIds ?? [];
    this.#ready = ready;
    this.inspectionId = newId(world);
    this.#inspection = new LiveAggregate(inspectionKind, new StreamEnd(streams.inspection(this.inspectionId)), { orgId, inspectionId: this.inspectionId });
    this.#issuesLeft = Math.min(random.longTail(2, 11, 0.75) * (organisations.isLarge(orgId) ? 2 : 1), issuesMax);
    this.#makesPlan = random.chance(0.4);
  }

  get issueCount(): number {
    return this.issues.size + this.ended.states.length + this.#issuesLeft;
  }

  get feedbackOn(): FuzzyDate {
    const on = this.#inspection.now.feedback?.on;
    if (on == null) throw new Error('the inspection has not been fed back');
    return on;
  }

  /** What the next inspection of the organisation may find again. */
  get asEarlier(): EarlierInspection {
    return { inspectionId: this.inspectionId, issueIds: [...this.issues].slice(0, earlierKept).map((issue) => issue.issueId) };
  }

  /** The next step before the feedback; after it, some of the issues. */
  run(): void {
    const { random, agenda } = this.#world;
    const { now } = this.#inspection;
    if (now.feedback !== null) {
      this.#registerSome();
      return;
    }
    this.#prepare(happened(this.#world, this.#lastStep()));
    if (this.#inspection.now.fieldworkEnded !== null) this.#ready(this);
    else agenda.put(inDays(this.#world, now.fieldworkStarted === null ? random.int(3, 20) : random.int(25, 60)), this);
  }

  /** An inspection that was over before anything was recorded of it: its course is told afterwards. */
  tellAfterwards(): void {
    const { random, journal } = this.#world;
    let day = journal.todayNumber - random.int(90, 150);
    for (const days of [0, 10, 15, 45]) {
      day += days;
      this.#prepare(onDayAt(day));
    }
  }

  deliverFeedback(): void {
    const { random, agenda, organisations, journal } = this.#world;
    const on = happened(this.#world, this.#lastStep());
    act(this.#world, this.#inspection, { type: 'DeliverFeedback', on, by: administrator, data: { recommendations: random.chance(0.6) ? random.int(3, 9) : null } });
    if (random.chance(0.1)) act(this.#world, this.#inspection, { type: 'AttachSpecialCheck', on, by: administrator, data: { topic: '选人用人专项检查' } });
    this.#registerSome();
    if (random.chance(0.08)) agenda.put(inDays(this.#world, random.int(20, 90)), new MetricWork(this.#world, this.orgId, this.inspectionId));
    for (let from = random.longTail(70, 150, 0.5), n = 1; n <= 2 && random.chance(n === 1 ? 0.75 : 0.3); n++, from += random.int(120, 240)) {
      agenda.put(inDays(this.#world, from), { run: () => { this.#report(n); } });
    }
    if (random.chance(approvedShare)) {
      const content = { ...defaultPolicy, name: `${organisations.node(this.orgId).name}口径`, approvers: ['INSPECTION_TEAM', 'DISCIPLINE'] };
      this.#world.journal.beginCommand();
      this.#world.policies.adopt(this.orgId, content, journal.today, { actor: administrator });
    }
  }

  planOf(issue: IssueCase): PlanWork | null {
    const { agenda, policies, journal } = this.#world;
    const named = this.#plans.find((plan) => plan.names(issue.issueId));
    if (named !== undefined) return named;
    const isAsked = policies.on(issue.orgId, journal.today).approvers.length > 0;
    if (!isAsked && !(this.#makesPlan && issue.orgId === this.orgId)) return null;
    const issueIds = [...this.issues].filter((one) => one.orgId === issue.orgId).map((one) => one.issueId);
    const plan = new PlanWork(this.#world, { orgId: issue.orgId, inspectionId: this.inspectionId, issueIds });
    this.#plans.push(plan);
    agenda.put(inDays(this.#world, 1), plan);
    return plan;
  }

  #lastStep(): Day | null {
    const { fieldworkEnded, fieldworkStarted, openedOn } = this.#inspection.now;
    return (fieldworkEnded ?? fieldworkStarted)?.on?.last ?? openedOn?.last ?? null;
  }

  #prepare(on: FuzzyDate): void {
    const { random } = this.#world;
    const { now } = this.#inspection;
    const by = administrator;
    if (now.identity === null) act(this.#world, this.#inspection, { type: 'OpenInspection', on, by, data: this.#identity() });
    else if (now.team === null) act(this.#world, this.#inspection, { type: 'AssignTeam', on, by, data: { team: `第${numeral(random.int(1, 12))}巡察组` } });
    else if (now.fieldworkStarted === null) {
      act(this.#world, this.#inspection, { type: 'StartFieldwork', on, by, data: {} });
      if (this.#previous !== null) act(this.#world, this.#inspection, { type: 'LinkPreviousRound', on, by, data: { inspectionId: this.#previous.inspectionId } });
    } else act(this.#world, this.#inspection, { type: 'EndFieldwork', on, by, data: {} });
  }

  #identity(): InspectionIdentity {
    const { random, journal, organisations } = this.#world;
    const { name, level } = organisations.node(this.orgId);
    const [year, month] = [Number(journal.today.slice(0, 4)), Number(journal.today.slice(5, 7))];
    const isByProvince = level === 'province' || level === 'city';
    const round = (year - 2010) % 5 * 3 + Math.ceil(month / 4);
    return {
      committee: isByProvince ? '省委' : '市县党委', inspectionId: this.inspectionId, kind: isByProvince ? 'XUNSHI' : random.weighted([[0.9, 'XUNCHA'], [0.05, 'AUDIT'], [0.05, 'SPECIAL_CHECK']] as const), orgId: this.orgId,
      round, term: `第${numeral(Math.floor((year - 2010) / 5) + 9)}届`, title: `第${round}轮对${name}的${isByProvince ? '巡视' : '巡察'}`, topic: random.chance(0.2) ? documentTitle(random, '专项') : null,
      types: [random.weighted([[0.7, 'REGULAR'], [0.15, 'SPECIAL'], [0.1, 'LOOK_BACK'], [0.05, 'MOBILE']] as const)],
    };
  }

  /** Most are the inspected organisation's own; some are given to one below it. */
  #registerSome(): void {
    const { random, agenda, organisations } = this.#world;
    for (let n = 0; n < issuesPerRun && this.#issuesLeft > 0; n++, this.#issuesLeft--) {
      registerIssue(this.#world, this, random.chance(0.15) ? organisations.below(random, this.orgId) : this.orgId);
    }
    if (this.#issuesLeft > 0) agenda.put(inDays(this.#world, 1), this);
  }

  /** A published report on the rectification comes in as a ledger: figures always, the status of each issue often. */
  #report(n: number): void {
    const { random, journal, organisations } = this.#world;
    const publishedOn = journal.todayNumber - random.longTail(0, 5, 0.9);
    const asOf = monthEnd(publishedOn) === publishedOn ? publishedOn : publishedOn - Number(dayAt(publishedOn).slice(8));
    if (asOf <= numberOf(this.feedbackOn.last) + 1) return;
    const title = `${organisations.node(this.orgId).name}关于巡察整改进展情况的通报`;
    const key = `${this.inspectionId}/report/${n}`;
    const ledger = new LedgerImport(this.#world, { documentId: `report-${this.inspectionId}-${n}`, title, publishedOn, orgId: this.orgId });
    if (random.chance(0.4)) this.#issuesTold(ledger, dayAt(asOf));
    if (n === 1 && random.chance(0.12)) ledger.policy({ ...defaultPolicy, name: `${organisations.node(this.orgId).name}通报口径`, buckets: basicCompletionBuckets }, this.feedbackOn.last);
    const report = ledger.report({ reportId: idOfKey('report', key) as ReportId, inspectionId: this.inspectionId, asOf, ...this.#declares() });
    ledger.end();
    if (random.chance(0.1)) this.#world.agenda.put(inDays(this.#world, random.int(3, 40)), { run: () => { this.#explain(report); } });
  }

  #explain(report: LiveReport): void {
    const { random, organisations } = this.#world;
    const by = organisations.reporter(random, this.orgId);
    const on = happened(this.#world, report.now.identity?.publishedOn ?? null);
    act(this.#world, report, { type: 'ExplainDiscrepancy', on, by, data: { discrepancyKey: 'issues.total', explanation: '通报含合并反映的问题，未逐条列出' } });
  }

  /** Each as it stood as of the report; now and then one is told to be done that is not. */
  #issuesTold(ledger: LedgerImport, asOf: Day): void {
    const { random, journal } = this.#world;
    const undated = undatedBetween(this.feedbackOn.last, asOf);
    for (const { live, issueId } of this.issues) {
      // What it was before it was written off is forgotten.
      if (asOf < live.settledUntil) continue;
      const stood = live.stateOn(asOf);
      const isOverclaimed = stood === live.now && stood.state === 'IN_PROGRESS' && random.chance(overclaimedShare);
      const data = random.chance(hiddenShare) ? hiddenStatus(random) : toldStatus(random, stood, isOverclaimed ? 'DONE_REPORTED' : stood.state);
      const told: IssueEvent = { type: 'IssueStatusStated', data };
      live.record(journal, [told], { ...ledger.entry(`${issueId}/status`), validTime: data.state === null ? onDay(asOf) : undated });
    }
  }

  /** What the report declares: mostly what is found, now and then another number, and what nothing stands behind. */
  #declares(): Pick<Parameters<LedgerImport['report']>[0], 'figures' | 'rates' | 'noted'> {
    const { random } = this.#world;
    const miscounted = (n: number): number => Math.max(0, n + (random.chance(0.12) ? random.int(-2, 3) : 0));
    const all = [...this.ended.states, ...[...this.issues].map(({ live }) => live.now.state)];
    const states = issueStates.map((state) => [state, all.filter((one) => one === state).length] as const).filter(([, count]) => count > 0);
    const done = all.filter((state) => doneStates.has(state)).length;
    const measures = [...this.issues].reduce((sum, issue) => sum + issue.measureCount, this.ended.measures);
    const total = miscounted(all.length);
    return {
      figures: [
        declared('issues.total', total), ...states.map(([state, count]) => declared(`issues.state.${state}`, miscounted(count), { subsetOf: 'issues.total' })), declared('measures.total', miscounted(measures)),
        ...(random.chance(0.6) ? [declared('institutions.created', random.longTail(0, 4, 0.8))] : []),
        ...(random.chance(0.4) ? [declared('accountability.persons', random.longTail(0, 2, 0.9), { quantity: { value: String(random.int(1, 9)), unit: random.pick(['人', '人次']), qualifier: 'exact' } })] : []),
        ...(random.chance(0.3) ? [declared('funds.recovered', random.longTail(1_000, 40_000, 1.2) * 100)] : []),
      ],
      rates: random.chance(0.5) && total > 0 ? [{
        key: 'rate.completion', scope: {}, basis: 'issue', value: (done * 100 / total).toFixed(1), numeratorKey: null, denominatorKey: null, rounding: 'rounded', changePoints: null, printed: `${(done * 100 / total).toFixed(1)}%`,
      }] : [],
      noted: random.chance(0.06) ? '正文与附表的问题数不一致' : null,
    };
  }
}
