import type { FuzzyDate, PersonRef } from '@rectrail/kernel';
import { actAlso } from './acting.ts';
import { deadline, numberOf } from './dates.ts';
import type { IssueCase } from './issue-case.ts';
import { isSettled, planMeasure, shareMeasure, type LiveMeasure } from './measures.ts';
import { delay } from './texts.ts';

/** From the feedback to the start of the work. Each answers in how many days the next step comes. */

/** What is rectified at once needs no plan. */
export const takeOver = (one: IssueCase): number => {
  const { random, organisations } = one.world;
  if (one.track === 'IMMEDIATE') {
    one.act({ type: 'MarkImmediate', ...one.owner(), data: {} });
    one.measuresWanted = 1;
    one.aim = one.today + random.longTail(4, 15, 0.8);
    return random.int(1, 4);
  }
  one.act({ type: 'AcceptIssue', ...one.owner(), data: { leader: random.chance(0.7) ? organisations.leader(random, one.orgId) : null } });
  return random.longTail(1, 8, 0.8);
};

/** A measure of another issue of the same owner that may serve this one too. */
const sharedMeasure = (one: IssueCase): LiveMeasure | null => {
  if (!one.world.random.chance(0.07)) return null;
  const other = one.round.issues.values().find((issue) => issue !== one && issue.orgId === one.orgId && issue.measures.some((measure) => !isSettled(measure)));
  return other?.measures.find((measure) => !isSettled(measure)) ?? null;
};

/** One measure, in its own stream and in that of the issue, by one command. */
export const addMeasure = (one: IssueCase): void => {
  const { world, issueId, orgId, round: { inspectionId } } = one;
  const { on, by } = one.owner();
  const shared = sharedMeasure(one);
  world.journal.beginCommand();
  const measure = shared === null ? planMeasure(world, { issueId, orgId, inspectionId, count: one.measures.length }, on) : shareMeasure(world, shared, issueId, on);
  const measureId = measure?.now.identity?.measureId;
  if (measure === null || measureId === undefined) return;
  one.measures.push(measure);
  one.measureCount += 1;
  actAlso(world, one.live, { type: 'AddMeasures', on, by, data: { measureIds: [measureId] } });
};

const drawnDeadline = (one: IssueCase): FuzzyDate => {
  const { random } = one.world;
  const days = random.weighted([[0.2, 60], [0.35, 90], [0.25, 180], [0.12, 270], [0.08, 365]]);
  return deadline(random, Math.max(numberOf(one.round.feedbackOn.last) + days, one.today + 20));
};

const leaderOf = (one: IssueCase): PersonRef => one.state.leader ?? one.world.organisations.leader(one.world.random, one.orgId);

/** Measure by measure, then, where there is to be a plan, once that is issued. */
export const plan = (one: IssueCase): number => {
  const { random, organisations } = one.world;
  if (one.measures.length < one.measuresWanted) {
    addMeasure(one);
    return random.longTail(1, 4, 1);
  }
  if (one.track === 'LONG_TERM' && one.state.track !== 'LONG_TERM') one.act({ type: 'ClassifyLongTerm', ...one.owner(), data: { reason: delay(random) } });
  const underPlan = one.round.planOf(one);
  const planId = underPlan?.issuedFor(one.issueId) ?? null;
  if (underPlan !== null && planId === null) return random.int(2, 6);
  const planned = one.state.planned !== null || one.track === 'LONG_TERM' ? null : drawnDeadline(one);
  one.actOnMeasures({ type: 'PlanIssue', ...one.owner(), data: { departmentOrgId: organisations.below(random, one.orgId), leader: leaderOf(one), planId, planned } });
  return random.longTail(1, 5, 1);
};

/** Most mean to be done in the last days before the deadline, one of eight will be late. */
export const start = (one: IssueCase): number => {
  const { random } = one.world;
  one.act({ type: 'StartRectification', ...one.owner(), data: {} });
  const { planned } = one.state;
  const from = planned === null ? one.today + random.longTail(60, 150, 0.5) : numberOf(planned.last);
  one.aim = random.chance(0.13) ? from + random.longTail(1, 15, 1) : from - (random.chance(0.75) ? random.int(0, 5) : random.int(6, 60));
  return random.int(3, 25);
};
