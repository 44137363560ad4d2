import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { EventCodec } from '@rectrail/event-store';
import type { RecordedEvent } from '@rectrail/generator';
import { dayNumber, day, streamId, streamVersion, type CommandId, type IssueId, type OrgId } from '@rectrail/kernel';
import type { DatasetOrg, Landmarks } from './datasets.ts';
import { parseResponse } from './keep-alive.ts';
import { pathsOf } from './latency.ts';
import { growthOf } from './memory.ts';
import { registeredByShare, requests, type RequestedDataset, type RequestName } from './requests.ts';
import { plansOf, tenthsOf, writtenPlans, type ScaleOptions } from './stage.ts';
import { SplitHistory, tailLine, tailRequests } from './tail.ts';

/**
 * Goal: what the bench at scale asks, writes and reads back is what it says.
 * Method: requests drawn for logs made by hand, tails written and read, answers cut into pieces anywhere; nothing here is timed.
 */
const options: ScaleOptions = {
  sizes: [100_000, 1_000_000, 10_000_000], organisations: 10_000, tailEvents: 1_000, naive: [], loadMs: 1, rounds: 1, paceMs: 1, lastPaceMs: 1,
  calls: { dashboard: 1, other: 1, dashboardBesideWriter: 1, otherBesideWriter: 1, warmUp: 0 },
};

const org = (id: string, level: DatasetOrg['level'], children: number): DatasetOrg => ({ orgId: id as OrgId, level, children });
const landmarks: Landmarks = {
  streams: 10, from: day('2025-07-01'), until: day('2026-06-30'), issues: ['i1', 'i2'] as IssueId[],
  registered: [org('p', 'province', 27), org('c', 'city', 24), org('d', 'district', 15), org('k', 'county', 13), org('b1', 'bureau', 4), org('b2', 'bureau', 3), org('u', 'unit', 0)],
};

const dataset: RequestedDataset = { plan: { events: 1_000, growth: 'years', organisations: 7, tailEvents: 0 }, landmarks };

describe('the requests', () => {
  const names = Object.keys(requests) as RequestName[];
  const parametersOf = (request: RequestName, count = 400): readonly URLSearchParams[] => pathsOf(request, dataset, count).map((path) => new URL(path, 'http://h').searchParams);

  it.each(names)('%s are the same for the same log, and drawn in the same order whatever their number', (request) => {
    expect(pathsOf(request, dataset, 60)).toEqual(pathsOf(request, dataset, 90).slice(0, 60));
  });

  it.each(['dashboard', 'older', 'today', 'issues', 'compare'] as const)('%s name each level about as often', (request) => {
    const asked = parametersOf(request).map((parameters) => parameters.get('org'));
    for (const level of [['p'], ['c'], ['d', 'k'], ['b1', 'b2'], ['u']]) expect(asked.filter((id) => level.includes(id ?? '')).length).toBeGreaterThan(40);
  });

  it('lie within the span and somewhat after it, and at positions at which every organisation is registered', () => {
    const days = parametersOf('dashboard').flatMap((parameters) => [parameters.get('validAt'), parameters.get('knownAt')]).map((text) => dayNumber(day(text ?? '')));
    expect(Math.min(...days)).toBeGreaterThanOrEqual(dayNumber(landmarks.from));
    expect(Math.max(...days)).toBeGreaterThan(dayNumber(landmarks.until));
    expect(Math.max(...days)).toBeLessThanOrEqual(dayNumber(landmarks.until) + 60);
    const positions = parametersOf('older').map((parameters) => Number(parameters.get('atPosition')));
    expect(Math.min(...positions)).toBeGreaterThanOrEqual(dataset.plan.events * registeredByShare);
    expect(Math.max(...positions)).toBeLessThan(dataset.plan.events);
  });

  it('ask for 365 days, for two cuts the earlier first, and for children of those that have about twenty', () => {
    for (const parameters of parametersOf('series-then')) expect(dayNumber(day(parameters.get('to') ?? '')) - dayNumber(day(parameters.get('from') ?? '')) + 1).toBe(365);
    for (const parameters of parametersOf('compare')) expect((parameters.get('fromValidAt') ?? '') < (parameters.get('validAt') ?? '')).toBe(true);
    expect(new Set(parametersOf('children').map((parameters) => parameters.get('org')))).toEqual(new Set(['c', 'd']));
  });
});

