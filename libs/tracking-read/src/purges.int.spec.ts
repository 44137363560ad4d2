// Goal: once a content is purged nothing of it is left in the read models, at no cut, and they are those of a log that never held it: equal byte for byte to a rebuild,
// and to the oracle over what is left. Method: random histories in which contents go at random moments, before and after the projections have reached them.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { contentSha256, deriveEventId, isPurged, newCommandId, withContent } from '@rectrail/event-store';
import { readToEnd } from '@rectrail/event-store/testing';
import { position, type Fact, type OrgId, type PurgeId } from '@rectrail/kernel';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { dumpDigest } from '@rectrail/projections/testing';
import { isPurgeable, type TrackingEvent } from '@rectrail/tracking-domain';
import { dashboard, purgedContents } from '@rectrail/tracking-domain/figures';
import { asNewFacts, randomCut, randomHistory } from '@rectrail/tracking-domain/testing';
import { openReadDatabase, readTransaction } from './database/data-source.ts';
import { schema } from './database/rows.ts';
import { openTrackingRead, trackingProjections } from './open-tracking-read.ts';
import type { TrackingRead } from './queries/tracking-read.ts';
import { randomOf, recordHistory, type RecordedHistory } from './testing/index.ts';

const zone = 'Asia/Shanghai';
const purgesEach = 14;

describe.each([21, 22])('history %i with purges', (seed) => {
  const random = randomOf(seed);
  let recorded: RecordedHistory;
  let database: TestDatabase;
  let read: TrackingRead;
  let facts: readonly Fact<TrackingEvent>[];

  const open = (batchEventsMax: number): Promise<TrackingRead> =>
    openTrackingRead({ connectionString: database.url, store: recorded.store, codec: recorded.codec, clock: recorded.clock, zone, batchEventsMax });

  /** Whether it still counts or not: the store asks for less than the command. */
  const purge = async (): Promise<void> => {
    const { store, codec, clock } = recorded;
    const events = (await readToEnd(store)).filter((event) => isPurgeable(event.streamId) && !isPurged(event) && event.type !== 'ContentPurged' && event.type !== 'FactsRetracted');
    const target = random.pick(events);
    const { eventId, scope } = codec.decode(target);
    const commandId = newCommandId(clock.at);
    await store.append({ commandId, entries: [{ streamId: target.streamId, expectedVersion: 'any', events: [codec.encode({
      event: { type: 'ContentPurged', data: {
        purgeId: '00000041-0000-8000-8000-000000000041' as PurgeId, eventId, position: target.position, contentSha256: contentSha256(target), reason: 'PERSONAL_INFORMATION', legalBasis: '《个人信息保护法》',
      } },
      eventId: deriveEventId(commandId, 0), commandId, correlationId: 'spec', actor: { orgId: null, role: 'administrator', subject: 'second', assurance: 'local-token' }, scope,
      validTime: null, knownTime: null, classification: 'internal',
    })] }] });
  };

  beforeAll(async () => {
    database = await createTestDatabase();
    const history = randomHistory(seed, 330, deriveEventId);
    const cutAt = random.int(150, 250);
    // The rest of the history comes after the first purges.
    recorded = await recordHistory(history.filter((fact) => fact.position <= cutAt || history[cutAt - 1]?.commandId === fact.commandId));
    const rest = history.filter((fact) => fact.position > cutAt && history[cutAt - 1]?.commandId !== fact.commandId);
    const commands = [...Map.groupBy(rest, (fact) => fact.commandId).keys()];
    const later = new Map(asNewFacts(rest).map((append) => [append.commandId, append]));
    read = await open(random.int(1, 40));
    for (const [n, commandId] of commands.entries()) {
      if (n % Math.max(1, Math.floor(commands.length / purgesEach)) === 0) {
        await purge();
        if (random.int(0, 1) === 0) await read.project(position(random.int(1, (await recorded.store.head()).position)));
      }
      const append = later.get(commandId)!;
      recorded.clock.at = rest.find((fact) => fact.commandId === commandId)!.recordedAt;
      await recorded.store.append({ commandId, entries: append.entries.map(({ streamId, facts: some }) => ({ streamId, expectedVersion: 'any', events: some.map((fact) => recorded.codec.encode(fact)) })) });
    }
    await read.project((await recorded.store.head()).position);
    await purge();
    await read.project((await recorded.store.head()).position);
    facts = withContent(await readToEnd(recorded.store)).map((event) => recorded.codec.decode(event) as Fact<TrackingEvent>);
  }, 60_000);

  afterAll(async () => {
    await read.stop();
    await database.drop();
  });

  it('gives the oracle\'s dashboard over what is left, and counts what is gone', async () => {
    const orgs = facts.flatMap(({ event }) => (event.type === 'OrgRegistered' ? [event.data.orgId] : []));
    let counted = 0;
    for (let n = 0; n < 40; n += 1) {
      const cut = randomCut(seed * 1_000 + n, facts);
      const known = facts.filter(({ event, position: at }) => event.type === 'OrgRegistered' && at <= cut.atPosition);
      const org: OrgId | null = known.length === 0 || n % 3 === 0 ? null : random.pick(orgs.slice(0, known.length));
      const answer = await read.queries.dashboard({ within: null, ...cut, ...(org !== null && { org }) });
      const query = { org, policy: null };
      expect({ cut, figures: answer.figures }).toEqual({ cut, figures: dashboard(facts, cut, query).figures });
      expect(answer.purged).toBe(purgedContents(facts, cut, query));
      counted += answer.purged;
    }
    expect(counted).toBeGreaterThan(0);
  });

  it('is rebuilt byte for byte from the log, which holds none of the contents any more', async () => {
    const dataSource = await openReadDatabase({ connectionString: database.url, connectionsMax: 2 });
    const projections = trackingProjections(zone);
    const dump = (): Promise<string> => readTransaction(dataSource, (tx) => dumpDigest(tx, schema, projections.flatMap(({ tables }) => tables)));
    const live = await dump();
    for (const { name } of projections) await read.rebuild(name);
    expect(await dump()).toBe(live);
    await dataSource.destroy();
  });
});
