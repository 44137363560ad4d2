// Goal: roll-ups kept up event by event are those of a rebuild, and answer as the figures module does, while tree, policies and calendars change under them.
// Method: random histories in which those change all the time, recorded and projected step by step, rebuilt after many a step and compared row by row; then random cuts and series.
import { afterAll, describe, expect, it } from '@jest/globals';
import { createEventCodec, MemoryEventStore } from '@rectrail/event-store';
import { addDays, dayIn, firstDay, firstInstant, lastDay, lastInstant, lastInstantOf, position, type Cut, type Fact, type Instant, type OrgId, type TreeId } from '@rectrail/kernel';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { administrativeTreeId, countingFacts, streams, trackingEventDefinitions, treeAt, type FactsRetracted, type OrganisationTreeEvent, type TrackingEvent } from '@rectrail/tracking-domain';
import { dashboard, dashboardByChild } from '@rectrail/tracking-domain/figures';
import { asNewFacts, randomCut } from '@rectrail/tracking-domain/testing';
import type { DataSource } from 'typeorm';
import { openReadDatabase, readTransaction } from './database/data-source.ts';
import { schema } from './database/rows.ts';
import { isEmptyRow, rollUpTables } from './figures/roll-up-tables.ts';
import { registerProjection } from './projections/register-projection.ts';
import { openTrackingRead } from './open-tracking-read.ts';
import { figureNames } from './queries/figure-names.ts';
import { seriesSteps } from './queries/requests.ts';
import type { TrackingRead } from './queries/tracking-read.ts';
import { clockAt, randomOf } from './testing/index.ts';
import { shiftingHistory } from './testing/shifting-history.ts';

type TrackingFact = Fact<TrackingEvent>;

const zone = 'Asia/Shanghai';
const histories = [{ seed: 303, pace: 'restless' }, { seed: 306, pace: 'restless' }, { seed: 311, pace: 'steady' }, { seed: 312, pace: 'steady' }] as const;
const coarseFromPoints = 20;
const dashboardsEach = 120;
const seriesEach = 25;

const administrativeStream = streams.organisationTree(administrativeTreeId);

const tables = registerProjection(zone).tables.map(({ name }) => name);

const rowsOf = (dataSource: DataSource): Promise<ReadonlyMap<string, readonly string[]>> => readTransaction(dataSource, async (tx) => {
  const rows = new Map<string, readonly string[]>();
  for (const table of tables) rows.set(table, (await tx.query<{ row: string }>(`select to_jsonb(t)::text as row from ${schema}.${table} t order by 1`)).map(({ row }) => row));
  return rows;
});

/** What has cancelled has gone, whichever statement made it so. */
const emptyRows = (dataSource: DataSource): Promise<readonly object[]> => readTransaction(dataSource, (tx) =>
  tx.query(rollUpTables.map(({ name }) => `select '${name}' as table, org_id, a, b from ${schema}.${name} where ${isEmptyRow}`).join(' union all ')));

/** Columns of roll-ups that an index asks of a row, in its keys or its condition: with one of them each write of a row would write all indexes of its table (no HOT update). */
const indexedColumns = (dataSource: DataSource): Promise<readonly { readonly name: string }[]> => readTransaction(dataSource, (tx) => tx.query(
  `select distinct a.attname as name from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum > 0
    where i.indrelid = any($1::text[]::regclass[]) and (a.attnum = any(i.indkey) or pg_get_expr(i.indpred, i.indrelid) ~ ('\\m' || a.attname || '\\M')) order by 1`,
  [rollUpTables.map(({ name }) => `${schema}.${name}`)],
));

/** Organisations that have neither a place in the tree nor anything of their own. */
const strangers = async (dataSource: DataSource, recorded: readonly TrackingFact[]): Promise<readonly OrgId[]> => {
  // The name of the stream says which events it holds.
  const facts = recorded.filter(({ streamId }) => streamId === administrativeStream) as unknown as readonly Fact<OrganisationTreeEvent | FactsRetracted>[];
  const { orgs } = treeAt(countingFacts(facts, { atPosition: position(recorded.length), knownAt: lastInstant, validAt: lastDay }));
  const rows = await readTransaction(dataSource, (tx) => tx.query<{ org_id: OrgId }>(`select org_id from ${schema}.figure_org where points = 0`));
  return rows.map((row) => row.org_id).filter((orgId) => !orgs.has(orgId));
};

