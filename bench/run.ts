import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { killFleets } from './fleet.ts';
import { markdown } from './markdown.ts';
import { measureRow, type MeasureOptions } from './measure.ts';
import { summary, tableHead, tableLines, type BenchResult, type RowResult } from './results.ts';
import { rowPlans, type RowPlan, type Sizes } from './rows.ts';
import { startBenchServer, type BenchServer } from './server.ts';

const help = `npm run bench [-- OPTION…]    the event store beside its peers on an embedded PostgreSQL

  (none)        three rounds, a snapshot of 60 s: at most 15 minutes
  --long        five rounds, a snapshot of 10 minutes, a log of 10,000,000 events
  --quick       one short round, for development; its figures mean nothing
  --only KEY    the row of that key, or those whose key contains it; may be given several times
  --list        prints the keys
  --render FILE prints the Markdown of a result

Every run writes bench-out/<time>.json; a whole run of the first two kinds also docs/reference/benchmarks.json and .md.`;

type Mode = 'default' | 'long' | 'quick';
const modes: Record<Mode, MeasureOptions & Sizes> = {
  default: { rounds: 3, measureMs: 2_000, snapshotMs: 60_000, readEvents: 300_000, smallLog: 10_000, largeLog: 1_000_000 },
  long: { rounds: 5, measureMs: 5_000, snapshotMs: 600_000, readEvents: 1_000_000, smallLog: 100_000, largeLog: 10_000_000 },
  quick: { rounds: 1, measureMs: 500, snapshotMs: 3_000, readEvents: 50_000, smallLog: 10_000, largeLog: 50_000 },
};

const widths = [0, 20, 32, 14, 20, 16];
const printed = (cells: readonly string[]): string => `  ${cells.slice(1).map((cell, i) => cell.padEnd(widths[i + 1] ?? 0)).join(' ')}`.trimEnd();
const print = (text: string): void => { process.stdout.write(`${text}\n`); };

const printRow = (row: RowResult): void => {
  print(`\n${row.title}`);
  for (const cells of tableLines(row)) print(printed(cells));
};

const git = (...args: string[]): string => {
  try {
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    // An exported tree has no history; the result says so.
    return '';
  }
};

const versionOf = (name: string): string => {
  const entry = createRequire(import.meta.url).resolve(name);
  const [root] = /^.*node_modules[/\\](@[^/\\]+[/\\])?[^/\\]+/.exec(entry) ?? [''];
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
};

const describeRun = (server: BenchServer): Pick<BenchResult, 'commit' | 'changedFiles' | 'machine' | 'versions' | 'settings'> => {
  const { server_version: postgres = '', ...settings } = server.settings;
  return {
    commit: git('rev-parse', 'HEAD') || 'unknown',
    changedFiles: git('status', '--porcelain').split('\n').filter((text) => text !== '').length,
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), os: `${platform()} ${release()} ${arch()}`,
      disk: server.inMemory ? 'MEMORY (tmpfs): a flush costs nothing, so these figures mean little' : 'disk', flushMs: Number(server.flushMs.toFixed(3)),
    },
    versions: { node: process.versions.node, postgresql: postgres, pg: versionOf('pg'), 'emmett-postgresql': versionOf('@event-driven-io/emmett-postgresql') },
    settings,
  };
};

const load = (): number[] => loadavg().map((value) => Number(value.toFixed(2)));

const write = (result: BenchResult, keep: boolean): void => {
  const json = `${JSON.stringify(result, null, 1)}\n`;
  mkdirSync('bench-out', { recursive: true });
  const file = join('bench-out', `${result.startedAt.replaceAll(':', '-')}.json`);
  writeFileSync(file, json);
  print(`\nEvery run: ${file}`);
  if (!keep) return;
  writeFileSync('docs/reference/benchmarks.json', json);
  writeFileSync('docs/reference/benchmarks.md', markdown(result));
  print('Written: docs/reference/benchmarks.json and docs/reference/benchmarks.md');
};

const bench = async (mode: Mode, plans: readonly RowPlan[], keep: boolean): Promise<void> => {
  const startedAt = new Date().toISOString();
  const loadBefore = load();
  const server = await startBenchServer();
  process.once('SIGINT', killFleets).once('SIGTERM', killFleets);
  try {
    const about = describeRun(server);
    print(`${Object.entries({ ...about.machine, ...about.versions, ...about.settings }).map(([name, value]) => `${name} ${value}`).join(', ')}\n\n${printed(tableHead)}`);
    const rows: RowResult[] = [];
    for (const plan of plans) {
      const row = await measureRow(server, plan, modes[mode]);
      printRow(row);
      rows.push(row);
    }
    const minutes = (Date.now() - Date.parse(startedAt)) / 60_000;
    print(`\n${summary(rows)}\n${minutes.toFixed(1)} minutes`);
    write({ bench: 'rectrail.bench/1', mode, startedAt, minutes, ...about, loadBefore, loadAfter: load(), rows }, keep);
  } finally {
    await server.stop();
  }
};

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: { long: { type: 'boolean' }, quick: { type: 'boolean' }, only: { type: 'string', multiple: true }, list: { type: 'boolean' }, render: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help === true) { print(help); return; }
  if (values.render !== undefined) { print(markdown(JSON.parse(readFileSync(values.render, 'utf8')) as BenchResult)); return; }
  const mode: Mode = values.quick === true ? 'quick' : values.long === true ? 'long' : 'default';
  const all = rowPlans(modes[mode]);
  const { only } = values;
  const isMeant = (key: string, part: string): boolean => (all.some((plan) => plan.key === part) ? key === part : key.includes(part));
  const plans = only === undefined ? all : all.filter((plan) => only.some((part) => isMeant(plan.key, part)));
  if (values.list === true) { print(plans.map((plan) => `${plan.key.padEnd(18)} ${plan.title}`).join('\n')); return; }
  if (plans.length === 0) throw new Error(`no row is called ${(only ?? []).join(', ')}. Potential solutions: --list shows them`);
  await bench(mode, plans, mode !== 'quick' && only === undefined);
};

await main();
