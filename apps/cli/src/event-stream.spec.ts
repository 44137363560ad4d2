// Goal: events of a server are read as they come, and go on where a connection breaks. Method: a stream cut at every place; connections that break, refuse or have nothing more.
import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { resumed, serverEvents, type ServerEvent } from './event-stream.ts';

describe('server-sent events', () => {
  it('come as blocks, however they are cut, without comments and without what is cut off', async () => {
    const text = 'retry: 3000\n\nevent: start\ndata: {"a":1}\n\n:\n\nid: x\nevent: frame\ndata: {"b":\ndata: 2}\n\ndata: {"c":3}\n\nid: y\ndata: {"cut';
    const expected = [{ id: null, name: 'start', data: { a: 1 } }, { id: 'x', name: 'frame', data: { b: 2 } }, { id: null, name: 'message', data: { c: 3 } }];
    for (const size of [1, 7, 1_000]) {
      const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, i) => text.slice(i * size, (i + 1) * size));
      expect(await Array.fromAsync(serverEvents(Readable.from(chunks)))).toEqual(expected);
    }
  });
});

describe('a stream that is taken up again', () => {
  const frame = (n: number): ServerEvent => ({ id: String(n), name: 'frame', data: n });
  const end: ServerEvent = { id: null, name: 'end', data: {} };
  const gone = new Error('connection reset');
  const refusal = new Error('refused');

  type Connection = (after: string | null) => readonly (ServerEvent | Error)[];

  const reading = async (connections: readonly Connection[], attemptsMax?: number): Promise<{ readonly seen: readonly unknown[]; readonly whole: boolean }> => {
    const opened = connections[Symbol.iterator]();
    const open = async function* (after: string | null): AsyncGenerator<ServerEvent> {
      const connection = opened.next().value;
      for (const event of connection?.(after) ?? [gone]) {
        if (event instanceof Error) throw event;
        yield await Promise.resolve(event);
      }
    };
    const events = resumed({ open, isRefusal: (error) => error === refusal, retryMs: 0, ...(attemptsMax !== undefined && { attemptsMax }) });
    const seen: unknown[] = [];
    for (;;) {
      const { value, done } = await events.next();
      if (done === true) return { seen, whole: value };
      seen.push(value.name === 'frame' ? value.data : value.name);
    }
  };

  it('goes on behind the last frame seen, after a break and after an end without one', async () => {
    const from = (after: string | null): number => Number(after ?? 0) + 1;
    expect(await reading([(a) => [frame(from(a)), gone], () => [gone], (a) => [frame(from(a))], (a) => [frame(from(a)), end]])).toEqual({ seen: [1, 2, 3, 'end'], whole: true });
  });

  it('gives up after some attempts that bring nothing', async () => {
    expect(await reading([() => [frame(1), gone]])).toEqual({ seen: [1], whole: false });
  });

  it('is tried for as long as it is told to be', async () => {
    const breaks = Array.from({ length: 20 }, (): Connection => () => [gone]);
    expect(await reading([() => [frame(1)], ...breaks, (a) => [frame(Number(a) + 1), end]], Infinity)).toEqual({ seen: [1, 2, 'end'], whole: true });
  });

  it('is not tried again where it is refused, or never began', async () => {
    await expect(reading([() => [frame(1), refusal]])).rejects.toBe(refusal);
    await expect(reading([() => [gone]])).rejects.toBe(gone);
  });
});
