// Goal: a command is carried out once, on streams that nobody moved meanwhile, and its repetition answers the same.
// Method: a toy counter stream over the memory store; the store is wrapped where another writer must come between.
import { describe, expect, it } from '@jest/globals';
import { instant, streamId, type Clock, type CommandId, type Instant } from '@rectrail/kernel';
import { CommandRunner, createEventCodec, MemoryEventStore, newCommandId, type EventStore, type RunRequest, type StagedFact, type UnitOfWork } from './index.ts';

const at = instant('2026-01-02T03:04:05.678Z');
const clockAt = (now: Instant): Clock => ({ now: () => now });
const codec = createEventCodec([
  { type: 'Counted', schemaVersion: 1, schema: { safeParse: (data) => ({ success: typeof data === 'object' && data !== null && 'by' in data && Number.isSafeInteger(data.by) }) }, upcasters: {} },
]);
const counted = (by: unknown): StagedFact => ({
  event: { type: 'Counted', data: { by } },
  actor: { orgId: null, role: 'clerk', subject: 's-1', assurance: 'system' },
  scope: { orgId: null }, validTime: null, knownTime: null, classification: 'internal',
});
const counter = streamId('counter-1');
const tree = streamId('tree-1');

const runnerOver = (store: EventStore): CommandRunner => new CommandRunner({ store, codec, clock: clockAt(at), cachedStreamPrefixes: ['tree-'] });
const request = (commandId: CommandId = newCommandId(at)): RunRequest => ({ commandId, correlationId: 'c-1' });
const sumOf = async (unit: UnitOfWork, id = counter): Promise<number> =>
  (await unit.load(id)).facts.reduce((sum, f) => sum + (f.event.data as { by: number }).by, 0);
const countUp = async (unit: UnitOfWork): Promise<number> => {
  const sum = await sumOf(unit);
  unit.stage(counter, [counted(1)]);
  return sum + 1;
};

/** Lets `before` run ahead of each of the first appends. */
const interrupted = (store: EventStore, ...before: (() => Promise<unknown>)[]): void => {
  const append = store.append.bind(store);
  Object.assign(store, { append: async (r: Parameters<EventStore['append']>[0]) => { await before.shift()?.(); return append(r); } });
};

