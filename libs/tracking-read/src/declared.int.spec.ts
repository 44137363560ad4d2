// Goal: of what an organisation declares again and again, every read shows the one value that counts: random histories hardly ever declare a key twice.
// Method: figures and rates of few keys and days added to random histories, some retracted, in random batches; compared with the figures module at random cuts.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deriveEventId } from '@rectrail/event-store';
import { addDays, dayIn, onDay, position, streamVersion, type CommandId, type EventId, type Fact, type OrgId, type StreamId } from '@rectrail/kernel';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { dumpDigest } from '@rectrail/projections/testing';
import { countingFacts, pointKey, type TrackingEvent } from '@rectrail/tracking-domain';
import { dashboard } from '@rectrail/tracking-domain/figures';
import { randomCut, randomHistory } from '@rectrail/tracking-domain/testing';
import type { DataSource } from 'typeorm';
import { openReadDatabase, readTransaction } from './database/data-source.ts';
import { schema } from './database/rows.ts';
import { openTrackingRead, trackingProjections } from './open-tracking-read.ts';
import { declaredBy } from './queries/declared.query.ts';
import type { TrackingRead } from './queries/tracking-read.ts';
import { randomOf, recordHistory } from './testing/index.ts';

type TrackingFact = Fact<TrackingEvent>;

const zone = 'Asia/Shanghai';
const added = 260;

/** Most of the reports are of two organisations; days, keys and scopes are few, so that all that decides between two values is equal at times. */
const declaringAgain = (seed: number): readonly TrackingFact[] => {
  const facts = [...randomHistory(seed, 160, deriveEventId)];
  const random = randomOf(seed);
  const versions = new Map<StreamId, number>(facts.map(({ streamId, streamVersion: version }) => [streamId, version]));
  const reports = facts.filter(({ event }) => event.type === 'ReportPublished').map(({ streamId, scope }) => ({ streamId, scope })).slice(0, 4);
  const last = facts.at(-1)!;
  const declared = new Map<StreamId, EventId[]>(reports.map(({ streamId }) => [streamId, []]));
  const eventOf = (streamId: StreamId, n: number): TrackingEvent => {
    const earlier = declared.get(streamId) ?? [];
    if (n % 9 === 0 && earlier.length > 0) {
      return { type: 'FactsRetracted', data: { eventIds: [random.pick(earlier)], reason: '重复', kind: random.pick(['withdrawn', 'entered-in-error']) } };
    }
    const key = random.pick(['issues.total', 'issues.state.VERIFIED', 'rate.completion']);
    const scope = random.pick([{}, {}, { orgsCovered: 3 }, { rounds: ['第五轮'] }]);
    if (key === 'rate.completion') {
      return { type: 'RollUpRateDeclared', data: { key, scope, basis: random.pick([null, 'issue']), value: '50', numeratorKey: null, denominatorKey: null, rounding: 'unknown', changePoints: null, printed: '50%' } };
    }
    return { type: 'RollUpDeclared', data: {
      key, scope, basis: 'issue', kind: null, breakdown: random.pick([null, null, { by: '地区', value: '市区' }]), subsetOf: null, flow: 'stock', period: null,
      quantity: { value: String(n), unit: '个', qualifier: 'exact' }, printed: key,
    } };
  };
  for (let n = 1; n <= added; n++) {
    const { streamId, scope } = random.pick(reports);
    const commandId = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}` as CommandId;
    const [eventId, version, event] = [deriveEventId(commandId, 0), (versions.get(streamId) ?? 0) + 1, eventOf(streamId, n)];
    versions.set(streamId, version);
    if (event.type !== 'FactsRetracted') declared.get(streamId)?.push(eventId);
    const knownTime = random.pick(facts.slice(-100).map((fact) => fact.recordedAt));
    facts.push({
      ...last, eventId, commandId, correlationId: commandId, scope, event, streamId, streamVersion: streamVersion(version), position: position(facts.length + 1), knownTime,
      validTime: event.type === 'FactsRetracted' ? null : onDay(addDays(dayIn(zone, last.recordedAt), -30 * random.int(0, 12))),
    });
  }
  return facts;
};

const keyOf = ({ event, scope }: TrackingFact): string | null =>
  (event.type === 'RollUpDeclared' ? `${scope.orgId} ${pointKey(event.data)}` : event.type === 'RollUpRateDeclared' ? `${scope.orgId} ${event.data.key}` : null);

describe.each([31, 32])('what organisations declare in the history %i', (seed) => {
  const history = declaringAgain(seed);
  const cuts = Array.from({ length: 60 }, (_, n) => ({ n, cut: randomCut(seed * 100 + n, history) }));
  const orgs = [...new Set(history.flatMap(({ event }) => (event.type === 'OrgRegistered' ? [event.data.orgId] : [])))];
  let database: TestDatabase;
  let dataSource: DataSource;
  let read: TrackingRead;

  beforeAll(async () => {
    database = await createTestDatabase();
    read = await openTrackingRead({ connectionString: database.url, ...await recordHistory(history), zone, batchEventsMax: 23 });
    await read.project();
    dataSource = await openReadDatabase({ connectionString: database.url, connectionsMax: 2 });
  });

  afterAll(async () => {
    await dataSource.destroy();
    await read.stop();
    await database.drop();
  });

  it('is said again at most cuts, so that one value has to be chosen', () => {
    const streams = [...Map.groupBy(history, (fact) => fact.streamId).values()];
    const again = cuts.filter(({ cut }) => {
      const keys = streams.flatMap((facts) => countingFacts(facts, cut)).flatMap((fact) => keyOf(fact) ?? []);
      return new Set(keys).size < keys.length;
    });
    expect(again.length).toBeGreaterThanOrEqual(20);
  });

  it.each(cuts)('is one value of each key at cut $n', async ({ cut }) => {
    const declared = await readTransaction(dataSource, (tx) => declaredBy({ tx, cut }, orgs));
    const expected = (org: OrgId) => dashboard(history, cut, { org, policy: null }).figures.declared;
    expect(orgs.map((org) => declared.get(org) ?? [])).toEqual(orgs.map(expected));
  });

  it('comes out the same, byte for byte, when made anew', async () => {
    const { tables } = trackingProjections(zone).find((projection) => projection.name === 'events')!;
    const dump = (): Promise<string> => readTransaction(dataSource, (tx) => dumpDigest(tx, schema, tables));
    const before = await dump();
    await read.rebuild('events');
    expect(await dump()).toBe(before);
  });
});
