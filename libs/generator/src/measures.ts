import type { Day, FuzzyDate, IssueId, MeasureId } from '@rectrail/kernel';
import { frequencies, settledMeasureStates, streams, type MeasureCommand, type MeasureEvent, type MeasureState } from '@rectrail/tracking-domain';
import { act, actAlso } from './acting.ts';
import { deadline } from './dates.ts';
import { measureKind } from './kinds.ts';
import { StreamEnd } from './journal.ts';
import { LiveAggregate } from './live-aggregate.ts';
import { account, delay, documentTitle, effect, measureTitle } from './texts.ts';
import { happened, inDays, newId, type World } from './world.ts';

const markers = '①②③④⑤⑥⑦⑧⑨';

export type LiveMeasure = LiveAggregate<MeasureState, MeasureCommand, MeasureEvent>;

/** The issue for which a measure is planned. */
export interface Served {
  readonly issueId: IssueId;
  readonly orgId: NonNullable<LiveMeasure['scope']['orgId']>;
  readonly inspectionId: NonNullable<LiveMeasure['scope']['inspectionId']>;
  readonly count: number;
}

const idOf = (measure: LiveMeasure): MeasureId | null => measure.now.identity?.measureId ?? null;

/** Within the command under way, whose other half stands in the issue's stream. */
export const planMeasure = (world: World, { issueId, orgId, inspectionId, count }: Served, on: FuzzyDate): LiveMeasure | null => {
  const { random, organisations } = world;
  const measureId = newId<MeasureId>(world);
  const measure: LiveMeasure = new LiveAggregate(measureKind, new StreamEnd(streams.measure(measureId)), { orgId, inspectionId });
  const planned = random.chance(0.5) ? deadline(random, inDays(world, random.int(20, 120))) : null;
  const recorded = actAlso(world, measure, {
    type: 'PlanMeasure', on, by: organisations.reporter(random, orgId),
    data: { inspectionId, issueIds: [issueId], marker: random.chance(0.7) ? markers.charAt(count % markers.length) : null, measureId, orgId, planned, title: measureTitle(random) },
  });
  return recorded === null ? null : measure;
};

/** Lets a measure that stands serve this issue too. Within the command under way, like the planning of one. */
export const shareMeasure = (world: World, measure: LiveMeasure, issueId: IssueId, on: FuzzyDate): LiveMeasure | null => {
  const { orgId } = measure.scope;
  if (orgId === null || measure.now.issueIds.includes(issueId)) return null;
  return actAlso(world, measure, { type: 'LinkMeasureToIssue', on, by: world.organisations.reporter(world.random, orgId), data: { issueId } }) === null ? null : measure;
};

export const isSettled = (measure: LiveMeasure): boolean => settledMeasureStates.has(measure.now.state);

const notBefore = (measure: LiveMeasure): Day | null => measure.now.lastAssertion?.last ?? null;

export const reportOnMeasure = (world: World, measure: LiveMeasure): boolean => {
  const { random, organisations } = world;
  const { orgId } = measure.scope;
  if (orgId === null) return false;
  const frame = { on: happened(world, notBefore(measure)), by: organisations.reporter(random, orgId) };
  if (measure.now.state === 'SUSPENDED') return act(world, measure, { type: 'ResumeMeasure', ...frame, data: {} });
  if (isSettled(measure) && measure.now.state !== 'STANDING') return false;
  if (measure.now.state !== 'STANDING' && random.chance(0.015)) return act(world, measure, { type: 'SuspendMeasure', ...frame, data: { cause: delay(random) } });
  return act(world, measure, { type: 'ReportMeasureProgress', ...frame, data: { text: account(random) } });
};

/** Brings a measure to its end; the residuals that wait for it end in the same command (`alsoOnIssues`). */
export const settleMeasure = (world: World, measure: LiveMeasure, alsoOnIssues: (measureId: MeasureId, on: FuzzyDate) => void): void => {
  const { random, organisations, journal } = world;
  const { orgId } = measure.scope;
  const measureId = idOf(measure);
  if (orgId === null || measureId === null) return;
  const frame = { on: happened(world, notBefore(measure)), by: organisations.reporter(random, orgId) };
  if (measure.now.state === 'SUSPENDED') { act(world, measure, { type: 'ResumeMeasure', ...frame, data: {} }); return; }
  const end = random.unit();
  if (end < 0.12) { act(world, measure, { type: 'MakeMeasureStanding', ...frame, data: { frequency: random.pick(frequencies) } }); return; }
  if (end < 0.15) { act(world, measure, { type: 'WithdrawMeasure', ...frame, data: { reason: delay(random) } }); return; }
  const evidence = random.chance(0.6) ? [documentTitle(random, '印证材料')] : [];
  journal.beginCommand();
  const done = actAlso(world, measure, { type: 'CompleteMeasure', ...frame, data: { evidence, result: random.chance(0.8) ? effect(random) : null } });
  if (done !== null) alsoOnIssues(measureId, frame.on);
};
