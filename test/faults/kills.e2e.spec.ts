// Goal: whatever is killed or stopped at whatever moment, servers and PostgreSQL, what was acknowledged is there once, what was not is there once or not at all, and all that
// is made of the log is what a rebuild from nothing makes, byte for byte. Method: two built servers on a PostgreSQL of their own, 64 clients that write to 10 streams and keep
// what they saw; SIGKILL, SIGQUIT and SIGSTOP at random (the seed is printed); then the log is compared with what each client saw, and each stream's history is checked for
// linearisability. RECTRAIL_TEST_KILLS and RECTRAIL_TEST_SECONDS lengthen it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { StoredEvent } from '@rectrail/event-store';
import { randomOf } from '@rectrail/tracking-domain/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Json } from '../support/api.ts';
import { tellCounts, tellProgress } from '../support/long-run.ts';
import { OwnPostgres } from '../support/own-postgres.ts';
import { keptAndMadeTrees, rowsDigest, storedEvents } from '../support/written-log.ts';
import { byItselfMsMax, Fleet } from './fleet.ts';
import { HotStreams, type Write } from './hot-streams.ts';
import { findViolation } from './linearisability.ts';
import { streamRegister } from './stream-register.ts';

const seed = Number(process.env['RECTRAIL_TEST_SEED'] ?? Date.now() % 1_000_000);
/** Of servers, and as many of PostgreSQL. */
const kills = Number(process.env['RECTRAIL_TEST_KILLS'] ?? 5);
const stoppedMs = Number(process.env['RECTRAIL_TEST_SECONDS'] ?? 2) * 1_000;
const clients = 64;
const streams = 10;
/** A third of what a transaction may take, ms: a stopped server holds the lane of appends no longer. That of an installation in the long run. */
const databaseTimeoutMs = Math.min(10_000, stoppedMs);
/** Writes that say that those who serve do: so many are no longer of a moment that was left over. */
const enough = clients / 4;
/** Of one kill, the start after it included, on a busy machine. */
const perKillMs = 60_000;
/** Acknowledged writes that are sent once more in the end, at most. */
const repeated = 100;

const random = randomOf(seed);
let postgres: OwnPostgres;
let fleet: Fleet;
let load: HotStreams;

beforeAll(async () => {
  postgres = await OwnPostgres.open();
  fleet = await Fleet.open({ databaseUrl: postgres.url, servers: 2, issues: streams, settings: { RECTRAIL_DATABASE_TIMEOUT_MS: String(databaseTimeoutMs) } });
  load = new HotStreams({ fleet, random, clients, attemptMsMax: 2 * databaseTimeoutMs });
});
afterAll(async () => {
  await fleet.close();
  await load.abandon();
  await postgres.close();
});

/** Some writes more are acknowledged; a busy machine may take its time, as long as it goes on. */
const goOn = async (writes: number): Promise<void> => {
  const before = load.acknowledged;
  for (let more = 1; more <= writes; more++) await fleet.eventually('a write more', () => load.acknowledged >= before + more);
};

const killServer = async (): Promise<void> => {
  const server = random.pick(fleet.servers);
  await server.stop('SIGKILL');
  server.start();
};

const killPostgres = async (): Promise<void> => {
  if (random.chance(0.3) && await postgres.killBackend((pids) => random.pick(pids))) return;
  await postgres.shutDownAtOnce();
  await sleep(random.int(0, 100));
  await postgres.start();
};

const caughtUp = (holds: (view: Json) => boolean = () => true): Promise<void> => fleet.eventually('the head of every projection', async () => {
  const { headPosition, items } = await fleet.get('/projections');
  return items.every((item: Json) => item.state === 'running' && item.position === headPosition && item.build === null && holds(item));
});

const isAnswered = (write: Write): write is Write & { outcome: { written: number; position: number; body: Json } } => typeof write.outcome === 'object' && 'written' in write.outcome;

