// Goal: readers of Chinese and of English get amounts, instants, tables and refusals as they write them, exact and aligned.
// Method: examples at the edges of each form.
import { describe, expect, it } from '@jest/globals';
import { discrepanciesText } from './discrepancies.ts';
import { comparison, dashboardText, sumText } from './figures.ts';
import { amount, fenOf, label, languageOf } from './language.ts';
import { localInstants } from './local-instants.ts';
import { problemText } from './problem.ts';
import { progressLine, rebuildProgress } from './progress.ts';
import { projectionsText } from './projections.ts';
import { table } from './table.ts';

describe('amounts', () => {
  it.each([
    ['0', '0元', 'CNY 0'], ['1', '0.01元', 'CNY 0.01'], ['276000', '2,760元', 'CNY 2,760'], ['99999999', '99.999999万元', 'CNY 999,999.99'], ['5717000', '5.717万元', 'CNY 57,170'],
    ['999999', '9,999.99元', 'CNY 9,999.99'], ['1000000', '1万元', 'CNY 10,000'], ['25000000000000', '25,000,000万元', 'CNY 250,000,000,000'],
  ])('%s fen', (fen, zh, en) => {
    expect([amount('zh', fen), amount('en', fen)]).toEqual([zh, en]);
  });

  it.each([
    ['50000', '5000000'], ['5万元', '5000000'], ['1.2亿', '12000000000'], ['0.01', '1'], ['1,234.5元', '123450'], ['0.001', null], ['万元', null], ['-5', null], ['5.00001万元', '5000010'], ['5.0000001万', null],
  ])('read %s', (text, fen) => { expect(fenOf(text)).toBe(fen); });

  it('counts unknown amounts beside the sum', () => {
    expect([sumText('zh', { fen: '5441000', unknownAmounts: 2 }), sumText('en', { fen: '0', unknownAmounts: 0 })]).toEqual(['5.441万元 + 2笔金额不详', 'CNY 0']);
  });
});

describe('language', () => {
  it.each([[{ LANG: 'zh_CN.UTF-8' }, 'zh'], [{ LANG: 'zh_CN.UTF-8', LC_ALL: 'en_GB.UTF-8' }, 'en'], [{}, 'en']])('of %j is %s', (env, language) => {
    expect(languageOf(env)).toBe(language);
  });

  it('names values, and lets unknown ones stand for themselves', () => {
    expect([label('zh', 'BASICALLY_DONE'), label('en', 'OVERDUE'), label('zh', 'SOMETHING_NEW')]).toEqual(['基本完成', 'overdue', 'SOMETHING_NEW']);
  });
});

it('instants are shown on the wall clock of the zone, all else as it is', () => {
  const answer = { cut: { knownAt: '2022-04-29T15:59:59.999Z', validAt: '2022-02-28', atPosition: 7 }, items: [{ at: '2025-07-06T16:00:00.000Z', none: null }] };
  expect(localInstants(answer, 'Asia/Shanghai')).toEqual({ cut: { knownAt: '2022-04-29 23:59:59', validAt: '2022-02-28', atPosition: 7 }, items: [{ at: '2025-07-07 00:00:00', none: null }] });
});

it('columns align by the width of East-Asian characters, numbers to the right', () => {
  expect(table(['单位', 'n'], [['甲', 5], ['乙丙丁', 100], ['x', null]])).toBe('单位      n\n甲        5\n乙丙丁  100\nx');
});

