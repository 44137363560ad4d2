// Goal: answers that are held open are bounded, and end with their reader and with the server. Method: some are begun, left and shut down.
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { OpenStreams, type Answered } from './event-stream.ts';

const answer = (destroyed = false): EventEmitter & Answered => Object.assign(new EventEmitter(), { destroyed, setTimeout: () => undefined, destroy: () => undefined });

describe('streams that are open', () => {
  it('are so many at most, and are told when the server stops', () => {
    const counted: number[] = [];
    const open = new OpenStreams({ max: 2, code: 'too-many-replays', what: 'replays', onChange: (n) => { counted.push(n); } });
    const [first, second] = [answer(), answer()];
    const [one, other] = [open.begin(first), open.begin(second)];
    expect(() => open.begin(answer())).toThrow(expect.objectContaining({ code: 'too-many-replays', message: '2 replays are open' }));
    first.emit('close');
    expect(one.reason).toBe('gone');
    open.begin(answer());
    open.shutDown();
    expect(other.reason).toBe('shutdown');
    second.emit('close');
    expect([other.reason, counted]).toEqual(['shutdown', [1, 2, 1, 2, 1]]);
  });

  it('are not all held by one token', () => {
    const open = new OpenStreams({ max: 3, each: 2, code: 'too-many-readers', what: 'readers' });
    const first = answer();
    open.begin(first, 'a');
    open.begin(answer(), 'a');
    expect(() => open.begin(answer(), 'a')).toThrow(expect.objectContaining({ code: 'too-many-readers', message: '2 readers are open with this token' }));
    first.emit('close');
    open.begin(answer(), 'a');
    expect(open.begin(answer(), 'b').aborted).toBe(false);
  });

  it('do not count whose reader left before they began', () => {
    const open = new OpenStreams({ max: 1, code: 'too-many-replays', what: 'replays' });
    for (let n = 0; n < 3; n += 1) expect(open.begin(answer(true)).reason).toBe('gone');
    expect(open.begin(answer()).aborted).toBe(false);
  });

  it('end where their reader takes nothing any more, however long its connection stays', async () => {
    const open = new OpenStreams({ max: 1, code: 'too-many-replays', what: 'replays', silentMs: 100 });
    const begun = Promise.withResolvers<AbortSignal>();
    const server = createServer((_request, response) => {
      begun.resolve(open.begin(response));
      Readable.from((function* () { for (;;) yield 'x'.repeat(65_536); })()).pipe(response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const reader = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
    reader.on('error', () => undefined).write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const signal = await begun.promise;
    await once(signal, 'abort');
    expect(signal.reason).toBe('gone');
    reader.destroy();
    server.close();
  });
});