describe(`under 64 clients on 10 streams (seed ${seed})`, () => {
  let events: readonly StoredEvent[];

  it('servers and PostgreSQL are killed at any moment, and all go on by themselves', async () => {
    load.start();
    const order = [...Array.from({ length: kills }, () => killServer), ...Array.from({ length: kills }, () => killPostgres)];
    for (let done = 0; order.length > 0; done++) {
      const [kill] = order.splice(random.int(0, order.length - 1), 1);
      // Some come while what was killed before is still starting.
      if (random.chance(0.7)) await goOn(random.int(1, 8));
      await sleep(random.int(0, 200));
      await kill!();
      if (done % 20 === 0) tellProgress(`${done} of ${2 * kills} kills, ${load.acknowledged} writes acknowledged, ${load.writes.length} ended`);
    }
    await goOn(1);
    expect(load.faults).toEqual([]);
  }, 2 * byItselfMsMax + 2 * kills * perKillMs);

  it('a server is stopped in the middle of its work, others go on without it, and what it does once it wakes is not stale', async () => {
    const sleeper = random.pick(fleet.servers);
    sleeper.signal('SIGSTOP');
    // Who waits for the sleeper asks another one in the end; the lane and the leases that it may have held are free by then.
    await Promise.all([sleep(stoppedMs), goOn(enough)]);
    sleeper.signal('SIGCONT');
    await goOn(enough);
    await load.stop();
    expect(load.faults).toEqual([]);
    await fleet.ready();
  }, 5 * byItselfMsMax + stoppedMs);

  it('then each acknowledged write is in the log once, where its client was told, and each other once or not at all', async () => {
    // Also after a failure: what is under way still is no history.
    await load.stop();
    events = await storedEvents(postgres.url);
    expect(events.map(({ position }) => position as number)).toEqual(events.map((_, index) => index + 1));
    const versions = new Map<string, number>();
    for (const { streamId, streamVersion } of events) {
      expect(streamVersion).toBe((versions.get(streamId) ?? 0) + 1);
      versions.set(streamId, streamVersion);
    }
    const told = Map.groupBy(events.filter(({ type }) => type === 'NextStepStated'), ({ content }) => (JSON.parse(content) as { data: { text: string } }).data.text);
    const at = (write: Write) => (told.get(write.tag) ?? []).map(({ streamId, streamVersion, position }) => [streamId.replace('issue-', ''), streamVersion as number, position as number]);
    for (const write of load.writes) {
      const { outcome, stream } = write;
      if (isAnswered(write)) expect([write.tag, at(write)]).toEqual([write.tag, [[fleet.issues[stream], write.outcome.written, write.outcome.position]]]);
      else if (outcome === 'unknown') expect([write.tag, at(write).length <= 1]).toEqual([write.tag, true]);
      else expect([write.tag, at(write)]).toEqual([write.tag, []]);
    }
    const tags = new Set(load.writes.map(({ tag }) => tag));
    expect([...told.keys()].filter((tag) => !tags.has(tag))).toEqual([]);
    const unknown = load.writes.filter(({ outcome }) => outcome === 'unknown');
    tellCounts({
      'server kills': kills, 'PostgreSQL kills': kills, 'acknowledged writes, each there once': load.acknowledged, 'refused writes, none there': load.writes.length - load.acknowledged - unknown.length,
      'writes without an answer': unknown.length, 'of these carried out': unknown.filter(({ tag }) => told.has(tag)).length, 'events in the log': events.length,
    });
  });

  it('each stream\'s history is linearisable', () => {
    for (const [stream, history] of load.histories().entries()) expect([stream, findViolation(history, 1, streamRegister)]).toEqual([stream, null]);
  });

  it('an acknowledged write that is sent again is answered as it was, and stores nothing', async () => {
    const acknowledged = load.writes.filter(isAnswered);
    const chosen = new Set(Array.from({ length: repeated }, () => random.pick(acknowledged)));
    await Promise.all([...chosen].map(async (write) => {
      const reply = await load.repeat(write);
      expect([write.tag, reply.status, await reply.json()]).toEqual([write.tag, 200, write.outcome.body]);
    }));
    expect((await storedEvents(postgres.url)).length).toBe(events.length);
  }, 2 * byItselfMsMax);

  it('rows and the tree of the log are those that a rebuild makes from nothing', async () => {
    await caughtUp();
    const before = await rowsDigest(postgres.url);
    const { items } = await fleet.get('/projections');
    const swappedBefore = new Map(items.map((item: Json) => [item.name, item.swappedAt]));
    for (const { name } of items) await fleet.post(`/projections/${name}/rebuild`, {});
    await caughtUp((item) => item.swappedAt !== swappedBefore.get(item.name));
    expect(await rowsDigest(postgres.url)).toEqual(before);
    await fleet.eventually('the seal of the head', async () => (await fleet.get('/log/checkpoint')).split('\n')[1] === String(events.length));
    const { kept, made } = await keptAndMadeTrees(postgres.url, events);
    expect(kept).toEqual(made);
  }, 4 * byItselfMsMax);
});
