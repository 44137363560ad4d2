import { aimText, isMet, ratioTo, rounded, short, type FigureRow, type LatencyLine, type LatencyRow, type RateRow, type RowResult } from './results.ts';
import type { Run } from './fleet.ts';
import { spreadOf } from './statistics.ts';

/** The cells of one line; the first names the row and is empty on its further lines. */
export type Cells = readonly string[];

export const tableHeads: Readonly<Record<RowResult['kind'], Cells>> = {
  rate: ['row', 'contestant', 'a second, median (range)', 'p50 / p99 ms', 'ratio (range)', 'to reach'],
  latency: ['row', 'at', 'p50 / p99 ms', 'slowest ms', 'requests', 'p50, p99 over fewer events', 'to reach'],
  figures: ['row', 'what', 'measured', 'to reach'],
};

const verdict = (bound: string, met: boolean): string => `${bound} ${met ? 'met' : 'NOT MET'}`;

const rates = (runs: readonly Run[]): string => {
  const { median, min, max } = spreadOf(runs.map((run) => run.rate));
  return `${rounded(median)} (${rounded(min)}–${rounded(max)})`;
};
const latencies = (runs: readonly Run[]): string => `${short(spreadOf(runs.map((r) => r.p50Ms)).median)} / ${short(spreadOf(runs.map((r) => r.p99Ms)).median)}`;

const rateLines = (row: RateRow): readonly Cells[] => [
  [row.title, row.subject.label, rates(row.subject.runs), latencies(row.subject.runs), '', ''],
  ...row.peers.map((peer) => {
    const { median, min, max, toReach, met } = ratioTo(row, peer);
    return ['', peer.label, rates(peer.runs), latencies(peer.runs), `${short(median)} × (${short(min)}–${short(max)})`, toReach === null ? '' : verdict(`≥ ${toReach} ×`, met === true)];
  }),
];

const latencyVerdicts = ({ p99Ms, p99MsAtMost, growths }: LatencyLine): string => [
  ...(p99MsAtMost === null ? [] : [verdict(`p99 ≤ ${p99MsAtMost} ms`, p99Ms <= p99MsAtMost)]),
  ...growths.flatMap(({ p99, p99AtMost }) => (p99AtMost === null ? [] : [verdict(`≤ ${p99AtMost} ×`, p99 <= p99AtMost)])),
].join(', ');

const latencyLines = (row: LatencyRow): readonly Cells[] => row.lines.map((line, i) => [
  i === 0 ? row.title : '', line.label, `${short(line.p50Ms)} / ${short(line.p99Ms)}`, short(line.maxMs), rounded(line.calls),
  line.growths.map(({ over, p50, p99 }) => `${p50.toFixed(2)} ×, ${p99.toFixed(2)} × ${over}`).join('; '), latencyVerdicts(line),
]);

const figureLines = (row: FigureRow): readonly Cells[] => row.figures.map(({ label, value, unit, aim }, i) => [
  i === 0 ? row.title : '', label, `${Number.isInteger(value) ? rounded(value) : short(value)} ${unit}`, aim === null ? '' : verdict(aimText(aim), isMet(value, aim)),
]);

export const tableLines = (row: RowResult): readonly Cells[] => {
  switch (row.kind) {
    case 'rate': return rateLines(row);
    case 'latency': return latencyLines(row);
    case 'figures': return figureLines(row);
  }
};
