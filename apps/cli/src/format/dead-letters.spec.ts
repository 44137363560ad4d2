import { describe, expect, it } from '@jest/globals';
import type { DeadLetterDetail } from '../answers.ts';
import { deadLettersText, deadLetterText, replayQuestion } from './dead-letters.ts';

// Goal: an operator sees what came, why it was put aside, and in whose name a replay acts. Method: one letter in both languages.
const letter: DeadLetterDetail = {
  id: '0-17', at: '2026-11-22 21:00', reason: 'validation-failed', detail: 'the header idempotency-key …', topic: 'rectrail.commands', partition: 3, offset: '99', key: 'issues/1', bytes: 21, canReplay: true,
  replayedAt: null, headers: { 'correlation-id': 'c-1' }, value: '{"path":"/issues"}',
};

describe('dead letters', () => {
  it('are listed, with the way to the next page', () => {
    const text = deadLettersText('en', { items: [letter], nextCursor: '0-17' });
    for (const part of ['0-17', 'validation-failed', 'rectrail.commands 3-99', '--cursor 0-17']) expect(text).toContain(part);
    expect(deadLettersText('zh', { items: [], nextCursor: null })).toBe('没有死信');
  });

  it('are shown with headers and value, or with the word that it was not kept', () => {
    expect(deadLetterText('en', letter)).toContain('correlation-id: c-1\n\n{"path":"/issues"}');
    expect(deadLetterText('zh', { ...letter, value: null, replayedAt: '2026-11-22 22:00' })).toMatch(/重放时间：2026-11-22 22:00[^]*（未保留内容）/);
  });

  it('are replayed only after the question in whose name', () => {
    expect(replayQuestion('zh', letter)).toMatch(/"path"[^]*您的身份/);
    expect(replayQuestion('en', letter)).toMatch(/"path"[^]*as you/);
  });
});
