// Goal: series, comparisons and replays agree with the figures module at any cuts, whatever came late, moved or was taken back.
// Method: random histories projected once; random ranges and pairs of cuts; the oracle asked day by day, and issue by issue on both sides.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deriveEventId } from '@rectrail/event-store';
import { addDays, dayIn, daysBetween, lastInstantOf, maxDay, type Cut, type Day, type Fact, type OrgId, type TreeId } from '@rectrail/kernel';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { administrativeTreeId, countingFacts, streams, treeAt, type FactsRetracted, type OrganisationTreeEvent, type TrackingEvent } from '@rectrail/tracking-domain';
import { dashboard } from '@rectrail/tracking-domain/figures';
import { randomCut, randomHistory } from '@rectrail/tracking-domain/testing';
import { openTrackingRead } from './open-tracking-read.ts';
import { figureNames } from './queries/figure-names.ts';
import type { SeriesRequest } from './queries/over-time.ts';
import { seriesSteps } from './queries/requests.ts';
import type { TrackingRead } from './queries/tracking-read.ts';
import { randomOf, recordHistory } from './testing/index.ts';

type TrackingFact = Fact<TrackingEvent>;

const zone = 'Asia/Shanghai';
const seeds = [201, 202, 203, 204];
const seriesEach = 25;

const referenceStreams = /^(org-tree-|policy-|working-calendar|installation)/;

/** The history of some owners alone, with all that they are judged by. */
const ofOwners = (history: readonly TrackingFact[], owners: ReadonlySet<OrgId> | null): readonly TrackingFact[] =>
  (owners === null ? history : history.filter(({ streamId, scope }) => referenceStreams.test(streamId) || (scope.orgId !== null && owners.has(scope.orgId))));

const membersAt = (history: readonly TrackingFact[], org: OrgId, tree: TreeId | undefined, cut: Cut): ReadonlySet<OrgId> => {
  const streamId = streams.organisationTree(tree ?? administrativeTreeId);
  // The name of the stream says which events it holds.
  const facts = history.filter((fact) => fact.streamId === streamId) as unknown as readonly Fact<OrganisationTreeEvent | FactsRetracted>[];
  return new Set([org, ...treeAt(countingFacts(facts, cut)).subtree(org)]);
};

/** The number of a dashboard that a name stands for. */
const numberAt = (figures: object, name: string): unknown => {
  const found = name.split('.').reduce<unknown>((inner, key) => (inner as Readonly<Record<string, unknown>>)[key], figures);
  if (typeof found !== 'object' || found === null) return found;
  return 'count' in found ? found.count : 'fen' in found ? found.fen : undefined;
};

describe.each(seeds)('random history %i', (seed) => {
  const history: readonly TrackingFact[] = randomHistory(seed, 300, deriveEventId);
  const orgs = history.flatMap((fact) => (fact.event.type === 'OrgRegistered' ? [{ orgId: fact.event.data.orgId, at: fact.position }] : []));
  const trees = history.flatMap((fact) => (fact.event.type === 'TreeOpened' ? [{ treeId: fact.event.data.treeId, at: fact.position }] : []));
  let database: TestDatabase;
  let read: TrackingRead;

  beforeAll(async () => {
    database = await createTestDatabase();
    const { store, codec, clock } = await recordHistory(history);
    read = await openTrackingRead({ connectionString: database.url, store, codec, clock, zone, coarseFromPoints: 30 });
    await read.project();
  });

  afterAll(async () => {
    await read.stop();
    await database.drop();
  });

  const choiceAt = (n: number): { readonly cut: Cut; readonly org: OrgId | null; readonly tree: TreeId | undefined; readonly treeAt: 'then' | 'now' } => {
    const random = randomOf(seed * 7_919 + n);
    const cut = randomCut(seed * 1_000 + n, history);
    const registered = orgs.filter((org) => org.at <= cut.atPosition).map((org) => org.orgId);
    return {
      cut, org: registered.length === 0 || random.int(0, 3) === 0 ? null : random.pick(registered),
      tree: random.pick<TreeId | undefined>([undefined, undefined, ...trees.filter(({ at }) => at <= cut.atPosition).map(({ treeId }) => treeId)]),
      treeAt: random.pick(['then', 'then', 'now'] as const),
    };
  };

  it.each(Array.from({ length: seriesEach }, (_, n) => n))('gives on each day of series %i the oracle\'s dashboard', async (n) => {
    const random = randomOf(seed * 104_729 + n);
    const { cut, org, tree, treeAt: shape } = choiceAt(n);
    const as = random.pick(['then', 'known'] as const);
    const every = random.pick(seriesSteps);
    const to = maxDay(cut.validAt, addDays('2015-01-01' as Day, 0));
    const from = addDays(to, -random.int(0, { day: 12, week: 80, month: 400 }[every]));
    const request: SeriesRequest = { within: null, atPosition: cut.atPosition, from, to, every, as, figures: figureNames, tree, treeAt: shape, ...(org !== null && { org }), ...(as === 'known' && { knownAt: cut.knownAt }) };
    const answer = await read.queries.series(request);
    const knownOn = (d: Day) => (as === 'known' ? cut.knownAt : lastInstantOf(zone, d));
    expect(answer.cut).toEqual({ atPosition: cut.atPosition, validAt: to, knownAt: knownOn(to) });
    expect([answer.figures.days[0], answer.figures.days.at(-1)]).toEqual([from, to]);
    const years = new Set<number>();
    for (const [i, d] of answer.figures.days.entries()) {
      const at: Cut = { ...answer.cut, validAt: d, knownAt: knownOn(d) };
      const treeCut = shape === 'now' ? { ...answer.cut, validAt: dayIn(zone, answer.cut.knownAt) } : at;
      const expected = dashboard(ofOwners(history, org === null ? null : membersAt(history, org, tree, treeCut)), at, { org: null, policy: null });
      for (const year of expected.assumptions.calendarYears) years.add(year);
      const values = Object.fromEntries(figureNames.map((name) => [name, answer.figures.values[name]?.[i]]));
      expect({ d, values }).toEqual({ d, values: Object.fromEntries(figureNames.map((name) => [name, numberAt(expected.figures, name)])) });
    }
    expect(answer.assumptions.calendarYears).toEqual([...years].sort((a, b) => a - b));
    expect(daysBetween(from, to)).toBeGreaterThanOrEqual(0);
  });
});
