// Goal: answers that are held open are bounded, and end with their reader and with the server. Method: some are begun, finished and shut down.
import { describe, expect, it } from '@jest/globals';
import { OpenStreams } from './event-stream.ts';

describe('streams that are open', () => {
  it('are so many at most, and are told when the server stops', () => {
    const open = new OpenStreams({ max: 2, code: 'too-many-replays', what: 'replays' });
    const [one, other] = [open.begin(), open.begin()];
    expect(() => open.begin()).toThrow(expect.objectContaining({ code: 'too-many-replays', message: '2 replays are open' }));
    open.finish(one);
    expect(one.signal.reason).toBe('gone');
    open.begin();
    open.shutDown();
    expect(other.signal.reason).toBe('shutdown');
    open.finish(other);
    expect(other.signal.reason).toBe('shutdown');
    expect(() => open.begin()).not.toThrow();
  });
});
