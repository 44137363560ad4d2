// Goal: histories are judged by somebody else's checker, too (porcupine, in Go), and it agrees with ours. Method: random small histories, sound and spoilt; then what 64 clients
// see of 10 streams while servers are killed. The seed is printed; RECTRAIL_TEST_KILLS lengthens it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { randomOf } from '@rectrail/tracking-domain/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { byItselfMsMax, Fleet } from '../faults/fleet.ts';
import { HotStreams } from '../faults/hot-streams.ts';
import { findViolation, type Operation } from '../faults/linearisability.ts';
import { soundHistory, spoilt } from '../faults/random-histories.ts';
import { streamRegister, type StreamAppend } from '../faults/stream-register.ts';

const seed = Number(process.env['RECTRAIL_TEST_SEED'] ?? Date.now() % 1_000_000);
const kills = Number(process.env['RECTRAIL_TEST_KILLS'] ?? 2);
const random = randomOf(seed);

type History = readonly Operation<StreamAppend>[];

/** `Ok`, `Illegal`, or `Unknown` where it takes longer than a minute. */
const porcupine = async (initial: number, histories: readonly History[]): Promise<readonly string[]> => {
  const child = spawn('go', ['run', './histories'], { cwd: join(import.meta.dirname, 'go'), stdio: ['pipe', 'pipe', 'pipe'] });
  const microseconds = (ms: number): number => Math.round(ms * 1_000);
  const told = ({ called, returned, what }: Operation<StreamAppend>) => ({ called: microseconds(called), returned: returned === null ? null : microseconds(returned), what });
  child.stdin.end(JSON.stringify({ initial, histories: histories.map((history) => history.map(told)) }));
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  if (code !== 0) throw new Error(`go run ended with ${String(code)}: ${err}`);
  return JSON.parse(out);
};

describe(`porcupine (seed ${seed})`, () => {
  it('agrees with our checker on random histories', async () => {
    const histories = Array.from({ length: 400 }, (_, n) => {
      const sound = soundHistory({ seed: seed + n, operations: 12, clients: 4 });
      return n % 2 === 0 ? sound : spoilt(sound, seed + n);
    });
    const ours = histories.map((history) => (findViolation(history, 0, streamRegister) === null ? 'Ok' : 'Illegal'));
    expect(ours.filter((verdict) => verdict === 'Illegal').length).toBeGreaterThan(20);
    expect(await porcupine(0, histories)).toEqual(ours);
  });

  describe('judges what clients see', () => {
    let database: TestDatabase;
    let fleet: Fleet;
    let load: HotStreams;
    beforeAll(async () => {
      database = await createTestDatabase();
      fleet = await Fleet.open({ databaseUrl: database.url, servers: 2, issues: 10 });
      load = new HotStreams({ fleet, random, clients: 64 });
    });
    afterAll(async () => {
      await fleet.close();
      await load.abandon();
      await database.drop();
    });

    it('of 10 streams while servers are killed: every history is linearisable', async () => {
      load.start();
      for (let done = 0; done < kills; done++) {
        const before = load.acknowledged;
        await fleet.eventually('more writes', () => load.acknowledged > before + 50);
        await sleep(random.int(0, 200));
        const server = random.pick(fleet.servers);
        await server.stop('SIGKILL');
        server.start();
      }
      await load.stop();
      expect(load.faults).toEqual([]);
      const histories = load.histories();
      expect(histories.flat().length).toBeGreaterThan(50 * kills);
      expect(await porcupine(1, histories)).toEqual(histories.map(() => 'Ok'));
      expect(histories.map((history) => findViolation(history, 1, streamRegister))).toEqual(histories.map(() => null));
    }, 3 * byItselfMsMax + kills * 15_000);
  });
});
