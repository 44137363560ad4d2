import type { Actor, Day, FundsCaseId, FuzzyDate, InspectionId, IssueId, MeasureId, OrgId } from '@rectrail/kernel';
import { residualsOfMeasure, streams, type IssueCommand, type IssueEvent, type IssueSituation, type IssueState, type IssueStateName, type Track } from '@rectrail/tracking-domain';
import { act, actAlso } from './acting.ts';
import type { Task } from './agenda.ts';
import { StreamEnd } from './journal.ts';
import { issueKind } from './kinds.ts';
import { LiveAggregate } from './live-aggregate.ts';
import { isSettled, settleMeasure, type LiveMeasure } from './measures.ts';
import type { PlanWork } from './plans.ts';
import { happened, inDays, newId, type World } from './world.ts';

/** What the issues of one inspection have in common. */
export interface IssueRound {
  readonly inspectionId: InspectionId;
  readonly feedbackOn: FuzzyDate;
  /** Those with which something may still happen. */
  readonly issues: Set<IssueCase>;
  /** Those that are over, by the state in which they ended, and how many measures they had. */
  readonly ended: { readonly states: IssueStateName[]; measures: number };
  /** Issues of the last inspection of the same organisation. */
  readonly earlier: readonly IssueId[];
  /** The plan under which the issue is to be planned; null where the policy asks for none and nobody makes one. */
  planOf(issue: IssueCase): PlanWork | null;
  lastCase: FundsCaseId | null;
}

interface Frame { readonly on: FuzzyDate; readonly by: Actor }

/** An issue under way, and what those who work on it mean to do. */
export class IssueCase {
  readonly world: World;
  readonly round: IssueRound;
  readonly orgId: OrgId;
  readonly issueId: IssueId;
  readonly live: LiveAggregate<IssueState, IssueCommand, IssueEvent>;
  readonly track: Track;
  readonly measures: LiveMeasure[] = [];
  /** With those that are given up. */
  measureCount = 0;
  measuresWanted: number;
  /** Until this day the work goes on; then its measures are settled and its completion is claimed. */
  aim: number | null = null;
  phases = 0;
  lookBacks = 0;

  constructor(world: World, round: IssueRound, orgId: OrgId) {
    const { random } = world;
    this.world = world;
    this.round = round;
    this.orgId = orgId;
    this.issueId = newId(world);
    this.live = new LiveAggregate(issueKind, new StreamEnd(streams.issue(this.issueId)), { orgId, inspectionId: round.inspectionId });
    this.track = random.weighted<Track>([[0.14, 'IMMEDIATE'], [0.75, 'TIMED'], [0.11, 'LONG_TERM']]);
    this.measuresWanted = random.weighted([[0.3, 1], [0.35, 2], [0.22, 3], [0.13, 4]]);
  }

  get state(): IssueState {
    return this.live.now;
  }

  get today(): number {
    return this.world.journal.todayNumber;
  }

  /** The owner's own word. What it tells happened no earlier than the status that it builds on, nor than `after`. */
  owner(after: Day | null = null): Frame {
    return { on: happened(this.world, this.#notBefore(after)), by: this.world.organisations.reporter(this.world.random, this.orgId) };
  }

  /** The word of those above it. */
  supervisor(): Frame {
    return { on: happened(this.world, this.#notBefore(null)), by: this.world.organisations.supervisor(this.world.random, this.orgId) };
  }

  act(command: IssueCommand & { readonly by: Actor }): boolean {
    return act(this.world, this.live, command);
  }

  /** A command that depends on the measures of the issue. */
  actOnMeasures(command: IssueCommand<'PlanIssue' | 'ReportCompletion'> & { readonly by: Actor }): boolean {
    const measures = this.measures.flatMap(({ now }) => (now.identity === null ? [] : [{ measureId: now.identity.measureId, state: now }]));
    const situation: IssueSituation = { ...this.live.situation(command.on, this.world.journal.today), measures };
    return act(this.world, this.live, command, situation);
  }

  /** Brings one open measure to its end, with the residuals that wait for it; false where none is open. */
  settleOne(): boolean {
    const open = this.measures.find((measure) => !isSettled(measure));
    if (open === undefined) return false;
    settleMeasure(this.world, open, (measureId, on) => { this.#completeResiduals(measureId, on); });
    return true;
  }

  /** Nothing happens to it any more: what the round still counts is its state. */
  end(): void {
    const { issues, ended } = this.round;
    if (!issues.delete(this)) return;
    ended.states.push(this.state.state);
    ended.measures += this.measureCount;
  }

  /** Its turn comes again in so many days. */
  again(task: Task, days: number): void {
    this.world.agenda.put(inDays(this.world, days), task);
  }

  #notBefore(after: Day | null): Day {
    const days: readonly (Day | '')[] = [this.state.lastAssertion?.last ?? '', this.live.settledUntil, after ?? ''];
    return days.reduce<Day>((last, day) => (day === '' || day < last ? last : day), this.round.feedbackOn.last);
  }

  #completeResiduals(measureId: MeasureId, on: FuzzyDate): void {
    for (const key of residualsOfMeasure(this.state, measureId)) {
      actAlso(this.world, this.live, { type: 'CompleteResidual', on, by: this.world.organisations.reporter(this.world.random, this.orgId), data: { key } });
    }
  }
}
