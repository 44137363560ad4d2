// Goal: answers that are held open are bounded, and end with their reader and with the server. Method: some are begun, left and shut down.
import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { OpenStreams } from './event-stream.ts';

const answer = (destroyed = false): EventEmitter & { readonly destroyed: boolean } => Object.assign(new EventEmitter(), { destroyed });

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

  it('do not count whose reader left before they began', () => {
    const open = new OpenStreams({ max: 1, code: 'too-many-replays', what: 'replays' });
    for (let n = 0; n < 3; n += 1) expect(open.begin(answer(true)).reason).toBe('gone');
    expect(open.begin(answer()).aborted).toBe(false);
  });
});