describe('CommandRunner', () => {
  it('appends what the work staged and answers with its position and versions', async () => {
    const store = new MemoryEventStore(clockAt(at));
    const outcome = await runnerOver(store).run(request(), countUp);
    expect(outcome).toEqual({ result: 1, position: 1, versions: new Map([[counter, 1]]), repeated: false });
    expect((await store.readStream(counter)).events.map((e) => codec.decode(e).event)).toEqual([{ type: 'Counted', data: { by: 1 } }]);
  });

  it('appends nothing where nothing was staged, and says which versions it saw', async () => {
    const store = new MemoryEventStore(clockAt(at));
    expect(await runnerOver(store).run(request(), sumOf)).toEqual({ result: 0, position: null, versions: new Map([[counter, 0]]), repeated: false });
    expect((await store.head()).position).toBe(0);
  });

  it('works anew when another writer was first', async () => {
    const store = new MemoryEventStore(clockAt(at));
    const other = runnerOver(store);
    interrupted(store, () => other.run(request(), countUp));
    expect((await runnerOver(store).run(request(), countUp)).result).toBe(2);
    expect((await other.run(request(), countUp)).result).toBe(3);
  });

  it('checks the streams that were only read', async () => {
    const store = new MemoryEventStore(clockAt(at));
    const runner = runnerOver(store);
    let runs = 0;
    const outcome = await runner.run(request(), async (unit) => {
      const sum = await sumOf(unit);
      if (runs++ === 0) await runner.run(request(), countUp);
      unit.stage(tree, [counted(10)]);
      return sum;
    });
    expect(outcome.result).toBe(1);
    expect(runs).toBe(2);
  });

  it('gives up after the last retry with the conflict', async () => {
    const store = new MemoryEventStore(clockAt(at));
    const runner = runnerOver(store);
    let runs = 0;
    const work = async (unit: UnitOfWork): Promise<number> => {
      runs += 1;
      const sum = await sumOf(unit);
      await runner.run(request(), countUp);
      unit.stage(counter, [counted(100)]);
      return sum;
    };
    await expect(runner.run(request(), work, { retries: 2 })).rejects.toMatchObject({ code: 'stream-version-conflict', streamId: counter });
    expect(runs).toBe(3);
  });

  it('answers a repeated command as the first time, at its instant, and writes nothing', async () => {
    const store = new MemoryEventStore(clockAt(at));
    const runner = runnerOver(store);
    const first = request();
    const answer = await runner.run(first, async (unit) => ({ count: await countUp(unit), now: unit.now }));
    await runner.run(request(), countUp);
    const later = new CommandRunner({ store, codec, clock: clockAt(instant('2027-01-01T00:00:00Z')), cachedStreamPrefixes: ['counter-'] });
    const again = await later.run(first, async (unit) => ({ count: await countUp(unit), now: unit.now }));
    expect(again).toEqual({ ...answer, repeated: true });
    expect((await store.head()).position).toBe(2);
  });

  it('answers a repeated command that would be refused by the state that it made', async () => {
    const runner = runnerOver(new MemoryEventStore(clockAt(at)));
    const first = request();
    const once = async (unit: UnitOfWork): Promise<number> => {
      if (await sumOf(unit) > 0) throw new Error('already counted');
      return countUp(unit);
    };
    await runner.run(first, once);
    await expect(runner.run(request(), once)).rejects.toThrow('already counted');
    expect(await runner.run(first, once)).toMatchObject({ result: 1, position: 1, repeated: true });
    expect(await runner.run(first, sumOf)).toMatchObject({ result: 0, position: 1, repeated: true });
  });

  it('refuses a commandId that comes back with another content', async () => {
    const runner = runnerOver(new MemoryEventStore(clockAt(at)));
    const first = { ...request(), fingerprint: 'a' };
    await runner.run(first, countUp);
    await expect(runner.run({ ...first, fingerprint: 'b' }, countUp)).rejects.toMatchObject({ code: 'command-reused' });
    expect((await runner.run(first, countUp)).repeated).toBe(true);
  });

  it('takes a command for the same where nothing is known of what it was', async () => {
    const runner = runnerOver(new MemoryEventStore(clockAt(at)));
    const { commandId, correlationId } = request();
    const { position } = await runner.run({ commandId, correlationId }, countUp);
    expect(await runner.run({ commandId, correlationId, fingerprint: 'a' }, countUp)).toMatchObject({ repeated: true, position });
  });

  it('shows later loads what was staged before, in its place', async () => {
    const store = new MemoryEventStore(clockAt(at));
    const runner = runnerOver(store);
    await runner.run(request(), countUp);
    await runner.run(request(), async (unit) => { unit.stage(tree, [counted(5)]); return Promise.resolve(); });
    const outcome = await runner.run(request(), async (unit) => {
      unit.stage(counter, [counted(2), counted(3)]);
      unit.stage(tree, [counted(4)]);
      unit.stage(counter, [counted(6)]);
      return unit.loadMany([counter, tree, streamId('counter-none')]);
    });
    const seen = outcome.result.get(counter);
    expect(seen?.version).toBe(1);
    expect(seen?.facts.map((f) => [f.streamVersion, f.position, f.knownTime])).toEqual([[1, 1, at], [2, 3, at], [3, 4, at], [4, 5, at]]);
    expect(outcome.result.get(streamId('counter-none'))).toEqual({ facts: [], version: 0 });
    // The ids seen beforehand are the ones that were stored, so that a fact may name another of the same unit.
    const stored = await store.readStream(counter);
    expect(stored.events.map((e) => codec.decode(e).eventId)).toEqual(seen?.facts.map((f) => f.eventId));
  });

  it('refuses an event that its schema refuses, when it is staged', async () => {
    const runner = runnerOver(new MemoryEventStore(clockAt(at)));
    await expect(runner.run(request(), async (unit) => { unit.stage(counter, [counted('one')]); return Promise.resolve(); })).rejects.toMatchObject({ code: 'event-invalid' });
  });

  it('previews without appending', async () => {
    const store = new MemoryEventStore(clockAt(at));
    expect(await runnerOver(store).preview(request(), countUp)).toEqual({ result: 1, staged: 1 });
    expect((await store.head()).position).toBe(0);
  });

  it('reads a cached stream on from where it was', async () => {
    const store = new MemoryEventStore(clockAt(at));
    const runner = runnerOver(store);
    const reads: unknown[] = [];
    const readStream = store.readStream.bind(store);
    Object.assign(store, { readStream: (...args: Parameters<typeof readStream>) => { reads.push(args[1]?.from); return readStream(...args); } });
    const grow = async (unit: UnitOfWork): Promise<number> => {
      const sum = await sumOf(unit, tree);
      unit.stage(tree, [counted(1)]);
      return sum;
    };
    for (const expected of [0, 1, 2]) expect((await runner.run(request(), grow)).result).toBe(expected);
    expect(reads).toEqual([1, 1, 2]);
  });

  it('lets a failed read be seen by the work, once', async () => {
    const store = new MemoryEventStore(clockAt(at));
    await store.close();
    await expect(runnerOver(store).run(request(), async (unit) => unit.loadMany([counter, tree, streamId('x')]))).rejects.toMatchObject({ code: 'event-store-unavailable' });
  });
});
