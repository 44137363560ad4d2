// Goal: officials read progress in their own words: rates, money, what changed and by which events; a screen is drawn over line by line. Method: examples in both languages.
import { describe, expect, it } from '@jest/globals';
import type { Compare, IssueChange, ReplayFrame, Series } from '../answers.ts';
import { compareText, frameText, ReplayScreen, seriesText } from './over-time.ts';

const cut = { validAt: '2022-04-30', knownAt: '2022-04-30 23:59:59', atPosition: 9 };
const org = { orgId: 'o', code: 'A', name: '甲局' };

describe('a series', () => {
  const series = (every: Series['every'], figures: Series['figures']): Series => ({ cut, org, as: 'then', every, figures });
  const days = ['2022-04-27', '2022-04-28', '2022-04-29', '2022-04-30'];
  const values = { 'issues.total': [0, 0, 21, 21], 'issues.byBucket.complete': [0, 0, 14, 14], 'funds.recovered': ['0', '0', '5717000', '5717000'] };

  it('has the rate of completion and money as officials write them, and leaves out days that repeat the one before', () => {
    const lines = seriesText('zh', series('day', { days, values })).split('\n');
    expect(lines.slice(0, 3)).toEqual(['甲局（A）', '截至 2022-04-30 的情况（以 2022-04-30 已掌握的信息为准，日志位置 9）', '各日以当日已掌握的信息为准']);
    expect(lines.filter((line) => line.startsWith('2022')).map((line) => line.slice(0, 10))).toEqual(['2022-04-27', '2022-04-29', '2022-04-30']);
    expect(lines.find((line) => line.startsWith('2022-04-29'))).toMatch(/^2022-04-29 +21 +14 +5\.717万元 +66\.7% +█{24}$/);
    expect(lines.find((line) => line.startsWith('2022-04-27'))).toMatch(/^2022-04-27 +0 +0 +0元 +—$/);
    expect(lines.at(-1)).toBe('与前一日相同的日子未列出');
  });

  it('by weeks and months has every one', () => {
    expect(seriesText('en', series('month', { days, values })).match(/^2022-/gm)).toHaveLength(4);
  });
});

describe('a comparison', () => {
  const count = (n: number) => ({ count: n, undetermined: 0 });
  const figures = (open: number, done: number, fen: string) => ({
    issues: { total: open + done, byState: { REGISTERED: count(open), WRITTEN_OFF: count(done) }, byBucket: { open: count(open), complete: count(done) }, byDeadline: {} },
    measures: { total: 0, shared: 0, byState: {} }, funds: { recovered: { fen, unknownAmounts: 0 }, returned: { fen: '0', unknownAmounts: 0 } }, declared: [],
  });
  const event = { eventId: 'e', position: 7, commandId: 'c', type: 'IssueWrittenOff', source: null, retraction: null, title: { zh: '销号', en: 'The issue was written off' }, validTime: null };
  const change = (changes: Partial<IssueChange>): IssueChange => ({
    orgCode: 'A', orgName: '甲局', numberPath: ['一、', '1.'], title: '资金管理不严', changed: ['state', 'bucket'], causes: ['events'],
    before: { exists: true, state: 'REGISTERED', bucket: 'open', condition: 'ON_TRACK', due: '2022-06-30' }, after: { exists: true, state: 'WRITTEN_OFF', bucket: 'complete', condition: 'DONE_IN_TIME', due: null },
    events: [{ ...event, countsAt: 'to' }], ...changes,
  });
  const compare = (items: readonly IssueChange[]): Compare => ({
    cut, org, from: { cut: { ...cut, validAt: '2022-03-31' }, figures: figures(2, 0, '5717000') }, to: { cut, figures: figures(1, 1, '0') }, difference: figures(-1, 1, '-5717000'), items, nextCursor: null,
  });

  it('says what became of an issue in one word, from what to what, why, and by which events', () => {
    const text = compareText('zh', compare([change({})]));
    expect(text).toContain('[已销号] 甲局 一、1. 资金管理不严\n  已认领，未到期，2022-06-30 → 已销号，按期完成（有新的记录）\n    + #7 IssueWrittenOff 销号');
    expect(text).toMatch(/^追回 +5\.717万元 +0元 +−5\.717万元$/m);
    expect(compareText('en', compare([change({})]))).toMatch(/^by bucket +open +2 +1 +−1$/m);
  });

  it.each([
    [{ before: { exists: false } }, '[新增]'], [{ after: { exists: false }, events: [{ ...event, countsAt: 'from' }] }, '[不再计入]'],
    [{ changed: ['condition'], after: { exists: true, state: 'REGISTERED', bucket: 'open', condition: 'OVERDUE', due: '2022-06-30' }, causes: ['time'], events: [] }, '[已逾期]'],
    [{ changed: ['title'] }, '[变更]'],
  ] as const)('%j is headed by its word', (changes, word) => {
    expect(compareText('zh', compare([change(changes)]))).toContain(`${word} 甲局`);
  });

  it('of equal sides says so', () => { expect(compareText('en', compare([])).endsWith('no issue changed')).toBe(true); });
});

describe('a frame', () => {
  const frame = (day: string): ReplayFrame => ({
    cut: { ...cut, validAt: day }, figures: { 'issues.total': 4, 'issues.byBucket.complete': 1, 'measures.total': 9 }, more: 2,
    headlines: [{ title: { zh: '追回资金', en: 'Money was recovered' }, orgCode: 'A', orgName: '甲局', issue: null, fen: '5717000' }],
  });

  it('is a line with its news below', () => {
    expect(frameText('zh', frame('2022-04-29'))).toBe('2022-04-29  问题 4  问题已完成 1\n    追回资金 甲局 5.717万元\n    … +2');
    expect(frameText('en', frame('2022-04-29'))).toContain('    Money was recovered 甲局 CNY 57,170\n');
  });

  it('on a terminal is drawn over the one before, which keeps the last news', () => {
    let written = '';
    const screen = new ReplayScreen({ write: (text) => { written += text; } }, 'en');
    screen.show('甲局', frame('2022-04-29'));
    const first = written;
    written = '';
    screen.show('甲局', frame('2022-04-30'));
    expect(first.split('\n').length - 1).toBe(12);
    expect(first.startsWith('\r\u001B[2K甲局  2022-04-29\n')).toBe(true);
    expect(first).toContain('██████░░░░░░░░░░░░░░░░░░  completion rate 25.0%');
    expect(written.startsWith('\u001B[12A\r\u001B[2K甲局  2022-04-30\n')).toBe(true);
    expect(written).toContain('2022-04-29  Money was recovered');
  });
});
