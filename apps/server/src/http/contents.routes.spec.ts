// Goal: contents leave in answers that nobody needs much memory for, and none is left out. Method: a log in memory of long and short events, read answer by answer.
import { describe, expect, it } from '@jest/globals';
import { MemoryEventStore } from '@rectrail/event-store';
import { freshStream, requestOf } from '@rectrail/event-store/testing';
import { position, type Instant } from '@rectrail/kernel';
import { linesBehind, type ContentsRoutesOptions } from './contents.routes.ts';

describe('the contents of a log', () => {
  it('come in answers of some bytes, each at least a page, and together are all', async () => {
    const store = new MemoryEventStore({ now: () => '2026-01-01T00:00:00.000Z' as Instant });
    const says = Array.from({ length: 40 }, (_, n) => `${n} ${'x'.repeat(n % 3 === 0 ? 2_000 : 10)}`);
    await store.append(requestOf([{ stream: freshStream(), says }]));
    // As an adapter whose pages are short.
    const paged: ContentsRoutesOptions['store'] = {
      identity: () => store.identity(), head: () => store.head(), readAll: (options) => store.readAll({ ...options, limit: Math.min(options?.limit ?? 4, 4) }),
    };
    const answers: string[] = [];
    for (let at = 0; at < says.length; at = answers.join('').split('\n').length - 1) {
      answers.push((await Array.fromAsync(linesBehind({ store: paged, answerBytesMax: 5_000 }, position(at), position(says.length), () => true))).join(''));
    }
    expect(answers.length).toBeGreaterThan(2);
    for (const answer of answers) expect(Buffer.byteLength(answer)).toBeLessThan(5_000 + 4 * 2_700);
    expect([...answers.join('').matchAll(/"text":"(\d+) /g)].map(([, n]) => Number(n))).toEqual(says.map((_, n) => n));
  });
});
