// Goal: the command line does what its help and the READMEs say, in both languages, and tells wrong use from refusals by its exit code.
// Method: the built binary as a process of its own, against a server with the samples; nothing of the command line is imported.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { noteVerifier, openAnnouncement, openCheckpoint } from '@rectrail/transparency';
import { startTestServer, type Json, type TestServer } from '../support/api.ts';

const root = join(import.meta.dirname, '../..');
const binary = join(root, 'apps/cli/bin/rectrail.mjs');
const samples = ['ningbo-2022', 'liuba-2020', 'heshan-2025'].map((name) => join(root, 'samples', `${name}.ndjson`));
const dir = mkdtempSync(join(tmpdir(), 'rectrail-cli-'));
// Not where a command looks of its own accord.
const dataDir = join(dir, 'server');

interface Ended { readonly code: number | null; readonly out: string; readonly err: string }
/** Without a server's address and token of its own: what the shell of the test says must not count. */
const bare = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(RECTRAIL_|LANG$|LC_|NODE_OPTIONS$)/.test(name)));

const start = (args: readonly string[], env: Record<string, string> = {}) => spawn(process.execPath, [binary, ...args], { cwd: dir, env: { ...bare, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
const spawned = (args: readonly string[], env: Record<string, string> = {}): Promise<Ended> => new Promise((resolve, reject) => {
  const child = start(args, env);
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => { out += text; });
  child.stderr.setEncoding('utf8').on('data', (text: string) => { err += text; });
  child.on('error', reject);
  child.on('close', (code) => { resolve({ code, out, err }); });
});

let server: TestServer;
const rectrail = (...args: readonly string[]): Promise<Ended> => spawned(args, { RECTRAIL_URL: server.url, RECTRAIL_TOKEN: server.token });
const printed = async (...args: readonly string[]): Promise<string> => {
  const { code, out, err } = await rectrail(...args);
  expect([args.join(' '), code, code === 0 ? '' : err]).toEqual([args.join(' '), 0, '']);
  return out;
};
const answered = async (...args: readonly string[]): Promise<Json> => JSON.parse(await printed(...args, '--json'));
const ledgerFile = (name: string, lines: readonly string[]): string => {
  const file = join(dir, name);
  writeFileSync(file, lines.join('\n'));
  return file;
};
const headPosition = async (): Promise<number> => Number((await server.get('/dashboard')).cut.atPosition);

beforeAll(async () => {
  server = await startTestServer({ RECTRAIL_DATA_DIR: dataDir });
  const { code, out } = await rectrail('import', ...samples);
  expect(code).toBe(0);
  expect(out.match(/imported, position \d+\ntake it back: rectrail undo [0-9a-f-]{36}/g)).toHaveLength(3);
  const [, position = ''] = [...out.matchAll(/imported, position (\d+)/g)].at(-1) ?? [];
  await rectrail('dashboard', '--at-least', position);
});
afterAll(async () => {
  await server.close();
  rmSync(dir, { recursive: true, force: true });
});

describe('progress over time', () => {
  const ningbo = ['--org', 'CN-330200-JT'];

  it('prints a series in both languages, with the rate of completion', async () => {
    const zh = await printed('--lang', 'zh', 'series', ...ningbo, '--from', '2022-03-01', '--to', '2022-05-31', '--every', 'month');
    expect(zh).toMatch(/完成率/);
    expect(zh).toMatch(/2022-05-31 .*█/);
    const { figures } = await answered('series', ...ningbo, '--from', '2022-04-28', '--to', '2022-04-29', '--figures', 'issues.total');
    const at = await Promise.all(['2022-04-28', '2022-04-29'].map((day) => answered('dashboard', ...ningbo, '--valid-at', day, '--known-at', day)));
    expect(figures).toEqual({ days: ['2022-04-28', '2022-04-29'], values: { 'issues.total': at.map((answer) => answer.figures.issues.total) } });
  });

  it('compares the day before the report with the day of it', async () => {
    const en = await printed('--lang', 'en', 'compare', ...ningbo, '--from-known-at', '2022-04-28', '--known-at', '2022-04-29', '--limit', '2');
    expect(en).toMatch(/total +0 +\d+ +\+\d+/);
    expect(en).toMatch(/not there → .*\(events/);
    expect(en).toMatch(/\+ #\d+ IssueRegistered/);
  });

  it('replays a range frame by frame', async () => {
    const zh = await printed('--lang', 'zh', 'replay', ...ningbo, '--from', '2022-04-28', '--to', '2022-04-30', '--speed', '366');
    expect(zh.split('\n').filter((line) => /^2022-04-\d\d /.test(line))).toHaveLength(3);
  });

  it('says which figures there are where one is misspelt', async () => {
    const { code, err } = await rectrail('series', '--from', '2022-01-01', '--figures', 'issues.totl');
    expect([code, err]).toEqual([1, expect.stringContaining('issues.total')]);
  });
});

describe('help', () => {
  it.each([
    [[], 'Usage: rectrail'], [['dashboard'], '--valid-at'], [['issues'], '--state'], [['issue'], '<id>'], [['history'], '<id>'], [['timeline'], 'funds-case'], [['lateness'], '--min-days'], [['reminders'], '督办提醒'], [['reminders', 'preview'], '--on'], [['series'], '--every'], [['compare'], '--from-known-at'], [['replay'], '--speed'], [['feed'], '--follow'], [['feed', 'snapshot'], 'digest'], [['deadlines'], '--policy'], [['funds'], '--min-amount'], [['measures'], '--planned-until'], [['organisations'], '--q'], [['discrepancies'], '--org'],
    [['import'], '--dry-run'], [['imports'], 'newest first'], [['undo'], '--with-dependents'], [['token'], 'administrators only'], [['token', 'add'], '--subject'], [['token', 'list'], 'without their text'],
    [['token', 'revoke'], '<id>'], [['projections'], 'administrators only'], [['rebuild'], 'Exit codes'], [['slip'], '销号单'], [['clock', 'confirm'], '--reason'], [['skip'], '--reason'], [['dead-letters', 'list'], 'newest first'], [['dead-letters', 'replay'], '--yes'], [['serve'], 'RECTRAIL_*'], [['demo'], 'sample ledgers'],
  ])('of %j', async (command, text) => {
    const { code, out, err } = await spawned([...command, '--help']);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain(text);
  });
});

describe('the READMEs', () => {
  const lines = ['README.md', 'README.zh-CN.md', 'docs/how-to/show-progress-over-time.md', 'docs/how-to/follow-the-feed.md', 'docs/how-to/reminders.md'].flatMap((name) => readFileSync(join(root, name), 'utf8').split('\n')).filter((line) => line.startsWith('npx rectrail '));

  it('print commands', () => { expect(lines.length).toBeGreaterThanOrEqual(10); });

  it.each(lines.map((line) => [line]))('%s', async (line) => {
    const out = await printed(...(line.replace(/#.*$/, '').trim().split(/\s+/).slice(2)));
    expect(out.trim().split('\n').length).toBeGreaterThan(3);
  });
});

describe('reads', () => {
  const ningbo = ['dashboard', '--org', 'CN-330200-JT', '--valid-at', '2022-02-28', '--known-at', '2022-04-29'];

  it('the dashboard of Ningbo at the end of February 2022, in English', async () => {
    const out = await printed(...ningbo);
    expect(out.replace(/log position \d+/, 'log position N').trimEnd().split('\n')).toEqual([
      '宁波市交通运输局 (CN-330200-JT)',
      'as of 2022-02-28, by what was known on 2022-04-29 (log position N)',
      '',
      '             issues               undetermined',
      'total                         21',
      'by state     fed back          7',
      '             in progress       0             1',
      '             basically done    3             6',
      '             done (reported)  11',
      'by bucket    complete         14             4',
      '             open              7',
      'by deadline  done             14             4',
      '             on track          0             3',
      '             no deadline       7',
      '',
      '          measures          undetermined',
      'total                    0',
      'by state  not disclosed  0            62',
      '',
      'funds',
      'recovered  CNY 0',
      'returned   CNY 0',
    ]);
  });

  it('and of all its report, in Chinese', async () => {
    const out = await printed(...ningbo.with(4, '2022-04-29'), '--lang', 'zh');
    expect(out).toContain('截至 2022-04-29 的情况（以 2022-04-29 已掌握的信息为准，日志位置 ');
    for (const row of [/^合计 +21$/m, /^按状态 +整改中 +1$/m, /^ +基本完成 +9$/m, /^ +已完成（自报） +11$/m, /^按统计口径 +已完成 +18$/m, /^ +未完成 +3$/m, /^issues\.total +21 个$/m, /^rate\.completion +95\.8 %$/m]) expect(out).toMatch(row);
  });

  it('the language of the terminal is that of the answer', async () => {
    const { out } = await spawned(ningbo, { RECTRAIL_URL: server.url, RECTRAIL_TOKEN: server.token, LANG: 'zh_CN.UTF-8' });
    expect(out).toMatch(/^ +问题 +待定$/m);
  });

  it('deadlines, funds and issues', async () => {
    const deadlines = await printed('deadlines', '--lang', 'zh', '--valid-at', '2022-07-01', '--known-at', '2022-06-30');
    expect(deadlines).toMatch(/二、\(一\)2\. .*已逾期 +2022-06-30 +-1/);
    expect(await printed('funds', '--lang', 'zh')).toMatch(/^追回 +5\.717万元 \+ 2笔金额不详$/m);
    const page = await printed('issues', '--limit', '2');
    const [, cursor = ''] = /--cursor (\S+)/.exec(page) ?? [];
    expect((await answered('issues', '--limit', '2', '--cursor', cursor)).items).toHaveLength(2);
  });

  it('an issue and its history', async () => {
    const [item] = (await answered('issues', '--org', 'CN-330200-JT', '--state', 'IN_PROGRESS')).items;
    expect(await printed('issue', item.issueId, '--lang', 'zh')).toMatch(/^原文表述 +还未全面整改完成$/m);
    expect(await printed('history', item.issueId, '--lang', 'zh')).toMatch(/IssueStatusStated/);
  });

  it('notices that are due on a day, none of which is issued by looking', async () => {
    expect(await printed('reminders', 'preview', '--on', '2022-07-15', '--org', 'CN-330200-JT', '--lang', 'zh')).toMatch(/^红灯 .* 2022-06-30 +-15 +organisation$/m);
    expect((await answered('reminders', 'preview', '--on', '2022-07-15', '--limit', '1')).items).toHaveLength(1);
    expect((await answered('reminders', 'list')).items).toEqual([]);
    expect(await printed('reminders', 'preview', '--on', '1990-01-01')).toContain('no notice is due');
    const { code, err } = await rectrail('reminders', 'show', 'nonsense');
    expect([code, err]).toEqual([1, expect.stringContaining('unknown-reminder')]);
  });

  it('timelines of an issue, an inspection and an organisation', async () => {
    const [item] = (await answered('issues', '--org', 'CN-330200-JT', '--state', 'IN_PROGRESS')).items;
    const timeline = await printed('timeline', 'issue', item.issueId, '--lang', 'zh');
    expect(timeline).toMatch(/已反馈.*（或为整改中）/);
    expect(timeline).toMatch(/^→ +整改中 /m);
    expect(await printed('timeline', 'issue', item.issueId)).toMatch(/fed back.*\(possibly in progress\)/);
    expect(await printed('timeline', 'inspection', item.inspectionId)).toMatch(/^→ .*InspectionOpened|FeedbackDelivered/m);
    expect(await printed('timeline', 'organisation', 'CN-330200-JT')).toMatch(/^→ .*\(CN-330200-JT\).*OrgRegistered #/m);
  });

  it('facts that became known late', async () => {
    expect(await printed('lateness', '--lang', 'zh', '--min-days', '31', '--limit', '3')).toMatch(/^31至90天 +\d+$/m);
    const page = await answered('lateness', '--limit', '2');
    expect(page.items).toHaveLength(2);
    expect(page.total).toBe(page.figures.facts);
  });

  it('discrepancies, with the kinds of noted ones in the words of the reader', async () => {
    const zh = await printed('discrepancies', '--lang', 'zh');
    expect(zh).toMatch(/^measures\.total +数目不符 +96 +62 +-34/m);
    expect(zh).toMatch(/^issues\.immediate\.done +数目不符 +2 +3 +1 /m);
    expect(zh).toContain('表述矛盾（时间矛盾）');
    expect(zh).not.toMatch(/[ ](structure|temporal|internal|status_rule|duplicate_fact|soft_arithmetic): /);
    expect(await answered('discrepancies')).toHaveLength(3);
    expect(await printed('discrepancies', '--known-at', '2020-01-01')).toBe('no report is known\n');
  });

  it('a reader that stops early is no failure', async () => {
    const child = start(['issues', '--limit', '100', '--json'], { RECTRAIL_URL: server.url, RECTRAIL_TOKEN: server.token });
    child.stdout.destroy();
    expect(await new Promise((resolve) => { child.on('close', resolve); })).toBe(0);
  });
});

describe('the feed', () => {
  it('is printed in lines, page by page', async () => {
    const zh = await printed('--lang', 'zh', 'feed', '--org', 'CN-330200-JT', '--noun', 'issues', '--limit', '2');
    const [first, second, , more] = zh.trimEnd().split('\n');
    for (const line of [first, second]) expect(line).toMatch(/^#\d+ \d{4}-\d\d-\d\d \d\d:\d\d:\d\d issue\.\S+ .*已反馈$/);
    const [, after = ''] = /续页：--after (\d+)$/.exec(more ?? '') ?? [];
    const page = await answered('feed', '--org', 'CN-330200-JT', '--noun', 'issues', '--limit', '1', '--after', after);
    expect(Number(page.messages[0].sequence)).toBeGreaterThan(Number(after));
  });

  it('is followed, what comes included', async () => {
    const child = start(['feed', '--follow', '--after', '0', '--type', 'rectrail.report.published.v1', '--json'], { RECTRAIL_URL: server.url, RECTRAIL_TOKEN: server.token });
    const titles: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      titles.push(JSON.parse(line).data.state.title);
      if (titles.length === 3) child.kill();
    }
    expect(titles.every((title) => title.length > 0)).toBe(true);
    expect(titles).toHaveLength(3);
  });

  it('has a state at a position, with its digest', async () => {
    const { at, digest } = await server.get('/feed/digest?noun=issues,measures');
    const en = await printed('feed', 'snapshot', '--noun', 'issues,measures', '--at', String(at));
    expect(en).toMatch(/^issues +\d+$/m);
    expect(en.trimEnd().split('\n').at(-1)).toBe(`digest ${digest}`);
    const lines = (await printed('feed', 'snapshot', '--noun', 'issues,measures', '--at', String(at), '--json')).trimEnd().split('\n').map((line): Json => JSON.parse(line));
    expect(lines.at(-1)).toMatchObject({ at, digest });
    expect(lines.slice(0, -1).every(({ noun }) => ['issues', 'measures'].includes(noun))).toBe(true);
    expect((await printed('feed', 'snapshot', '--noun', 'issues', '--list')).split('\n').filter((line) => /^#\d+ issues\//.test(line)).length).toBeGreaterThan(20);
  });
});

describe('wrong use and refusals', () => {
  it.each([
    [['frobnicate'], 2, "unknown command 'frobnicate'"], [['dashboard', '--nope'], 2, "unknown option '--nope'"], [['dashboard', 'extra'], 2, 'too many arguments'], [['history'], 2, "missing required argument 'id'"],
    [['--lang', 'fr', 'dashboard'], 2, 'Allowed choices are zh, en'], [['token', 'add', '--role', 'clerk'], 2, '--subject'], [['undo', 'x'], 2, '--reason'], [[], 2, 'Usage: rectrail'],
    [['dashboard', '--valid-at', '2022-13-01'], 1, '?validAt: no such day'], [['dashboard', '--org', 'NOPE'], 1, 'unknown-organisation'], [['issue', 'nope'], 1, 'unknown-issue'], [['timeline', 'measure', 'nope'], 1, 'unknown-measure'], [['timeline', 'plan', 'x'], 2, 'Allowed choices are issue'],
    [['--zone', 'Mars', 'dashboard'], 1, '--zone is an IANA name'], [['--server', 'nonsense', 'dashboard'], 1, '--server is an address'], [['--token', 'bad', 'dashboard'], 1, 'token-invalid'],
    [['undo', 'x', '--reason', 'y'], 1, 'unknown-import'], [['import', '/does/not/exist'], 1, 'cannot be read'], [['import', binary], 1, 'line 1: '], [['feed', '--after', '999999'], 1, 'position-ahead'], [['feed', '--follow', '--limit', '1'], 2, 'cannot be used with'], [['feed', '--follow', '--noun', 'x'], 1, 'validation-failed'],
  ])('%j ends with %i', async (args, expected, text) => {
    const { code, out, err } = await rectrail(...args);
    expect([code, out]).toEqual([expected, '']);
    expect(err).toContain(text);
    expect(err).not.toMatch(/^ +at /m);
  });

  it.each(['serve', 'demo'])('%s does not take a server that is there already for its own', async (command) => {
    const { code, out, err } = await spawned([command, '--data-dir', join(dir, 'other')], { RECTRAIL_PORT: new URL(server.url).port });
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('is in use already');
  });

  it('no server, and no token, say what to do in both languages', async () => {
    const nowhere = ['--server', 'http://127.0.0.1:1', '--token', 'x', 'dashboard'];
    expect(await spawned(nowhere)).toMatchObject({ code: 1, err: expect.stringMatching(/^no server answers at .*rectrail serve/) });
    expect(await spawned([...nowhere, '--lang', 'zh'])).toMatchObject({ code: 1, err: expect.stringContaining('没有服务应答') });
    expect(await spawned(['dashboard', '--lang', 'zh'])).toMatchObject({ code: 1, err: expect.stringMatching(/^没有令牌：.*admin-token/) });
  });
});

describe('tokens', () => {
  it('are made, shown once, listed and revoked', async () => {
    const token = (await printed('token', 'add', '--org', 'CN-330200-JT', '--role', 'clerk', '--subject', '某科员')).trim();
    const as = (...args: readonly string[]): Promise<Ended> => rectrail('--token', token, ...args);
    expect((await as('dashboard', '--org', 'CN-330200-JT')).code).toBe(0);
    expect(await as('token', 'list')).toMatchObject({ code: 1, err: expect.stringContaining('administrator-only') });
    expect(await as('import', samples[2]!)).toMatchObject({ code: 1, err: expect.stringContaining('outside-jurisdiction') });
    expect(await printed('token', 'list', '--lang', 'zh')).not.toContain(token);
    const made = (await answered('token', 'list')).find((one: Json) => one.subject === '某科员');
    await printed('token', 'revoke', made.id);
    expect(await as('dashboard')).toMatchObject({ code: 1, err: expect.stringContaining('token-invalid') });
  });
});

describe('imports', () => {
  const ledger = (title = '问题一'): string[] => [
    { kind: 'ledger', format: 'rectrail.ledger/1', documentId: 'cli-2025', title: '通报', publishedOn: '2025-05-20', defaults: { organisation: 'CLI', inspection: 'cli/insp' } },
    { kind: 'organisation', key: 'CLI', code: 'CLI', name: '某局', level: 'bureau' },
    { kind: 'inspection', key: 'cli/insp', inspectionKind: 'XUNCHA', title: '巡察', feedback: { on: '2025-01-10' } },
    { kind: 'issue', key: 'cli/1', numberPath: ['1.'], title },
  ].map((row) => JSON.stringify(row));
  const importIdIn = (out: string): string => /rectrail undo (\S+)/.exec(out)?.[1] ?? '';

  it('a dry run tells every row and stores nothing', async () => {
    const before = await headPosition();
    const out = await printed('import', '--dry-run', ledgerFile('dry.ndjson', ledger()));
    expect(out).toMatch(/^ +4 +new +issue +cli\/1$/m);
    expect(out).toMatch(/\(cli-2025\): new 3\ndry run, nothing stored\n$/);
    expect(await headPosition()).toBe(before);
  });

  it('a ledger broken in its last row is refused with line and pointer, and nothing is stored', async () => {
    const before = await headPosition();
    const broken = ledgerFile('broken.ndjson', [...ledger(), JSON.stringify({ kind: 'status', key: 'cli/1/s', issue: 'cli/1', state: 'DONE_REPORTED', on: '2025-02-30' })]);
    const { code, out, err } = await rectrail('import', broken, '--lang', 'zh');
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('[ledger-invalid]');
    expect(err).toContain('  第5行 cli/1/s /on：no such date');
    expect(await headPosition()).toBe(before);
  });

  it('the same file twice, a changed row, undo, and the file once more', async () => {
    const file = ledgerFile('cli.ndjson', ledger());
    await printed('import', file);
    expect(await printed('import', file)).toContain('unchanged 3\nnothing new: no event was written');
    const second = importIdIn(await printed('import', ledgerFile('changed.ndjson', ledger('问题一（更正）'))));
    expect(await printed('undo', second, '--reason', '误改', '--lang', 'zh')).toMatch(/^已撤回 \d+ 条事实，日志位置 \d+\n$/);
    expect(await rectrail('undo', second, '--reason', '误改')).toMatchObject({ code: 1, err: expect.stringContaining('import-undone') });
    expect(await printed('import', '--complete', file)).toContain('unchanged 3');
    expect(await printed('import', '--complete', ledgerFile('shorter.ndjson', ledger().slice(0, 3)))).toContain('unchanged 2, removed 1');
    expect(await printed('imports', '--lang', 'zh')).toMatch(/cli-2025 +通报 +2025-05-20 +3 +是/);
  });

  it('an undo is refused while others build on it, and takes them along on demand', async () => {
    const first = importIdIn(await printed('import', ledgerFile('again.ndjson', ledger())));
    const [issue] = (await answered('issues', '--org', 'CLI', '--at-least', String(await headPosition()))).items;
    const version = (await server.call('GET', `/issues/${issue.issueId}`)).headers.get('etag') ?? '';
    expect((await server.call('POST', `/issues/${issue.issueId}/accept`, { body: {}, headers: { 'If-Match': version } })).status).toBe(200);
    const { code, err } = await rectrail('undo', first, '--reason', '误导入');
    expect(code).toBe(1);
    expect(err).toMatch(/\[built-upon\][\s\S]*IssueAccepted/);
    expect(await printed('undo', first, '--reason', '误导入', '--with-dependents')).toMatch(/facts retracted, 1 of them built upon the import/);
  });
});

describe('the clock of the log', () => {
  it('is shown in both languages, and taken for right by an administrator who says why', async () => {
    expect(await answered('clock', 'show')).toMatchObject({ state: 'steady', aheadSeconds: 0 });
    expect(await printed('--lang', 'zh', 'clock', 'show')).toMatch(/数据库时钟正常：20\d\d-/);
    const { code, err } = await rectrail('--lang', 'zh', 'clock', 'confirm', '--reason', '主机休眠后恢复');
    expect([code, err.trim()]).toEqual([1, '记录的时间永久保留：请用 --yes 确认时钟无误']);
    expect(await answered('clock', 'confirm', '--yes', '--reason', '主机休眠后恢复')).toMatchObject({ state: 'steady' });
  });
});

describe('the key of the log', () => {
  const logKey = async (command: string): Promise<string> => (await printed('--data-dir', dataDir, 'log-key', command)).split('\n')[0]!;
  const plain = async (path: string): Promise<string> => String((await server.call('GET', path)).body);
  /** The first checkpoint of more than the events that are there now. */
  const signedAfterwards = async (): Promise<string> => {
    const { headPosition: head } = (await server.call('GET', '/health')).body;
    await server.post('/organisations', { code: `KEY-${head}`, name: '某局', level: 'bureau', parent: null });
    for (;;) {
      const note = await plain('/log/checkpoint');
      if (Number(note.split('\n')[1]) > head) return note;
      await sleep(20);
    }
  };

  it('is followed by the next, which it announces and which then signs alone', async () => {
    const former = (await plain('/log/keys')).trim();
    const { name: origin } = noteVerifier(former);
    const missing = await rectrail('--data-dir', dataDir, '--lang', 'zh', 'log-key', 'retire');
    expect([missing.code, missing.err]).toEqual([1, expect.stringContaining('请先运行 rectrail log-key rotate')]);
    const next = await logKey('rotate');
    expect((await rectrail('--data-dir', dataDir, 'log-key', 'rotate')).code).toBe(1);
    await server.restart();
    const both = await signedAfterwards();
    for (const key of [former, next]) expect(openCheckpoint(both, { origin, log: [noteVerifier(key)] }).origin).toBe(origin);
    expect(openAnnouncement(await plain('/log/key-announcements'), origin, [noteVerifier(former)])).toBe(next);
    expect(await logKey('retire')).toBe(next);
    await server.restart();
    const alone = await signedAfterwards();
    expect(openCheckpoint(alone, { origin, log: [noteVerifier(next)] }).origin).toBe(origin);
    expect(() => openCheckpoint(alone, { origin, log: [noteVerifier(former)] })).toThrow();
  });
});