describe('refusals', () => {
  const problem = {
    title: 'The ledger has faults', titleZh: '台账内容有误', status: 422, detail: '1 fault', code: 'ledger-invalid', errors: [{ line: 7, key: 'i2', pointer: '/title', code: 'invalid-value', detail: 'too short' }],
  };

  it('say title, detail and every place', () => {
    expect(problemText(problem, 'zh')).toBe('台账内容有误 [ledger-invalid]\n1 fault\n  第7行 i2 /title：too short [invalid-value]');
    expect(problemText({ ...problem, errors: [{ parameter: 'validAt', detail: 'no day' }] }, 'en')).toBe('The ledger has faults [ledger-invalid]\n1 fault\n  ?validAt: no day');
  });

  it('list the facts that stand in the way', () => {
    expect(problemText({ ...problem, errors: [], events: [{ type: 'IssueAccepted', stream: 'issue-1', eventId: 'e' }] }, 'en')).toContain('\n  IssueAccepted issue-1 e');
  });
});

describe('progress', () => {
  const run = (isTTY: boolean): string => {
    let written = '';
    const line = progressLine({ isTTY, write: (text) => { written += text; } }, 'en', 'f');
    line.show({ phase: 'planning', done: 0, total: 10 });
    line.show({ phase: 'planning', done: 5, total: 10 });
    line.show({ phase: 'appending', done: 1, total: 10 });
    line.clear();
    return written;
  };

  it('is one line that is written over on a terminal', () => {
    expect(run(true)).toBe('\r\u001B[2Kf planning 0/10\r\u001B[2Kf planning 5/10\r\u001B[2Kf appending 1/10\r\u001B[2K');
  });

  it('is one line a phase elsewhere', () => {
    expect(run(false)).toBe('f planning 0/10\nf appending 1/10\n');
  });
});

describe('a rebuild', () => {
  const build = { name: 'registers', phase: 'bulk', position: 250, target: 1_000, eventsPerSecond: 10, running: true, paused: false, failure: null } as const;
  const shown = (language: 'zh' | 'en', change: object): string => {
    let written = '';
    rebuildProgress({ write: (text) => { written += text; } }, language).show({ ...build, ...change });
    return written.trimEnd();
  };

  it.each([
    [{}, 'registers  loading  25 %  250/1000  10 events/s  left 1:15', 'registers  批量装载  25 %  250/1000  10 条/秒  剩余 1:15'],
    [{ eventsPerSecond: null }, 'registers  loading  25 %  250/1000', 'registers  批量装载  25 %  250/1000'],
    [{ phase: 'catching-up', position: 1_200 }, 'registers  catching up  100 %  1200/1000  10 events/s  left 0:00', 'registers  追赶  100 %  1200/1000  10 条/秒  剩余 0:00'],
    [{ phase: 'indexes' }, 'registers  indexing', 'registers  建索引'],
    [{ running: false, eventsPerSecond: null }, 'registers  interrupted  25 %  250/1000', 'registers  已中断  25 %  250/1000'],
  ])('%j shows how far it is', (change, en, zh) => {
    expect(shown('en', change)).toBe(en);
    expect(shown('zh', change)).toBe(zh);
  });

  const view = { name: 'registers', version: 1, state: 'running', position: 250, lagEvents: 3, lagSeconds: 0.4, failure: null, build: null, swappedAt: null, skips: [] } as const;
  const failure = { position: 251, reason: '日期无效' };

  it('and its projection are told with what stopped them and what is left out', () => {
    const items = [
      { ...view, name: 'events', swappedAt: '2026-01-05 10:00:00', build: { ...build, name: 'events', failure, running: false }, skips: [{ position: 7, reason: '旧系统误写', skippedBy: 's-1', skippedAt: '2026-01-04 10:00:00' }] },
      { ...view, state: 'stopped' as const, failure, build: { ...build, running: false, paused: true } },
    ];
    const en = projectionsText('en', { headPosition: 253, items });
    expect(en).toMatch(/^events +running +1 +250 +3 +0 +stopped 25 % +2026-01-05 10:00:00$/m);
    expect(en).toMatch(/^registers +stopped +1 +250 +3 +0 +paused 25 %$/m);
    expect(en).toContain('\nthe rebuild of events stopped at position 251: 日期无效\nregisters stopped at position 251: 日期无效\n');
    expect(en).toMatch(/^events +7 +s-1 +2026-01-04 10:00:00 +旧系统误写$/m);
    const zh = projectionsText('zh', { headPosition: 253, items });
    expect(zh).toMatch(/^registers +已停止 +1 +250 +3 +0 +已暂停 25 %$/m);
    expect(zh).toContain('\nevents 的重建停在位置 251：日期无效\nregisters 停在位置 251：日期无效\n');
  });
});

