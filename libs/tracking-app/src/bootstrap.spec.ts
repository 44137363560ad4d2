import { CommandRunner, createEventCodec, MemoryEventStore } from '@rectrail/event-store';
import { instant, type Day } from '@rectrail/kernel';
import { trackingEventDefinitions } from '@rectrail/tracking-domain';
import { describe, expect, it } from '@jest/globals';
import { bootstrap } from './bootstrap.ts';

// Goal: an installation begins once, whatever starts later. Method: starts in turn and at once over one store in memory.
const clock = { now: () => instant('2026-03-01T00:00:00Z') };
const calendarYears = [{ year: 2026, workingDays: ['2026-01-05', '2026-01-06'] as Day[] }];

const open = () => {
  const store = new MemoryEventStore(clock);
  const runner = new CommandRunner({ store, codec: createEventCodec(trackingEventDefinitions), clock, cachedStreamPrefixes: [] });
  return { store, runner, typesOf: async () => (await store.readAll()).events.map(({ streamId, type }) => [streamId, type]) };
};
const first = [
  ['installation', 'InstallationInitialised'], ['org-tree-administrative', 'TreeOpened'], ['policy-default', 'PolicyAdopted'], ['working-calendar', 'CalendarYearSet'],
];

describe('the first start', () => {
  it('writes zone, tree, default policy and calendar, all without a valid time', async () => {
    const { runner, store, typesOf } = open();
    expect(await bootstrap({ runner, zone: 'Asia/Shanghai', jurisdiction: '某市', calendarYears })).toEqual({ zone: 'Asia/Shanghai', jurisdiction: '某市' });
    expect(await typesOf()).toEqual(first);
    expect((await store.readAll()).events.every(({ content }) => !('validTime' in (JSON.parse(content) as object)))).toBe(true);
  });

  it('holds for good: a later start with another zone writes nothing and is told the first', async () => {
    const { runner, typesOf } = open();
    await bootstrap({ runner, zone: 'Asia/Shanghai', jurisdiction: '某市', calendarYears });
    expect(await bootstrap({ runner, zone: 'UTC', jurisdiction: '他市', calendarYears: [] })).toEqual({ zone: 'Asia/Shanghai', jurisdiction: '某市' });
    expect(await typesOf()).toEqual(first);
  });

  it('is one also where two servers start at once', async () => {
    const { runner, typesOf } = open();
    const [a, b] = await Promise.all(['Asia/Shanghai', 'Asia/Shanghai'].map((zone) => bootstrap({ runner, zone, jurisdiction: '某市', calendarYears })));
    expect(a).toEqual(b);
    expect(await typesOf()).toEqual(first);
  });

  it('refuses a zone that is none', async () => {
    await expect(bootstrap({ runner: open().runner, zone: 'Mars/Olympus', jurisdiction: '某市', calendarYears })).rejects.toMatchObject({ code: 'unknown-zone' });
  });
});
