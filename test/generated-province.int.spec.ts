// Goal: a generated province is a log like any other: a server that starts on it adds nothing, projects it and gives the figures of the oracle.
// Method: 3,000 events loaded into PostgreSQL; the first start run on them; the dashboard of the read models compared with the figures module at random cuts.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CommandRunner, createEventCodec, MemoryEventStore, type StoredEvent } from '@rectrail/event-store';
import { PostgresEventStore } from '@rectrail/event-store-postgres';
import { readToEnd } from '@rectrail/event-store/testing';
import { provinceHistory, type RecordedEvent } from '@rectrail/generator';
import { day, dayIn, instantOfMs, type Fact, type Instant, type OrgId } from '@rectrail/kernel';
import { knownCalendarYears } from '@rectrail/platform';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { bootstrap } from '@rectrail/tracking-app';
import { trackingEventDefinitions, type FigureQuery, type TrackingEvent } from '@rectrail/tracking-domain';
import { dashboard } from '@rectrail/tracking-domain/figures';
import { randomCut } from '@rectrail/tracking-domain/testing';
import { openTrackingRead, type TrackingRead } from '@rectrail/tracking-read';

const zone = 'Asia/Shanghai';
const events = 3_000;
const codec = createEventCodec(trackingEventDefinitions);
const clock = { now: (): Instant => instantOfMs(Date.parse('2026-07-01T00:00:00Z')) };

const batches = async function* (): AsyncGenerator<readonly RecordedEvent[]> {
  for (const batch of provinceHistory({
    events, organisations: 120, growth: 'density', seed: 5, until: day('2026-06-30'), calendar: knownCalendarYears(), jurisdiction: 'CN', checkEvery: 1,
  })) yield await Promise.resolve(batch);
};

let database: TestDatabase;
let store: PostgresEventStore;
let history: readonly Fact<TrackingEvent>[];

beforeAll(async () => {
  database = await createTestDatabase();
  store = await PostgresEventStore.open({ connectionString: database.url });
  expect((await store.loadHistory(batches())).events).toBe(events);
  history = (await readToEnd(store)).map((event) => codec.decode(event) as Fact<TrackingEvent>);
});

afterAll(async () => {
  await store.close();
  await database.drop();
});

describe('the first start', () => {
  const started = (on: MemoryEventStore | PostgresEventStore) => bootstrap({
    runner: new CommandRunner({ store: on, codec, clock, cachedStreamPrefixes: [] }), zone: 'UTC', jurisdiction: 'CN', calendarYears: knownCalendarYears(),
  });
  /** But for the salt, the zone and the time. */
  const said = ({ streamId, streamVersion, content }: StoredEvent): unknown => {
    const { data, ...rest } = JSON.parse(content) as { readonly data: object };
    return { streamId, streamVersion, ...rest, salt: undefined, data: { ...data, zone: undefined } };
  };

  it('finds that it has been, and adds nothing', async () => {
    expect(await started(store)).toEqual({ zone, jurisdiction: 'CN' });
    expect((await store.head()).position).toBe(events);
  });

  it('has laid the events that it would have laid on an empty log', async () => {
    const empty = new MemoryEventStore(clock);
    await started(empty);
    const laid = await readToEnd(empty);
    expect((await readToEnd(store)).slice(0, laid.length).map(said)).toEqual(laid.map(said));
    expect((await store.findCommand(history[0]!.commandId))?.last).toBe(laid.length);
  });
});

describe('the read models', () => {
  let read: TrackingRead;
  beforeAll(async () => {
    read = await openTrackingRead({ connectionString: database.url, store, codec, clock, zone });
    await read.project((await store.head()).position);
  });
  afterAll(async () => { await read.stop(); });

  it('take in every event', async () => {
    for (const { name, position, failure } of await read.projectionStatus()) expect([name, position, failure]).toEqual([name, events, null]);
  });

  const owners = (): readonly OrgId[] => [...new Set(history.flatMap(({ event }) => (event.type === 'IssueRegistered' ? [event.data.orgId] : [])))];

  it.each(Array.from({ length: 20 }, (_, n) => n))('give the oracle\'s dashboard at random cut %i', async (n) => {
    const cut = randomCut(n, history);
    const registered = history.filter(({ event, position }) => event.type === 'OrgRegistered' && position <= cut.atPosition).length;
    const org = n % 3 === 0 || registered < 120 ? null : owners()[n * 7 % owners().length]!;
    const treeOn = n % 2 === 0 ? undefined : dayIn(zone, cut.knownAt);
    const query: FigureQuery = { org, policy: null, ...(treeOn !== undefined && { treeOn }) };
    const expected = dashboard(history, cut, query);
    const answer = await read.queries.dashboard({ within: null, ...cut, ...(org !== null && { org }), treeAt: treeOn === undefined ? 'then' : 'now' });
    expect(answer.figures).toEqual(expected.figures);
  });

  it('show something at nearly all of them', () => {
    const totals = Array.from({ length: 20 }, (_, n) => dashboard(history, randomCut(n, history), { org: null, policy: null }).figures.issues.total);
    expect(totals.filter((total) => total > 0).length).toBeGreaterThan(12);
  });
});