/** Some of the rows that only one of the two has. */
const differences = (kept: ReadonlyMap<string, readonly string[]>, rebuilt: ReadonlyMap<string, readonly string[]>): readonly object[] => tables.flatMap((table) => {
  const [a, b] = [kept.get(table) ?? [], rebuilt.get(table) ?? []];
  const [inA, inB] = [new Set(a), new Set(b)];
  const [onlyKept, onlyRebuilt] = [a.filter((row) => !inB.has(row)), b.filter((row) => !inA.has(row))];
  return onlyKept.length + onlyRebuilt.length === 0 ? [] : [{ table, onlyKept: onlyKept.slice(0, 3), onlyRebuilt: onlyRebuilt.slice(0, 3) }];
});

const referenceStreams = /^(org-tree-|policy-|working-calendar|installation)/;

const membersAt = (history: readonly TrackingFact[], org: OrgId, tree: TreeId | undefined, cut: Cut): ReadonlySet<OrgId> => {
  const streamId = streams.organisationTree(tree ?? administrativeTreeId);
  // The name of the stream says which events it holds.
  const facts = history.filter((fact) => fact.streamId === streamId) as unknown as readonly Fact<OrganisationTreeEvent | FactsRetracted>[];
  return new Set([org, ...treeAt(countingFacts(facts, cut)).subtree(org)]);
};

const ofOwners = (history: readonly TrackingFact[], owners: ReadonlySet<OrgId>): readonly TrackingFact[] =>
  history.filter(({ streamId, scope }) => referenceStreams.test(streamId) || (scope.orgId !== null && owners.has(scope.orgId)));

const numberAt = (figures: object, name: string): unknown => {
  const found = name.split('.').reduce<unknown>((inner, key) => (inner as Readonly<Record<string, unknown>>)[key], figures);
  if (typeof found !== 'object' || found === null) return found;
  return 'count' in found ? found.count : 'fen' in found ? found.fen : undefined;
};

