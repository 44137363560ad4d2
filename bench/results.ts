import { spreadOf, type Spread } from './statistics.ts';
import type { Run } from './fleet.ts';

export interface ContestantResult {
  readonly label: string;
  readonly contestant: string;
  readonly connections: number;
  /** In the order of the rounds. */
  readonly runs: readonly Run[];
}

export interface TableCount { readonly table: string; readonly acknowledged: number; readonly counted: number }

export interface RowResult {
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

export interface BenchResult {
  readonly bench: 'rectrail.bench/1';
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
  readonly rows: readonly RowResult[];
}

export interface Ratio extends Spread { readonly toReach: number | null; readonly met: boolean | null }

/** Subject over peer, each run beside the one of the same round, since the machine drifts. */
export const ratioTo = (row: RowResult, peer: RowResult['peers'][number]): Ratio => {
  const perRound = row.subject.runs.map((run, round) => run.rate / (peer.runs[round]?.rate ?? Number.NaN));
  const ratio = spreadOf(perRound.slice(-row.roundsOfRatio));
  return { ...ratio, toReach: peer.toReach, met: peer.toReach === null ? null : ratio.median >= peer.toReach };
};

const rate = (value: number): string => Math.round(value).toLocaleString('en');
const short = (value: number): string => (value >= 100 ? rate(value) : value.toPrecision(2));
const rates = (runs: readonly Run[]): string => {
  const { median, min, max } = spreadOf(runs.map((run) => run.rate));
  return `${rate(median)} (${rate(min)}–${rate(max)})`;
};
const latencies = (runs: readonly Run[]): string => `${short(spreadOf(runs.map((r) => r.p50Ms)).median)} / ${short(spreadOf(runs.map((r) => r.p99Ms)).median)}`;

export const tableHead: readonly string[] = ['row', 'contestant', 'events/s, median (range)', 'p50 / p99 ms', 'ratio (range)', 'to reach'];

/** The lines of one row: the subject, then each peer with the ratio to it. */
export const tableLines = (row: RowResult): readonly (readonly string[])[] => [
  [row.title, row.subject.label, rates(row.subject.runs), latencies(row.subject.runs), '', ''],
  ...row.peers.map((peer) => {
    const { median, min, max, toReach, met } = ratioTo(row, peer);
    const verdict = toReach === null ? '' : `≥ ${toReach} × ${met === true ? 'met' : 'NOT MET'}`;
    return ['', peer.label, rates(peer.runs), latencies(peer.runs), `${short(median)} × (${short(min)}–${short(max)})`, verdict];
  }),
];

const aimsOf = (rows: readonly RowResult[]): readonly { readonly what: string; readonly met: boolean }[] =>
  rows.flatMap((row) => row.peers.flatMap((peer) => {
    const { met, median, toReach } = ratioTo(row, peer);
    return met === null ? [] : [{ what: `${row.title}: ${short(median)} × ${peer.label}, to reach ${toReach ?? ''} ×`, met }];
  }));

export const summary = (rows: readonly RowResult[]): string => {
  const aims = aimsOf(rows);
  const missed = aims.filter((aim) => !aim.met);
  return [`${aims.length - missed.length} of ${aims.length} ratios to reach are met.`, ...missed.map((aim) => `Not met: ${aim.what}`)].join('\n');
};