describe('discrepancies', () => {
  const item = { key: 'k', kind: 'noted', declared: '4', found: null, difference: null, note: 'temporal: 材料早于巡察', explanation: null };
  const shown = (language: 'zh' | 'en', change: object): string =>
    discrepanciesText(language, { reportId: 'r', title: '通报', asOf: '2022-04-29' }, { cut: { validAt: '2022-04-29', knownAt: '2022-04-29 10:00:00', atPosition: 9 }, items: [{ ...item, ...change }] }).split('\n').at(-1)!;

  it.each([
    [{}, /^k +表述矛盾（时间矛盾） +4 +材料早于巡察$/, /^k +noted \(dates\) +4 +材料早于巡察$/],
    [{ note: 'own_kind: 甲: 乙' }, /^k +表述矛盾（own_kind） +4 +甲: 乙$/, /^k +noted \(own_kind\) +4 +甲: 乙$/],
    [{ note: '没有类别' }, /^k +表述矛盾 +4 +没有类别$/, /^k +noted +4 +没有类别$/],
    [{ kind: 'unverifiable', note: '62 × NOT_DISCLOSED' }, /无法核对 +4 +62条未公开$/, /unverifiable +4 +62 × not disclosed$/],
    [{ kind: 'rate', note: '92/96 (measure) = 95.8%' }, /92\/96（按措施） = 95.8%$/, /92\/96 \(by measures\) = 95.8%$/],
    [{ explanation: '已作说明' }, /表述矛盾（时间矛盾） +4 +已作说明$/, /noted \(dates\) +4 +已作说明$/],
  ])('%j in the words of the reader', (change, zh, en) => {
    expect(shown('zh', change)).toMatch(zh);
    expect(shown('en', change)).toMatch(en);
  });
});

describe('dashboards', () => {
  const count = (n: number, undetermined = 0) => ({ count: n, undetermined });
  const dashboard = {
    org: { orgId: 'o', code: 'A', name: '甲局' }, cut: { validAt: '2022-02-28', knownAt: '2022-04-29 23:59:59', atPosition: 9 }, assumptions: { calendarYears: [2030] },
    figures: {
      issues: { total: 3, byState: { FED_BACK: count(2), IN_PROGRESS: count(0, 1), PHASED: count(0) }, byBucket: { open: count(3) }, byDeadline: { OVERDUE: count(1) } },
      measures: { total: 10, shared: 1, byState: {} },
      funds: { recovered: { fen: '100', unknownAmounts: 0 }, returned: { fen: '0', unknownAmounts: 0 } },
      declared: [{ key: 'issues.total', basis: 'issue', value: '4', unit: '个' }],
    },
  };

  it('show the cut, what is undetermined, and leave zeros out', () => {
    const text = dashboardText('zh', dashboard);
    expect(text).toContain('截至 2022-02-28 的情况（以 2022-04-29 已掌握的信息为准，日志位置 9）');
    expect(text).toMatch(/整改中 +0 +1/);
    expect(text).not.toContain('阶段性完成');
    expect(text).toMatch(/issues\.total +4 个/);
    expect(text).toContain('2030');
  });

  it('stand side by side, a line each', () => {
    expect(comparison('en', [dashboard]).split('\n')[1]).toMatch(/^甲局 +2022-02-28 +2022-04-29 +3 +fed back 2, in progress 0 \(\+1 undetermined\) +open 3 +1 +CNY 1$/);
    expect(comparison('zh', [dashboard])).toContain('已反馈 2，整改中 0（另1待定）');
  });
});
