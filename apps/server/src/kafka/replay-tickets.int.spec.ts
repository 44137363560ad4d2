import { openDatabase, type Database } from '@rectrail/platform';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isReplay, openReplayTickets, recordSha256Of, type ReplayTickets } from './replay-tickets.ts';

// Goal: a ticket is good for the record that it was made for, as often as that is delivered, for a day, and for nothing else. Method: redeemed rightly and wrongly on PostgreSQL.
describe('tickets of replays', () => {
  let scratch: TestDatabase;
  let database: Database;
  let tickets: ReplayTickets;
  const record = Buffer.from('{"path":"/organisations"}');
  const recordSha256 = recordSha256Of('k', record);
  const ticket = { letter: '0-7 of 1700000000123', letterAtMs: 1_700_000_000_123, recordSha256, tokenId: 'a'.repeat(24) };

  beforeAll(async () => {
    scratch = await createTestDatabase();
    database = await openDatabase({ url: scratch.url, connectionsMax: 4, onError: () => undefined });
    [tickets] = await Promise.all([openReplayTickets(database), openReplayTickets(database)]);
  });
  afterAll(async () => {
    await database.close();
    await scratch.drop();
  });

  it('are redeemed at every delivery of their record', async () => {
    const authorization = await tickets.issue(ticket);
    expect(isReplay(authorization)).toBe(true);
    expect([await tickets.redeem(authorization, recordSha256), await tickets.redeem(authorization, recordSha256)]).toEqual([ticket, ticket]);
  });

  it('are worth nothing for another record, another key, or changed by a character', async () => {
    const authorization = await tickets.issue(ticket);
    const changed = `${authorization.slice(0, -1)}${authorization.endsWith('A') ? 'B' : 'A'}`;
    expect(await tickets.redeem(authorization, recordSha256Of('k', Buffer.from('{"path":"/trees"}')))).toBeNull();
    expect(await tickets.redeem(authorization, recordSha256Of('k2', record))).toBeNull();
    expect(await tickets.redeem(changed, recordSha256)).toBeNull();
    expect(recordSha256Of('k', Buffer.from('x{}'))).not.toBe(recordSha256Of('kx', Buffer.from('{}')));
    expect(['Bearer x', 'Replay short', 'replay '].map(isReplay)).toEqual([false, false, false]);
  });

  it('are worth nothing after a day, and kept as hashes', async () => {
    const authorization = await tickets.issue(ticket);
    await database.query(`update rectrail_kafka.replay set replayed_at = now() - interval '25 hours'`);
    expect(await tickets.redeem(authorization, recordSha256)).toBeNull();
    const { rows } = await database.query<{ kept: string }>('select replay::text as kept from rectrail_kafka.replay');
    expect(rows.map(({ kept }) => kept).join()).not.toContain(authorization.split(' ')[1]);
  });

  it('tell when a letter was last replayed', async () => {
    await tickets.issue(ticket);
    const replays = await tickets.lastReplays([ticket.letter, 'another']);
    expect([...replays.keys()]).toEqual([ticket.letter]);
    expect(Date.now() - (replays.get(ticket.letter)?.getTime() ?? 0)).toBeLessThan(60_000);
  });
});
