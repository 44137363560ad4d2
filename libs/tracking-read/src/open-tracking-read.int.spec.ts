// Goal: what is read stays readable while its rows are made anew, is refused where they are of another version, and an operator sees how far everything has come.
// Method: a real PostgreSQL, a random history; the same questions before, during and after; another version is a number in the checkpoint.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { deriveEventId } from '@rectrail/event-store';
import { position, type Fact } from '@rectrail/kernel';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import type { TrackingEvent } from '@rectrail/tracking-domain';
import { randomHistory } from '@rectrail/tracking-domain/testing';
import { schema } from './database/rows.ts';
import { openTrackingRead, type TrackingReadOptions } from './open-tracking-read.ts';
import type { TrackingRead } from './queries/tracking-read.ts';
import { recordHistory } from './testing/index.ts';

const history: readonly Fact<TrackingEvent>[] = randomHistory(23, 160, deriveEventId);

describe('the tracking side, opened', () => {
  let database: TestDatabase;
  let client: pg.Client;
  let read: TrackingRead;

  const open = async (options: Partial<TrackingReadOptions> = {}): Promise<TrackingRead> =>
    openTrackingRead({ connectionString: database.url, ...(await recordHistory(history)), zone: 'Asia/Shanghai', ...options });

  beforeEach(async () => {
    database = await createTestDatabase();
    client = new pg.Client({ connectionString: database.url });
    await client.connect();
    read = await open();
  });

  afterEach(async () => {
    await read.stop();
    await client.end();
    await database.drop();
  });

  const digest = async (): Promise<string> => (await read.queries.dashboard({ within: null, atPosition: position(140) })).digest;

  it('answers the same while its rows are made anew, and tells how far that has come', async () => {
    await read.project();
    const before = await digest();
    const during = new Set<string>();
    const seen: string[] = [];
    for (const { name } of await read.projectionStatus()) {
      let asked: Promise<unknown> = Promise.resolve();
      await read.rebuild(name, { onProgress: ({ phase, target }) => {
        seen.push(`${phase} ${target}`);
        asked = asked.then(async () => during.add(await digest()));
      } });
      await asked;
    }
    expect([...during]).toEqual([before]);
    expect(seen).toEqual(expect.arrayContaining(['bulk 160', 'indexes 160', 'swapping 160']));
    expect(await digest()).toBe(before);
  });

  it('refuses what is of another version, at once and until it has been made', async () => {
    await read.project();
    const before = await digest();
    await client.query(`update ${schema}.projection_checkpoint set version = 999 where name = 'registers'`);
    await expect(digest()).rejects.toMatchObject({ code: 'projection-behind' });
    expect(await read.projectionStatus()).toEqual(expect.arrayContaining([expect.objectContaining({ name: 'registers', version: 999, state: 'rebuilding' })]));
    await read.stop();
    read = await open();
    await expect(digest()).rejects.toMatchObject({ code: 'projection-behind' });
    read.start();
    await read.catchUp(position(160), 20_000);
    expect(await digest()).toBe(before);
    expect((await read.projectionStatus()).map(({ state, version }) => [state, version < 999])).toEqual([['running', true], ['running', true]]);
  });

  it('tells how far each projection lags behind the log, in events and seconds', async () => {
    await read.stop();
    const recorded = await recordHistory(history);
    const { recordedAt } = history[150]!;
    recorded.clock.at = new Date(Date.parse(recordedAt) + 90_000).toISOString() as typeof recordedAt;
    read = await openTrackingRead({ connectionString: database.url, ...recorded, zone: 'Asia/Shanghai' });
    await read.project(position(150));
    expect((await read.projectionStatus()).map(({ position: at, lagEvents, lagSeconds }) => [at, lagEvents, lagSeconds])).toEqual([[150, 10, 90], [150, 10, 90]]);
    await read.project();
    expect((await read.projectionStatus()).map(({ lagEvents, lagSeconds }) => [lagEvents, lagSeconds])).toEqual([[0, 0], [0, 0]]);
  });

  it('leaves out, for good, an event that an operator skips', async () => {
    await read.stop();
    const { codec, ...recorded } = await recordHistory(history);
    const decode: typeof codec.decode = (stored) => {
      if (stored.position === 120) throw new Error('this event cannot be read');
      return codec.decode(stored);
    };
    read = await openTrackingRead({ connectionString: database.url, ...recorded, codec: { decode }, zone: 'Asia/Shanghai' });
    await read.project();
    for (const { name, failure, state } of await read.projectionStatus()) {
      expect({ state, failure }).toEqual({ state: 'stopped', failure: { position: 120, reason: 'this event cannot be read' } });
      await read.skip(name, position(120), { by: 'anna', reason: 'a defect known' });
    }
    await read.project();
    for (const { name, position: at, skips } of await read.projectionStatus()) {
      expect([at, skips.map((skip) => [skip.position, skip.skippedBy])]).toEqual([160, [[120, 'anna']]]);
      await read.rebuild(name);
    }
    expect((await read.projectionStatus()).map(({ state, position: at }) => [state, at])).toEqual([['running', 160], ['running', 160]]);
  });
});
