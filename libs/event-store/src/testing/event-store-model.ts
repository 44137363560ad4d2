// Goal: an adapter answers any history of appends as the memory store does. Method: random groups of appends (stale, repeated,
// over several streams) sent at once to both, every answer and in the end every event compared.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { instantOfMs, position, streamId, streamVersion, type StreamId } from '@rectrail/kernel';
import fc from 'fast-check';
import type { AppendRequest, AppendResult, EventStore, ExpectedVersion } from '../event-store.ts';
import { MemoryEventStore } from '../memory-event-store.ts';
import type { ContractSubject } from './event-store-contract.ts';
import { readToEnd, requestOf, type EntryOf } from './requests.ts';

interface EntryStep { readonly stream: number; readonly expected: 'none' | 'any' | number; readonly events: number }
type AppendStep = { readonly entries: readonly EntryStep[] } | { readonly repeat: number };

const entryStep = fc.record({
  stream: fc.nat(3),
  // A number is the distance from the true version: mostly 0, so that most appends succeed.
  expected: fc.oneof({ weight: 2, arbitrary: fc.constant('any' as const) }, { weight: 1, arbitrary: fc.constant('none' as const) }, { weight: 5, arbitrary: fc.constantFrom(0, 0, 0, 0, -1, 1) }),
  events: fc.nat(3),
});
const appendStep: fc.Arbitrary<AppendStep> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ entries: fc.uniqueArray(entryStep, { selector: (e) => e.stream, minLength: 1, maxLength: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ repeat: fc.nat(20) }) },
);
const history = fc.array(fc.array(appendStep, { minLength: 1, maxLength: 6 }), { maxLength: 8 });

/** What an append came to, without what two stores need not share: the place of the log's start, and the time. */
const outcomeOf = async (append: Promise<AppendResult>, before: number): Promise<unknown> =>
  append.then(
    ({ first, last, versions, repeated }) => ({ first: first - before, last: last - before, versions, repeated }),
    (error: unknown) => ({ ...(error as { code: string; streamId: string; expected: ExpectedVersion; actual: number }) }),
  );

export const describeEventStoreModel = (name: string, factory: () => Promise<ContractSubject>, numRuns: number): void => {
  describe(`event store model: ${name}`, () => {
    let subject: ContractSubject;
    beforeAll(async () => { subject = await factory(); });
    afterAll(async () => { await subject.dispose(); });

    const requestsOf = async (group: readonly AppendStep[], model: EventStore, streams: readonly StreamId[], sent: readonly AppendRequest[]): Promise<AppendRequest[]> => {
      const slices = await model.readStreams(streams);
      return group.map((step) => {
        if ('repeat' in step) return sent[step.repeat % Math.max(sent.length, 1)] ?? requestOf([]);
        return requestOf(step.entries.map(({ stream, expected, events }): EntryOf => {
          const id = streams[stream]!;
          const exact = typeof expected === 'number' ? streamVersion(Math.max(0, (slices.get(id)?.version ?? 0) + expected)) : expected;
          return { stream: id, expected: exact, says: Array.from({ length: events }, (_, i) => `event ${i}`) };
        }));
      });
    };

    it('answers as the memory store does', async () => {
      await fc.assert(fc.asyncProperty(history, async (groups) => {
        const model = new MemoryEventStore({ now: () => instantOfMs(0) });
        const before = (await subject.store.head()).position;
        const run = crypto.randomUUID();
        const streams = [0, 1, 2, 3].map((i) => streamId(`${run}-${i}`));
        const sent: AppendRequest[] = [];
        for (const group of groups) {
          const requests = await requestsOf(group, model, streams, sent);
          sent.push(...requests);
          const expected = await Promise.all(requests.map((r) => outcomeOf(model.append(r), 0)));
          expect(await Promise.all(requests.map((r) => outcomeOf(subject.store.append(r), before)))).toEqual(expected);
        }
        const strip = (events: Awaited<ReturnType<typeof readToEnd>>, from: number) => events.map((e) => ({ ...e, position: position(e.position - from), recordedAt: null }));
        expect(strip(await readToEnd(subject.store, before), before)).toEqual(strip(await readToEnd(model), 0));
        const [slices, modelled] = [await subject.store.readStreams(streams), await model.readStreams(streams)];
        expect([...slices].map(([id, s]) => [id, s.version, s.events.length])).toEqual([...modelled].map(([id, s]) => [id, s.version, s.events.length]));
      }), { numRuns });
    });
  });
};
