// Goal: messages and snapshots are told so that people find the subject and how it stands. Method: lines for both languages.
import { describe, expect, it } from '@jest/globals';
import type { FeedMessage } from '../answers.ts';
import { feedText, messageText, snapshotText, subjectText } from './feed.ts';

const state = { numberPath: ['二、', '(一)', '3.'], title: '专项资金管理不严', state: 'BASICALLY_DONE', shownState: 'NOT_DISCLOSED' };
const message: FeedMessage = {
  source: 'urn:rectrail:log:1', type: 'rectrail.issue.accepted.v1', subject: 'issues/0198', sequence: '0000000000004711', recordedtime: '2026-06-20 11:12:45',
  data: { change: { name: 'accepted', on: { first: '2026-06-20', last: '2026-06-20', printed: '6月20日' } }, state },
};

describe('the feed', () => {
  it('has a line a message, which shows what may be shown', () => {
    expect(messageText('zh', message)).toBe('#4711 2026-06-20 11:12:45 issue.accepted 6月20日 二、(一)3. 专项资金管理不严 未公开');
  });

  it('names by its path what is gone, and what has no name', () => {
    const gone: FeedMessage = { ...message, type: 'rectrail.issue.retracted.v1', data: { change: { name: 'retracted', on: null }, state: null } };
    expect(messageText('en', gone)).toBe('#4711 2026-06-20 11:12:45 issue.retracted issues/0198 —');
    expect(messageText('en', { ...message, data: { ...message.data, state: {} } })).toBe('#4711 2026-06-20 11:12:45 issue.accepted 6月20日 issues/0198');
  });

  it('says how to go on, and where there is nothing', () => {
    expect(feedText('en', { messages: [message], scannedTo: 4711, head: 4712 }).split('\n').at(-1)).toBe('there is more: --after 4711');
    expect(feedText('zh', { messages: [], scannedTo: 4712, head: 4712 })).toBe('没有消息');
  });
});

describe('a snapshot', () => {
  it('counts its subjects, and lists them on demand', () => {
    expect(snapshotText('en', { at: 9, digest: 'abc', subjects: new Map([['measures', 12_000], ['issues', 1]]) })).toBe('position 9\n\nkind      subjects\nissues    1\nmeasures  12,000\n\ndigest abc');
    expect(subjectText('zh', { subject: 'issues/0198', noun: 'issues', sequence: message.sequence, state })).toBe('#4711 issues/0198 二、(一)3. 专项资金管理不严 未公开');
  });
});
