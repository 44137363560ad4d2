import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { about, load, writeDocs, writeRaw } from './about.ts';
import { auditRows } from './audit/rows.ts';
import { closeFeeds, feedRows } from './feeds/rows.ts';
import { markdown } from './markdown.ts';
import { measureRow, type MeasureOptions } from './measure.ts';
import { killProcesses } from './process.ts';
import { durationText } from './progress.ts';
import { summary, type BenchResult, type RowResult } from './results.ts';
import { grownPlans, rowPlans, type RowPlan } from './rows.ts';
import { Datasets } from './scale/datasets.ts';
import { scaleRows, type BenchRow } from './scale/rows.ts';
import { Servers } from './scale/server-process.ts';
import { plansOf, writtenPlans, type ScaleOptions, type Stage } from './scale/stage.ts';
import { startBenchServer } from './server.ts';
import { tableHeads, tableLines, type Cells } from './tables.ts';

const help = `npm run bench [-- OPTION…]    the event store beside its peers, and reads over time at scale, on an embedded PostgreSQL

  (none)        histories of 100,000 and 1,000,000 events: less than 20 minutes on two quiet cores
  --long        also 10,000,000 events; more rounds, a snapshot of 10 minutes: about two hours, 60 GB of disk
  --quick       small histories and one short round, for development; its figures mean nothing
  --events LIST sizes of the histories instead, each ten times the one before: 100000,1000000,10000000
  --write NAME  writes docs/reference/NAME.json and .md of whatever was measured
  --data DIR    keeps the histories and their read models in DIR for the next time; default a temporary directory
  --only KEY    the row of that key, or those whose key contains it; may be given several times
                The rows about Kafka need Java and, once, Maven; without them they say so.
  --list        prints the keys
  --render FILE prints the Markdown of a result

Every run writes bench-out/<time>.json, row by row as they are measured; a whole run of the first two kinds also docs/reference/benchmarks.json and .md.`;

type Mode = 'default' | 'long' | 'quick';
const modes: Record<Mode, { readonly store: MeasureOptions & { readonly readEvents: number }; readonly scale: ScaleOptions }> = {
  default: {
    store: { rounds: 3, measureMs: 1_500, snapshotMs: 30_000, readEvents: 300_000 },
    scale: {
      sizes: [100_000, 1_000_000], organisations: 10_000, tailEvents: 300_000,
      calls: { dashboard: 1_000, other: 300, dashboardBesideWriter: 500, otherBesideWriter: 100, warmUp: 50 },
      loadMs: 2_000, rounds: 3, paceMs: 5_000, lastPaceMs: 15_000,
      naive: [{ events: 5_000, organisations: 200, cuts: 40 }, { events: 20_000, organisations: 500, cuts: 8 }],
    },
  },
  long: {
    store: { rounds: 5, measureMs: 5_000, snapshotMs: 600_000, readEvents: 1_000_000 },
    scale: {
      sizes: [100_000, 1_000_000, 10_000_000], organisations: 10_000, tailEvents: 600_000,
      calls: { dashboard: 3_000, other: 1_000, dashboardBesideWriter: 1_000, otherBesideWriter: 300, warmUp: 100 },
      loadMs: 5_000, rounds: 5, paceMs: 10_000, lastPaceMs: 60_000,
      naive: [{ events: 5_000, organisations: 200, cuts: 200 }, { events: 20_000, organisations: 500, cuts: 20 }],
    },
  },
  quick: {
    store: { rounds: 1, measureMs: 500, snapshotMs: 3_000, readEvents: 50_000 },
    scale: {
      sizes: [1_000, 10_000], organisations: 300, tailEvents: 10_000, calls: { dashboard: 60, other: 20, dashboardBesideWriter: 10, otherBesideWriter: 4, warmUp: 4 },
      loadMs: 500, rounds: 1, paceMs: 1_000, lastPaceMs: 1_500, naive: [{ events: 2_000, organisations: 100, cuts: 8 }],
    },
  },
};

/** What a row of the store takes beside its rounds: databases, warm-ups, processes. */
const aroundRoundsSeconds = 8;

const storeRow = (plan: RowPlan, options: MeasureOptions): BenchRow => {
  const roundsMs = (1 + plan.peers.length) * options.rounds * options.measureMs;
  return {
    key: plan.key, title: plan.title, seconds: aroundRoundsSeconds + (plan.snapshotIn === undefined ? roundsMs : Math.max(roundsMs, options.snapshotMs)) / 1_000,
    measure: async (stage) => {
      // A projector would take in what is appended to a history here.
      await stage.servers.only([]);
      return measureRow(stage, plan, options);
    },
  };
};

/** The store beside its peers, histories and reads, the store at those histories. */
const rowsOf = ({ store, scale }: (typeof modes)[Mode]): readonly BenchRow[] => {
  const [large, small] = [writtenPlans(scale).at(-1), plansOf(scale)[0]];
  if (large === undefined || small === undefined) throw new RangeError('no history to compare');
  const [alone, grown] = [rowPlans(store.readEvents), grownPlans(small, large)].map((plans) => plans.map((plan) => storeRow(plan, store)));
  return [...alone ?? [], ...scaleRows(scale), ...feedRows(scale), ...auditRows(store.readEvents, scale), ...grown ?? []];
};

const widths: Readonly<Record<RowResult['kind'], readonly number[]>> = { rate: [20, 32, 14, 20, 16], latency: [38, 14, 10, 10, 48, 20], figures: [64, 20, 20] };
const print = (text: string): void => { process.stdout.write(`${text}\n`); };

