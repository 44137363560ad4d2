import type { Run } from './fleet.ts';
import { spreadOf, type Latencies, type Spread } from './statistics.ts';

export interface ContestantResult {
  readonly label: string;
  readonly contestant: string;
  readonly connections: number;
  /** In the order of the rounds. */
  readonly runs: readonly Run[];
}

export interface TableCount { readonly table: string; readonly acknowledged: number; readonly counted: number }

/** Contestants that take turns: the subject beside its peers. */
export interface RateRow {
  readonly kind: 'rate';
  readonly unit: 'events/s' | 'requests/s';
  readonly key: string;
  readonly title: string;
  readonly callers: number;
  readonly processes: number;
  readonly payload: string;
  readonly meanBytes: number;
  readonly measureMs: number;
  /** Rounds at the end that make the ratio. */
  readonly roundsOfRatio: number;
  readonly subject: ContestantResult;
  readonly peers: readonly (ContestantResult & { readonly toReach: number | null })[];
  /** Every table after the last run: as many rows as were acknowledged. */
  readonly counts: readonly TableCount[];
}

/** How much slower than the same at fewer events. */
export interface Growth { readonly over: string; readonly p50: number; readonly p99: number; readonly p99AtMost: number | null }

export interface LatencyLine extends Latencies {
  readonly label: string;
  readonly slowest: readonly { readonly ms: number; readonly path: string }[];
  readonly p99MsAtMost: number | null;
  readonly growths: readonly Growth[];
}

/** One kind of request at several sizes of the log, or several kinds at one. */
export interface LatencyRow {
  readonly kind: 'latency';
  readonly key: string;
  readonly title: string;
  readonly lines: readonly LatencyLine[];
}

export type Aim = { readonly atMost: number } | { readonly atLeast: number };

export interface Figure { readonly label: string; readonly value: number; readonly unit: string; readonly aim: Aim | null }

/** Figures of one thing that was done once, with everything that they come from. */
export interface FigureRow {
  readonly kind: 'figures';
  readonly key: string;
  readonly title: string;
  readonly figures: readonly Figure[];
  readonly raw: unknown;
}

export type RowResult = RateRow | LatencyRow | FigureRow;

export interface BenchResult {
  readonly bench: 'rectrail.bench/2';
  readonly mode: string;
  readonly startedAt: string;
  readonly minutes: number;
  readonly commit: string;
  /** Files that differ from the commit. */
  readonly changedFiles: number;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, string>>;
  readonly loadBefore: readonly number[];
  readonly loadAfter: readonly number[];
  /** In the order of their ends; those of an interrupted run are what it had measured. */
  readonly rows: readonly RowResult[];
  /** Rows that could not be measured, and why. */
  readonly failures: readonly { readonly key: string; readonly error: string }[];
}

export interface Ratio extends Spread { readonly toReach: number | null; readonly met: boolean | null }

/** Subject over peer, each run beside the one of the same round, since the machine drifts. */
export const ratioTo = (row: RateRow, peer: RateRow['peers'][number]): Ratio => {
  const perRound = row.subject.runs.map((run, round) => run.rate / (peer.runs[round]?.rate ?? Number.NaN));
  const ratio = spreadOf(perRound.slice(-row.roundsOfRatio));
  return { ...ratio, toReach: peer.toReach, met: peer.toReach === null ? null : ratio.median >= peer.toReach };
};

export const isMet = (value: number, aim: Aim): boolean => ('atMost' in aim ? value <= aim.atMost : value >= aim.atLeast);

export const rounded = (value: number): string => Math.round(value).toLocaleString('en');
/** Two digits, or all before the point. */
export const short = (value: number): string => (value >= 99.5 ? rounded(value) : value.toPrecision(2));

interface AimReached { readonly what: string; readonly met: boolean }

const rateAims = (row: RateRow): readonly AimReached[] => row.peers.flatMap((peer) => {
  const { met, median, toReach } = ratioTo(row, peer);
  return met === null ? [] : [{ what: `${row.title}: ${short(median)} × ${peer.label}, to reach ${toReach ?? ''} ×`, met }];
});

const latencyAims = (row: LatencyRow): readonly AimReached[] => row.lines.flatMap(({ label, p99Ms, p99MsAtMost, growths }) => [
  ...(p99MsAtMost === null ? [] : [{ what: `${row.title}, ${label}: p99 ${short(p99Ms)} ms, at most ${p99MsAtMost} ms`, met: p99Ms <= p99MsAtMost }]),
  ...growths.flatMap(({ over, p99, p99AtMost }) =>
    (p99AtMost === null ? [] : [{ what: `${row.title}, ${label}: p99 ${p99.toFixed(2)} × that at ${over}, at most ${p99AtMost} ×`, met: p99 <= p99AtMost }])),
]);

export const aimText = (aim: Aim): string => ('atMost' in aim ? `at most ${aim.atMost.toLocaleString('en')}` : `at least ${aim.atLeast.toLocaleString('en')}`);

const figureAims = (row: FigureRow): readonly AimReached[] => row.figures.flatMap(({ label, value, unit, aim }) =>
  (aim === null ? [] : [{ what: `${row.title}, ${label}: ${short(value)} ${unit}, ${aimText(aim)}`, met: isMet(value, aim) }]));

const aimsOf = (row: RowResult): readonly AimReached[] => {
  switch (row.kind) {
    case 'rate': return rateAims(row);
    case 'latency': return latencyAims(row);
    case 'figures': return figureAims(row);
  }
};

export const summary = (rows: readonly RowResult[]): string => {
  const aims = rows.flatMap(aimsOf);
  const missed = aims.filter((aim) => !aim.met);
  return [`${aims.length - missed.length} of ${aims.length} aims are met.`, ...missed.map((aim) => `Not met: ${aim.what}`)].join('\n');
};