describe('the histories', () => {
  it('are one at the end of both growths, and all but the smallest by years are written on', () => {
    expect(plansOf(options).map(({ events, growth }) => `${events} ${growth}`)).toEqual(['100000 years', '1000000 years', '10000000 years', '100000 density', '1000000 density']);
    expect(writtenPlans(options).map(({ events }) => events)).toEqual([1_000_000, 10_000_000]);
  });

  it('are compared with those of a tenth of the events', () => {
    const plans = plansOf(options);
    const tenths = plans.map((plan) => tenthsOf(plan, plans).map((tenth) => plans.indexOf(tenth)));
    expect(tenths).toEqual([[], [0], [1, 4], [], [3]]);
  });
});

describe('a tail', () => {
  it('tells the same commands from wherever one begins, each stream once with the version before it', () => {
    const command = fc.array(fc.record({ stream: fc.constantFrom('issue-1', 'measure-2', 'org-tree-3'), text: fc.string() }), { minLength: 1, maxLength: 6 });
    fc.assert(fc.property(fc.array(command, { maxLength: 8 }), (commands) => {
      const versions = new Map<string, number>();
      const lines = commands.flatMap((events, n) => events.map(({ stream, text }, i) => {
        const version = (versions.get(stream) ?? 0) + 1;
        versions.set(stream, version);
        const content: ReturnType<EventCodec['encode']>['content'] = JSON.stringify({ eventId: `${n}-${i}`, text });
        return tailLine({ commandId: `command-${n}` as CommandId, streamId: streamId(stream), streamVersion: streamVersion(version), type: 'Noted', content });
      }));
      const known = new Map<string, number>();
      const text = lines.join('');
      const all = [...tailRequests(text, 0)];
      for (const [n, { end }] of all.entries()) expect([...tailRequests(text, end)]).toEqual(all.slice(n + 1));
      const told = all.map(({ request }) => request);
      expect(told.map(({ commandId }) => commandId)).toEqual(commands.map((_, n) => `command-${n}`));
      for (const [n, { entries }] of told.entries()) {
        expect(new Set(entries.map((entry) => entry.streamId)).size).toBe(entries.length);
        for (const { streamId: id, expectedVersion, events } of entries) {
          expect(expectedVersion).toBe(known.get(id) ?? 0);
          known.set(id, (known.get(id) ?? 0) + events.length);
          const texts = (commands[n] ?? []).filter(({ stream }) => stream === id).map(({ text }) => text);
          expect(events.map(({ content }) => (JSON.parse(content) as { text: string }).text)).toEqual(texts);
        }
      }
    }), { numRuns: 50 });
  });
});

describe('a history', () => {
  it('is split after a command, once it has as many events as are wanted', async () => {
    const batches = fc.array(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 5 });
    await fc.assert(fc.asyncProperty(batches, fc.integer({ min: 1, max: 40 }), async (lengths, wanted) => {
      const history = lengths.map((commands, b) => commands.flatMap((length, c) => Array.from({ length }, (_, i) => ({ commandId: `${b}-${c}`, n: i }) as unknown as RecordedEvent)));
      const split = new SplitHistory(history);
      const head = (await Array.fromAsync(split.head(wanted, () => undefined))).flat();
      const tail = [...split.tail()].flat();
      const all = history.flat();
      expect([...head, ...tail]).toEqual(all);
      expect(head.length).toBeGreaterThanOrEqual(Math.min(wanted, all.length));
      expect(head.length).toBeLessThan(wanted + 4);
      expect(head.at(-1)?.commandId).not.toBe(tail[0]?.commandId);
    }), { numRuns: 100 });
  });
});

describe('an answer', () => {
  const answer = (body: string): Buffer => Buffer.from(`HTTP/1.1 404 Not Found\r\ncontent-type: x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);

  it('is read once it is whole, wherever it was cut', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (body) => {
      const whole = answer(body);
      for (let cut = 0; cut < whole.length; cut++) expect(parseResponse(whole.subarray(0, cut))).toBeNull();
      const { status, body: read } = parseResponse(whole)!;
      expect([status, read.toString()]).toEqual([404, Buffer.from(body).toString()]);
    }), { numRuns: 30 });
  });

  it('without its length is refused', () => {
    expect(() => parseResponse(Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'))).toThrow('without its length');
  });
});

describe('memory', () => {
  it('grows by the medians of the second and the last quarter', () => {
    expect(growthOf([10, 20, 100, 100, 500, 1, 150, 150])).toBe(1.5);
    expect(growthOf([10, 100, 100, 100])).toBe(1);
  });
});
