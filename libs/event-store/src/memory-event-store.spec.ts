// Goal: the memory store is the store that the port describes. Method: the contract suite; another instance shares the log.
import { instant, instantOfMs, type Clock } from '@rectrail/kernel';
import { describe, expect, it } from '@jest/globals';
import { MemoryEventStore, MemoryLog } from './memory-event-store.ts';
import { describeEventStoreContract, freshStream, requestOf } from './testing/index.ts';

const systemClock: Clock = { now: () => instantOfMs(Date.now()) };

describeEventStoreContract('memory', () => {
  const log = new MemoryLog();
  const store = new MemoryEventStore(systemClock, log);
  return Promise.resolve({ store, another: () => Promise.resolve(new MemoryEventStore(systemClock, log)), dispose: () => store.close() });
});

describe('MemoryEventStore', () => {
  it('never records before what it recorded last, though its clock goes back', async () => {
    const times = ['2026-03-01T00:00:00.000Z', '2026-02-01T00:00:00.000Z', '2026-04-01T00:00:00.000Z'].map(instant);
    const store = new MemoryEventStore({ now: () => times.shift() ?? instant('2026-05-01T00:00:00Z') });
    for (let i = 0; i < 3; i++) await store.append(requestOf([{ stream: freshStream(), says: ['x'] }]));
    expect((await store.readAll()).events.map((e) => e.recordedAt.slice(0, 7))).toEqual(['2026-03', '2026-03', '2026-04']);
  });
});
