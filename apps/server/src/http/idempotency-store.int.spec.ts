import { setTimeout as sleep } from 'node:timers/promises';
import { newCommandId, sha256Hex } from '@rectrail/event-store';
import { instantOfMs } from '@rectrail/kernel';
import { openDatabase, type Database } from '@rectrail/platform';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openIdempotencyStore, type Claim } from './idempotency-store.ts';

// Goal: a key stands for one command over all processes, and one whose process was lost is soon free. Method: stores of two processes on one database.
describe('idempotency keys of several processes', () => {
  let scratch: TestDatabase;
  let database: Database;
  beforeAll(async () => {
    scratch = await createTestDatabase();
    database = await openDatabase({ url: scratch.url, connectionsMax: 10, onError: () => undefined });
  });
  afterAll(async () => {
    await database.close();
    await scratch.drop();
  });

  const claimOf = (key: string): Claim => ({ keySha256: sha256Hex(key), requestSha256: sha256Hex('request'), commandId: newCommandId(instantOfMs(1_800_000_000_000)) });

  it('one that runs long stays in use, for others as for its own process, and names its first command afterwards', async () => {
    const [one, other] = [await openIdempotencyStore(database, 1, 400), await openIdempotencyStore(database, 1, 400)];
    const first = claimOf('long');
    expect(await one.claim(first)).toEqual({ outcome: 'claimed', commandId: first.commandId });
    for (let waited = 0; waited < 1_200; waited += 100) {
      await sleep(100);
      expect([await one.claim(claimOf('long')), await other.claim(claimOf('long'))]).toEqual([{ outcome: 'in-use' }, { outcome: 'in-use' }]);
    }
    await one.release(first.keySha256);
    expect(await other.claim(claimOf('long'))).toEqual({ outcome: 'claimed', commandId: first.commandId });
    await other.release(first.keySha256);
  });

  it('one whose process was lost is taken over as the same command once it has run out', async () => {
    const first = claimOf('lost');
    // A store that says nothing more within this test stands for a process that was killed.
    await (await openIdempotencyStore(database, 1, 3_600_000)).claim(first);
    const other = await openIdempotencyStore(database, 1);
    expect(await other.claim(claimOf('lost'))).toEqual({ outcome: 'in-use' });
    await database.query(`update rectrail_http.idempotency_key set running_until = now() - interval '1 ms' where key_sha256 = $1`, [first.keySha256]);
    expect(await other.claim(claimOf('lost'))).toEqual({ outcome: 'claimed', commandId: first.commandId });
    await other.release(first.keySha256);
  });

  it('what was done stands, though its end cannot be written', async () => {
    const gone = await openDatabase({ url: scratch.url, connectionsMax: 4, onError: () => undefined });
    const store = await openIdempotencyStore(gone, 1);
    const claim = claimOf('away');
    await store.claim(claim);
    await gone.close();
    await expect(store.release(claim.keySha256)).resolves.toBeUndefined();
  });
});