const printRow = (row: RowResult): void => {
  const printed = (cells: Cells): string => `  ${cells.slice(1).map((cell, i) => cell.padEnd(widths[row.kind][i] ?? 0)).join(' ')}`.trimEnd();
  print(`\n${row.title}\n${printed(tableHeads[row.kind])}`);
  for (const cells of tableLines(row)) print(printed(cells));
};

/** By what the rows done have taken in relation to what they were thought to take. */
const secondsLeft = (rows: readonly BenchRow[], done: number, tookSeconds: number): number => {
  const sum = (of: readonly BenchRow[]): number => of.reduce((total, { seconds }) => total + seconds, 0);
  const thought = sum(rows.slice(0, done));
  return sum(rows.slice(done)) * (done === 0 ? 1 : tookSeconds / thought);
};

const measureAll = async (rows: readonly BenchRow[], stage: Stage, onRow: (rows: readonly RowResult[], failures: BenchResult['failures']) => void): Promise<void> => {
  const began = performance.now();
  const results: RowResult[] = [];
  const failures: { key: string; error: string }[] = [];
  for (const [i, row] of rows.entries()) {
    const took = (performance.now() - began) / 1_000;
    print(`\n[${i + 1} of ${rows.length}, ${durationText(took)} so far, about ${durationText(secondsLeft(rows, i, took))} left] ${row.key}`);
    try {
      const result = await row.measure(stage);
      printRow(result);
      results.push(result);
    } catch (error) {
      if (interrupted) {
        print('interrupted; bench-out has what was measured before');
        process.exitCode = 130;
        return;
      }
      // What the other rows show does not depend on this one.
      const message = error instanceof Error ? error.message : String(error);
      failures.push({ key: row.key, error: message.split('\n')[0] ?? '' });
      print(`FAILED: ${message}`);
    }
    onRow(results, failures);
  }
};

let interrupted = false;
const interrupt = (): void => {
  interrupted = true;
  killProcesses();
};

interface Run {
  readonly mode: Mode;
  readonly scale: ScaleOptions;
  readonly rows: readonly BenchRow[];
  readonly dataDir: string | undefined;
  /** Of the page that is written; null for none. */
  readonly page: string | null;
}

const bench = async ({ mode, scale, rows, dataDir, page }: Run): Promise<void> => {
  const startedAt = new Date().toISOString();
  const loadBefore = load();
  const server = await startBenchServer(dataDir);
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const servers = new Servers(server.dir);
  try {
    const described = about(server);
    print(Object.entries({ ...described.machine, ...described.versions, ...described.settings }).map(([name, value]) => `${name} ${value}`).join(', '));
    const stage: Stage = { server, datasets: new Datasets(server, described.commit), servers, options: scale };
    let result: BenchResult | undefined;
    await measureAll(rows, stage, (measured, failures) => {
      const minutes = (Date.now() - Date.parse(startedAt)) / 60_000;
      result = { bench: 'rectrail.bench/2', mode, startedAt, minutes, ...described, loadBefore, loadAfter: load(), rows: measured, failures };
      writeRaw(result);
    });
    if (result === undefined) return;
    print(`\n${summary(result.rows)}\n${result.minutes.toFixed(1)} minutes, every run: ${writeRaw(result)}`);
    if (result.failures.length > 0) process.exitCode = 1;
    if (page !== null && !interrupted && (result.failures.length === 0 || page !== wholePage)) print(`Written: ${writeDocs(result, page).join(' and ')}`);
  } finally {
    await closeFeeds();
    await servers.only([]);
    await server.stop();
  }
};

const wholePage = 'benchmarks';

/** @throws Error where it is no list of at least two sizes, each ten times the one before. */
const sizesOf = (list: string): readonly number[] => {
  const sizes = list.split(',').map(Number);
  const isSize = (size: number, i: number): boolean => Number.isSafeInteger(size) && size >= 1_000 && (i === 0 || size === 10 * (sizes[i - 1] ?? 0));
  if (sizes.length < 2 || !sizes.every(isSize)) throw new Error(`--events ${list}: at least two sizes from 1,000 on, each ten times the one before`);
  return sizes;
};

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      long: { type: 'boolean' }, quick: { type: 'boolean' }, data: { type: 'string' }, only: { type: 'string', multiple: true }, list: { type: 'boolean' }, events: { type: 'string' }, write: { type: 'string' }, render: { type: 'string' }, help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) { print(help); return; }
  if (values.render !== undefined) { print(markdown(JSON.parse(readFileSync(values.render, 'utf8')) as BenchResult, wholePage)); return; }
  const mode: Mode = values.quick === true ? 'quick' : values.long === true ? 'long' : 'default';
  const { store, scale: usual } = modes[mode];
  // With the tails of the long run, so that both use the same kept histories.
  const scale = values.events === undefined ? usual : { ...usual, sizes: sizesOf(values.events), tailEvents: modes.long.scale.tailEvents };
  const all = rowsOf({ store, scale });
  const { only } = values;
  const isMeant = (key: string, part: string): boolean => (all.some((row) => row.key === part) ? key === part : key.includes(part));
  const rows = only === undefined ? all : all.filter((row) => only.some((part) => isMeant(row.key, part)));
  if (values.list === true) { print(rows.map((row) => `${row.key.padEnd(26)} ${row.title}`).join('\n')); return; }
  if (rows.length === 0) throw new Error(`no row is called ${(only ?? []).join(', ')}. Potential solutions: --list shows them`);
  const isWhole = mode !== 'quick' && only === undefined && values.events === undefined;
  await bench({ mode, scale, rows, dataDir: values.data, page: values.write ?? (isWhole ? wholePage : null) });
};

await main();
