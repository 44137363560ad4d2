import { setTimeout as sleep } from 'node:timers/promises';
import { instantOfMs, position } from '@rectrail/kernel';
import { createLogger, createMetrics } from '@rectrail/platform';
import { ProjectionError, type BuildProgress, type RebuildOptions } from '@rectrail/projections';
import type { ProjectionStatus } from '@rectrail/tracking-read';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Rebuilds } from './rebuilds.ts';

// Goal: a rebuild goes on in the background until it is swapped in, stopped or failed, and is told of truly. Method: a read side whose rebuilds end when and how a test says.
const progress = (over: Partial<BuildProgress> = {}): BuildProgress =>
  ({ name: 'a', version: 1, phase: 'bulk', position: position(0), target: position(100), startedAt: instantOfMs(0), failure: null, paused: false, ...over });
const status = (name: string, over: Partial<ProjectionStatus> = {}): ProjectionStatus =>
  ({ name, version: 1, position: position(9), state: 'running', failure: null, lagEvents: 0, lagSeconds: 0, build: { ...progress({ name }), running: false }, swappedAt: null, skips: [], ...over });

interface Call { readonly name: string; readonly options: RebuildOptions; readonly tell: (over?: Partial<BuildProgress>) => void; readonly end: (error?: unknown) => void }

describe('rebuilds in the background', () => {
  let calls: Call[];
  let statuses: readonly ProjectionStatus[];
  let fault: Error | null;
  let metrics: ReturnType<typeof createMetrics>;
  let rebuilds: Rebuilds;

  beforeEach(() => {
    calls = [];
    statuses = [];
    fault = null;
    metrics = createMetrics();
    const rebuild = (name: string, options: RebuildOptions = {}): Promise<void> => new Promise((resolve, reject) => {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the signal's reason is what the read side rejects with
      options.signal?.addEventListener('abort', () => { reject(options.signal?.reason); });
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever a test ends it with
      const end: Call['end'] = (error) => { if (error === undefined) resolve(); else reject(error); };
      calls.push({ name, options, tell: (over) => { options.onProgress?.(progress({ name, ...over })); }, end });
    });
    rebuilds = new Rebuilds({ read: { rebuild, projectionStatus: () => (fault === null ? Promise.resolve(statuses) : Promise.reject(fault)) }, logger: createLogger({ level: 'silent' }), metrics, retryDelayMs: 3, watchMs: 1 });
  });
  afterEach(async () => { await rebuilds.close(); });

  const ended = async (): Promise<readonly string[]> =>
    (await metrics.registry.metrics()).split('\n').flatMap((line) => /^rectrail_projection_rebuild_duration_seconds_count\{projection="(\w+)",outcome="(\w+)"\} (\d+)$/.exec(line)?.slice(1).join(' ') ?? []);
  const begun = async (name = 'a'): Promise<Call> => {
    const beginning = rebuilds.begin(name);
    const call = calls.at(-1)!;
    call.tell();
    await beginning;
    return call;
  };
  const calledTimes = async (times: number): Promise<Call> => {
    while (calls.length < times) await sleep(1);
    return calls[times - 1]!;
  };

  it('have begun once they tell how far they are, and may go on though an operator had stopped them', async () => {
    const call = await begun();
    expect(call.options.onlyInterrupted).toBe(false);
    expect(await ended()).toEqual([]);
    call.end();
    await sleep(1);
    expect(await ended()).toEqual(['a swapped 1']);
  });

  it('refuse what the read side refuses, without touching the one that runs', async () => {
    const first = await begun();
    await sleep(510);
    first.tell({ position: position(50) });
    const second = rebuilds.begin('a');
    calls[1]!.end(new ProjectionError('rebuild-running', 'it runs'));
    await expect(second).rejects.toMatchObject({ code: 'rebuild-running' });
    expect(rebuilds.eventsPerSecond('a')).toBeGreaterThan(0);
    expect(await ended()).toEqual([]);
  });

  it('tell a speed of the phase at hand where that is one of events', async () => {
    const call = await begun();
    expect([rebuilds.eventsPerSecond('a'), rebuilds.eventsPerSecond('b')]).toEqual([null, null]);
    await sleep(510);
    call.tell({ position: position(51) });
    expect(rebuilds.eventsPerSecond('a')).toBeLessThanOrEqual(100);
    expect(rebuilds.eventsPerSecond('a')).toBeGreaterThan(0);
    call.tell({ phase: 'indexes', position: position(100) });
    expect(rebuilds.eventsPerSecond('a')).toBeNull();
    call.end();
    await sleep(1);
    expect(rebuilds.eventsPerSecond('a')).toBeNull();
  });

  it('go on where the database was lost, but not past an operator who stops them', async () => {
    (await begun()).end(new Error('connection terminated'));
    const second = await calledTimes(2);
    expect(second.options.onlyInterrupted).toBe(true);
    second.end(new Error('connection terminated'));
    (await calledTimes(3)).end(new ProjectionError('rebuild-stopped', 'stopped'));
    await sleep(5);
    expect(calls).toHaveLength(3);
    expect(await ended()).toEqual(['a stopped 1']);
  });

  it('that lose the database before they have begun are refused', async () => {
    const beginning = rebuilds.begin('a');
    calls[0]!.end(new Error('connection refused'));
    await expect(beginning).rejects.toThrow('connection refused');
    await sleep(5);
    expect([calls.length, await ended()]).toEqual([1, []]);
  });

  it('end with the event that they cannot apply', async () => {
    (await begun()).end(new ProjectionError('rebuild-failed', 'no such day', position(7)));
    await sleep(1);
    expect(await ended()).toEqual(['a failed 1']);
  });

  it('end with the process', async () => {
    await begun();
    await begun('b');
    await rebuilds.close();
    expect(calls.map(({ options }) => options.signal?.aborted)).toEqual([true, true]);
    expect(await ended()).toEqual(['a stopped 1', 'b stopped 1']);
  });

  it('that ended with a process go on in the next one; those that somebody runs, stopped or has to look at do not', async () => {
    const build = progress();
    statuses = [
      status('lost'), status('none', { build: null }), status('elsewhere', { build: { ...build, running: true } }), status('paused', { build: { ...build, running: false, paused: true } }),
      status('failed', { build: { ...build, running: false, failure: { position: position(3), reason: 'x' } } }), status('unread', { state: 'rebuilding' }),
      status('stopped', { state: 'stopped', failure: { position: position(10), reason: 'x' } }),
    ];
    rebuilds.watch();
    await calledTimes(2);
    expect(calls.map(({ name, options }) => [name, options.onlyInterrupted])).toEqual([['lost', true], ['stopped', true]]);
    calls[0]!.end(new ProjectionError('rebuild-cancelled', 'dropped meanwhile'));
    await sleep(1);
    expect(await ended()).toEqual([]);
  });

  it('whose process is lost later go on here, once, though it cannot always be seen', async () => {
    rebuilds.watch();
    await sleep(5);
    fault = new Error('connection terminated');
    await sleep(5);
    fault = null;
    statuses = [status('lost')];
    const call = await calledTimes(1);
    call.tell();
    await sleep(10);
    expect(calls).toHaveLength(1);
    // The database is lost on the way: this process goes on with it, and does not begin it beside itself.
    call.end(new Error('connection terminated'));
    await calledTimes(2);
    await sleep(10);
    expect(calls).toHaveLength(2);
  });
});
