// Goal: a replay goes as far as it is read, is never silent for long, and says how it ends. Method: a film made up of frames, read piece by piece.
import { addDays, instant, position, type Day } from '@rectrail/kernel';
import type { Replay, ReplayFrame } from '@rectrail/tracking-read';
import { describe, expect, it } from '@jest/globals';
import { replayEvents, type Playing } from './replay-stream.ts';

const first = '2026-06-01' as Day;
const cutOn = (validAt: Day) => ({ atPosition: position(9), knownAt: instant('2026-06-30T15:59:59.999Z'), validAt });
const frameOn = (day: Day): ReplayFrame => ({ cut: cutOn(day), digest: '', figures: {}, headlines: [], more: 0, assumptions: { calendarYears: [] } });

/** A film of so many days; `fails` after which. */
const film = (frames: number, fails = Infinity): { readonly replay: Replay; readonly read: () => number } => {
  let read = 0;
  const play = async function* () {
    for (; read < frames; read += 1) {
      if (read >= fails) throw new Error('the database went away');
      yield await Promise.resolve({ token: `t${read}`, frame: frameOn(addDays(first, read)) });
    }
  };
  const to = addDays(first, frames - 1);
  return { read: () => read, replay: { cut: cutOn(to), definition: 'rectrail.dashboard/1', org: null, every: 'day', from: first, to, frames, seen: 0, purged: 0, play } };
};

const playing = (changes: Partial<Playing> = {}): Playing => ({ speed: 366, signal: new AbortController().signal, problemOf: () => ({ code: 'internal' }), ...changes });
const namesOf = (events: readonly string[]): readonly string[] => events.flatMap((text) => text.match(/(?<=^event: ).*/gm) ?? []);

describe('the events of a replay', () => {
  it('are a start, each frame with its token, and an end', async () => {
    const events = await Array.fromAsync(replayEvents(film(3).replay, playing()));
    expect(namesOf(events)).toEqual(['start', 'frame', 'frame', 'frame', 'end']);
    expect(events[0]).toMatch(/^retry: 3000\n\nevent: start\ndata: \{.*"frames":3.*"speed":366\}\n\n$/);
    expect(events.slice(1, 4).map((text) => text.split('\n')[0])).toEqual(['id: t0', 'id: t1', 'id: t2']);
    expect(events.at(-1)).toBe('event: end\ndata: {"reason":"complete"}\n\n');
  });

  it('are made as they are read', async () => {
    const { replay, read } = film(1_000);
    const events = replayEvents(replay, playing());
    for (let n = 0; n < 4; n += 1) await events.next();
    expect(read()).toBe(2);
    await events.return(undefined);
    expect(read()).toBe(2);
  });

  it('have comments between them where none is due for long', async () => {
    const events = replayEvents(film(2).replay, playing({ speed: 2, heartbeatMs: 10 }));
    const seen = await Array.fromAsync(events);
    expect(seen[2]).toBe(':\n\n');
    expect(namesOf(seen)).toEqual(['start', 'frame', 'frame', 'end']);
  });

  it('say that the server stops, in the middle of a wait', async () => {
    const ending = new AbortController();
    const events = replayEvents(film(2).replay, playing({ speed: 0.1, signal: ending.signal }));
    await events.next();
    await events.next();
    const last = events.next();
    ending.abort('shutdown');
    expect([(await last).value, (await events.next()).done]).toEqual(['event: end\ndata: {"reason":"shutdown"}\n\n', true]);
  });

  it('end with the problem where a frame cannot be read', async () => {
    const events = await Array.fromAsync(replayEvents(film(3, 1).replay, playing()));
    expect(namesOf(events)).toEqual(['start', 'frame', 'problem']);
    expect(events.at(-1)).toContain('{"code":"internal"}');
  });
});
