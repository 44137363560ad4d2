// Goal: a stream of the feed goes as far as it is read, is never silent for long, asks again whether its reader may hear, and says how it ends. Method: a feed of given slices.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { instant, position, type EventId, type OrgId } from '@rectrail/kernel';
import type { Message, MessageFeed, MessageSlice } from '@rectrail/messaging';
import { describe, expect, it } from '@jest/globals';
import { feedEvents, type Following } from './feed-stream.ts';

const message = (at: number, subject = 'organisations/a'): Message => ({
  position: position(at), id: `${at} ${subject}` as EventId, type: 'rectrail.organisation.registered.v1', noun: 'organisations', subject, time: null, recordedAt: instant('2026-06-30T08:00:00Z'), correlationId: 'c',
  causationId: null, classification: 'public', orgId: 'a' as OrgId, data: { change: { name: 'registered', on: null, byOrgId: null, retracts: 0 }, state: {} },
});
const slice = (scannedTo: number, ...messages: readonly Message[]): MessageSlice => ({ messages, scannedTo: position(scannedTo) });

/** Gives the slices, then waits, or fails; tells how many were taken and whether it was let go. */
const feedOf = (slices: readonly MessageSlice[], fails = false): { readonly feed: MessageFeed; readonly seen: { taken: number; ended: boolean } } => {
  const seen = { taken: 0, ended: false };
  const follow: MessageFeed['follow'] = async function* ({ signal }) {
    try {
      for (const one of slices) {
        seen.taken += 1;
        yield await Promise.resolve(one);
      }
      if (fails) throw new Error('the database went away');
      if (!signal.aborted) await once(signal, 'abort');
    } finally {
      seen.ended = true;
    }
  };
  return { seen, feed: { source: () => Promise.resolve('urn:rectrail:log:1'), head: () => Promise.resolve(position(99)), follow, read: () => Promise.reject(new Error('not asked')), snapshot: () => Promise.reject(new Error('not asked')) } };
};

const following = (feed: MessageFeed, changes: Partial<Following> = {}): Following => ({
  feed, options: { after: position(0), audience: 'internal' }, signal: new AbortController().signal, check: () => Promise.resolve(), onMessages: () => undefined, problemOf: (error) => ({ code: String(error) }), ...changes,
});
const linesOf = (field: string, text: string): readonly string[] => text.split('\n').filter((line) => line.startsWith(`${field}: `)).map((line) => line.slice(field.length + 2));

/** The next so many texts. */
const read = async (events: AsyncGenerator<string>, n: number): Promise<readonly string[]> => {
  const texts: string[] = [];
  while (texts.length < n) texts.push((await events.next()).value as string);
  return texts;
};

/** The first so many texts of a stream, which is then left. */
const first = async (n: number, options: Following): Promise<readonly string[]> => {
  const events = feedEvents(options);
  const texts = await read(events, n);
  await events.return(undefined);
  return texts;
};

describe('a stream of the feed', () => {
  it('starts with the source and has each message with its sequence', async () => {
    let told = 0;
    const { feed } = feedOf([slice(3, message(2), message(3)), slice(7, message(5))]);
    const texts = await first(4, following(feed, { onMessages: (count) => { told += count; } }));
    expect(texts[0]).toBe('retry: 3000\n\nid: 0000000000000000\nevent: start\ndata: {"source":"urn:rectrail:log:1","after":0,"head":99}\n\n');
    expect(texts.slice(1).map((text) => [linesOf('id', text), linesOf('event', text)])).toEqual(['2', '3', '5'].map((id) => [[id.padStart(16, '0')], []]));
    expect(JSON.parse(linesOf('data', texts[1]!)[0]!)).toMatchObject({ specversion: '1.0', source: 'urn:rectrail:log:1', sequence: '0000000000000002', noun: 'organisations' });
    expect(told).toBe(2);
  });

  it('has one id for all messages of an event, on the last of them', async () => {
    const { feed } = feedOf([slice(9, message(4, 'organisations/a'), message(4, 'organisations/b'), message(9))]);
    const texts = await first(4, following(feed));
    expect(texts.slice(1).map((text) => linesOf('id', text))).toEqual([[], ['0000000000000004'], ['0000000000000009']]);
  });

  it('looks no further than it is read', async () => {
    const { feed, seen } = feedOf(Array.from({ length: 50 }, (_, n) => slice(n + 1, message(n + 1))));
    const events = feedEvents(following(feed));
    await read(events, 4);
    expect(seen.taken).toBeLessThanOrEqual(4);
    await events.return(undefined);
    expect(seen.ended).toBe(true);
  });

  it('says how far the log was looked through, else that it is alive', async () => {
    const { feed } = feedOf([slice(3, message(3)), slice(8)]);
    const texts = await first(5, following(feed, { heartbeatMs: 20 }));
    expect(texts.slice(2)).toEqual(['id: 0000000000000008\n\n', ':\n\n', ':\n\n']);
  });

  it('ends with the problem once its reader may not hear any more', async () => {
    const { feed, seen } = feedOf([]);
    const texts = await Array.fromAsync(feedEvents(following(feed, { heartbeatMs: 10, check: () => Promise.reject(new Error('token-invalid')) })));
    expect(texts.slice(1)).toEqual(['event: problem\ndata: {"code":"Error: token-invalid"}\n\n']);
    expect(seen.ended).toBe(true);
  });

  it('asks in the midst of messages too, where they are taken slowly', async () => {
    const { feed } = feedOf([slice(9, message(1), message(2), message(3))]);
    const events = feedEvents(following(feed, { heartbeatMs: 5, check: () => Promise.reject(new Error('token-invalid')) }));
    await read(events, 2);
    await sleep(20);
    expect(await Array.fromAsync(events)).toEqual(['event: problem\ndata: {"code":"Error: token-invalid"}\n\n']);
  });

  it('ends with the problem where the log cannot be read', async () => {
    const { feed } = feedOf([slice(1, message(1))], true);
    expect((await Array.fromAsync(feedEvents(following(feed)))).at(-1)).toBe('event: problem\ndata: {"code":"Error: the database went away"}\n\n');
  });

  it('says that the server stops, and how far it had looked', async () => {
    const ending = new AbortController();
    const { feed, seen } = feedOf([slice(3, message(3)), slice(8)]);
    const events = feedEvents(following(feed, { signal: ending.signal, heartbeatMs: 20 }));
    await read(events, 3);
    const rest = Array.fromAsync(events);
    ending.abort('shutdown');
    expect((await rest).at(-1)).toBe('id: 0000000000000008\nevent: end\ndata: {"reason":"shutdown"}\n\n');
    expect(seen.ended).toBe(true);
  });
});