describe.each(histories)('$pace history $seed', ({ seed, pace }) => {
  const history = shiftingHistory(seed, pace === 'restless' ? 110 : 220, pace);
  const registrations = history.flatMap((fact) => (fact.event.type === 'OrgRegistered' ? [{ orgId: fact.event.data.orgId, at: fact.position }] : []));
  const trees = history.flatMap((fact) => (fact.event.type === 'TreeOpened' ? [{ treeId: fact.event.data.treeId, at: fact.position }] : []));
  const codec = createEventCodec(trackingEventDefinitions);
  const clock = clockAt('2021-01-01T00:00:00.000Z' as Instant);
  let database: TestDatabase;
  let read: TrackingRead;

  afterAll(async () => {
    await read.stop();
    await database.drop();
  });

  it('is kept up as a rebuild makes it, row by row', async () => {
    const random = randomOf(seed);
    database = await createTestDatabase();
    const store = new MemoryEventStore(clock);
    const dataSource = await openReadDatabase({ connectionString: database.url, connectionsMax: 2 });
    read = await openTrackingRead({ connectionString: database.url, store, codec, clock, zone, coarseFromPoints });
    const recordedAt = new Map(history.map((fact) => [fact.commandId, fact.recordedAt]));
    expect(await indexedColumns(dataSource)).toEqual([{ name: 'a' }, { name: 'b' }, { name: 'org_id' }]);
    let left = 0;
    for (const { commandId, entries } of asNewFacts(history)) {
      clock.at = recordedAt.get(commandId) ?? clock.at;
      await store.append({ commandId, entries: entries.map(({ streamId, facts }) => ({ streamId, expectedVersion: 'any', events: facts.map((fact) => codec.encode(fact)) })) });
      if ((left -= 1) > 0) continue;
      left = random.pick(pace === 'restless' ? [1, 1, 2, 12] : [12, 30]);
      await read.project();
      expect(await emptyRows(dataSource)).toEqual([]);
      expect(await strangers(dataSource, history.slice(0, (await store.head()).position))).toEqual([]);
      if (random.int(0, 7) > 0) continue;
      const kept = await rowsOf(dataSource);
      await read.rebuild('registers');
      expect({ at: (await store.head()).position, differences: differences(kept, await rowsOf(dataSource)) }).toEqual({ at: expect.any(Number), differences: [] });
    }
    await read.project();
    await dataSource.destroy();
  });

  it('is rebuilt the same after a rebuild that was broken off and dropped', async () => {
    const dataSource = await openReadDatabase({ connectionString: database.url, connectionsMax: 2 });
    const kept = await rowsOf(dataSource);
    const stopping = new AbortController();
    const onProgress = ({ phase, position: at }: { readonly phase: string; readonly position: number }): void => {
      if (phase === 'bulk' && at > 0) stopping.abort(new Error('enough'));
    };
    await expect(read.rebuild('registers', { signal: stopping.signal, onProgress })).rejects.toThrow();
    expect(await read.cancelRebuild('registers')).toBe(true);
    await read.rebuild('registers');
    expect(differences(kept, await rowsOf(dataSource))).toEqual([]);
    await dataSource.destroy();
  });

  it('answers at the ends of all three times', async () => {
    const ends = [
      { atPosition: position(0) }, { atPosition: position(1) }, { knownAt: firstInstant }, { validAt: firstDay }, { validAt: lastDay },
      { knownAt: lastInstant, validAt: lastDay },
    ] as const;
    for (const cut of ends) {
      const answer = await read.queries.dashboard({ within: null, ...cut });
      expect({ cut, figures: answer.figures }).toEqual({ cut, figures: dashboard(history, answer.cut, { org: null, policy: null }).figures });
    }
    for (const as of ['then', 'known'] as const) {
      const { cut, figures } = await read.queries.series({ within: null, from: addDays(lastDay, -2), to: lastDay, as, figures: ['issues.total'] });
      expect({ as, totals: figures.values['issues.total'] }).toEqual({
        as, totals: figures.days.map((d) => dashboard(history, { ...cut, validAt: d, knownAt: as === 'known' ? cut.knownAt : lastInstantOf(zone, d) }, { org: null, policy: null }).figures.issues.total),
      });
    }
  });

  const choiceAt = (n: number) => {
    const random = randomOf(seed * 7_919 + n);
    const cut = randomCut(seed * 1_000 + n, history);
    const known = registrations.filter(({ at }) => at <= cut.atPosition).map(({ orgId }) => orgId);
    const org: OrgId | null = known.length === 0 || random.int(0, 3) === 0 ? null : random.pick(known);
    const tree = random.pick<TreeId | undefined>([undefined, undefined, ...trees.filter(({ at }) => at <= cut.atPosition).map(({ treeId }) => treeId)]);
    return { random, cut, org, tree, treeAt: random.pick(['then', 'now'] as const) };
  };

  it(`gives the oracle's dashboards, whole and by children, at ${dashboardsEach} points`, async () => {
    let asked = 0;
    for (let n = 0; n < dashboardsEach; n += 1) {
      const { cut, org, tree, treeAt: shape } = choiceAt(n);
      const query = { org, policy: null, ...(tree && { tree }), ...(shape === 'now' && { treeOn: dayIn(zone, cut.knownAt) }) };
      const request = { within: null, ...cut, ...(org !== null && { org }), tree, treeAt: shape };
      const expected = dashboardByChild(history, cut, query);
      const { assumptions } = dashboard(history, cut, query);
      const answer = await read.queries.dashboardChildren(request).catch((error: unknown) => error as { readonly code: string });
      // Whose registration was an entry in error is not known.
      if ('code' in answer && answer.code === 'unknown-organisation') continue;
      expect({ n, answer }).toEqual({ n, answer: expect.objectContaining({ cut, total: expected.total, own: expected.own, assumptions }) });
      expect('children' in answer ? answer.children : null).toEqual(expected.children);
      asked += 1;
    }
    expect(asked).toBeGreaterThan(dashboardsEach / 2);
  });

  it.each(Array.from({ length: seriesEach }, (_, n) => n))('gives on each day of series %i the oracle\'s dashboard', async (n) => {
    const { random, cut, org, tree, treeAt: shape } = choiceAt(1_000 + n);
    const as = random.pick(['then', 'known'] as const);
    const every = random.pick(seriesSteps);
    const to = cut.validAt;
    const from = addDays(to, -random.int(0, { day: 12, week: 80, month: 400 }[every]));
    const range = { within: null, atPosition: cut.atPosition, from, to, every, as, figures: figureNames, tree, treeAt: shape };
    const answer = await read.queries.series({ ...range, ...(org !== null && { org }), ...(as === 'known' && { knownAt: cut.knownAt }) }).catch((error: unknown) => error as { readonly code: string });
    if ('code' in answer) {
      expect(answer.code).toBe('unknown-organisation');
      return;
    }
    for (const [i, d] of answer.figures.days.entries()) {
      const at: Cut = { ...answer.cut, validAt: d, knownAt: as === 'known' ? cut.knownAt : lastInstantOf(zone, d) };
      const treeCut = shape === 'now' ? { ...answer.cut, validAt: dayIn(zone, answer.cut.knownAt) } : at;
      const expected = dashboard(org === null ? history : ofOwners(history, membersAt(history, org, tree, treeCut)), at, { org: null, policy: null });
      const values = Object.fromEntries(figureNames.map((name) => [name, answer.figures.values[name]?.[i]]));
      expect({ d, values }).toEqual({ d, values: Object.fromEntries(figureNames.map((name) => [name, numberAt(expected.figures, name)])) });
    }
  });
});
