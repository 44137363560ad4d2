import type { ContestantName } from './contestants/contestant.ts';
import type { PayloadName } from './payloads.ts';
import { eventsLabel, type DatasetPlan } from './scale/datasets.ts';

export type DatabaseName = 'a' | 'b';

export interface ContestantPlan {
  readonly label: string;
  readonly contestant: ContestantName;
  /** Default: as many as callers. */
  readonly connections?: number;
  /** Contestants of a row share database `a` unless one must not see the other's doings. */
  readonly database?: DatabaseName;
  /** Events appended in bulk before anything is measured, by the store. */
  readonly filled?: number;
  /** The history whose log is there before, with streams that are drawn from it; default an empty one. */
  readonly on?: DatasetPlan;
  /** The row's ratio to reach, subject over this one. */
  readonly toReach?: number;
}

/** One line of the table: the subject beside its peers. */
export interface RowPlan {
  readonly key: string;
  readonly title: string;
  readonly callers: number;
  readonly processes: number;
  readonly payload: PayloadName;
  readonly streams: number | 'hot';
  readonly appendEvents: number;
  readonly subject: ContestantPlan;
  readonly peers: readonly ContestantPlan[];
  /** Database in which another transaction keeps its snapshot open while the row is measured; the last third of the rounds gives the ratio. */
  readonly snapshotIn?: DatabaseName;
  /** Database whose log is sealed in another process while the row is measured; it has caught up before each run. */
  readonly sealedIn?: DatabaseName;
}

/** Streams of the many-streams rows; an agency's register has thousands of issues under way. */
const manyStreams = 5_000;
/** Events of a bulk append: the largest that the store still sends in one call; an import is cut into such. */
const bulkEvents = 500;

const base = { processes: 1, payload: 'real', streams: manyStreams, appendEvents: 1 } as const;
const store: ContestantPlan = { label: 'store', contestant: 'store' };
const emmett = (toReach?: number): ContestantPlan => ({ label: 'Emmett 0.42', contestant: 'emmett', ...(toReach !== undefined && { toReach }) });
const raw = (toReach?: number): ContestantPlan => ({ label: 'raw INSERT', contestant: 'raw', ...(toReach !== undefined && { toReach }) });
const bulkRaw: ContestantPlan = { label: 'raw UNNEST', contestant: 'raw', toReach: 0.8 };
const callersOf = (n: number): string => (n === 1 ? '1 caller' : `${n} callers`);

/** design.md's aims, by callers: store over Emmett, store over raw INSERT. */
const aims = new Map<number, { readonly emmett?: number; readonly raw?: number }>([[1, { raw: 0.65 }], [32, { emmett: 10, raw: 2 }], [128, { emmett: 16, raw: 4 }]]);

const singles = (): RowPlan[] => [1, 8, 32, 128].map((callers) => ({
  ...base, key: `many-${callers}`, title: `append, many streams, ${callersOf(callers)}`, callers, subject: store, peers: [emmett(aims.get(callers)?.emmett), raw(aims.get(callers)?.raw)],
}));

const fewerConnections = (): RowPlan => ({
  ...base, key: 'many-128-pooled', title: 'append, many streams, 128 callers, peers on 32 connections', callers: 128, subject: store,
  peers: [{ ...emmett(), connections: 32 }, { ...raw(), connections: 32 }],
});

const hot = (): RowPlan[] => [1, 8, 32, 128].map((callers) => ({
  ...base, key: `hot-${callers}`, title: `append, one hot stream, ${callersOf(callers)}`, callers, streams: 'hot' as const, subject: store, peers: [emmett(), raw()],
}));

const small = (): RowPlan[] => [32, 128].map((callers) => ({
  ...base, key: `small-${callers}`, title: `append of 205 bytes, many streams, ${callersOf(callers)}`, payload: 'small' as const, callers, subject: store, peers: [emmett(), raw()],
}));

const encoded = (): RowPlan[] => [1, 32].map((callers) => ({
  ...base, key: `encode-${callers}`, title: `append with schema, ids, salt and canonical JSON, ${callersOf(callers)}`, callers,
  subject: { label: 'store and codec', contestant: 'store-encode' as const }, peers: [{ ...store, label: 'store from text', database: 'b' }, emmett()],
}));

const processes = (): RowPlan[] => [2, 4].map((n) => ({
  ...base, key: `processes-${n}`, title: `append, many streams, 32 callers in ${n} processes`, callers: 32, processes: n, subject: store, peers: [emmett(), raw()],
}));

const bulk = (): RowPlan[] => [1, 4].map((callers) => ({
  ...base, key: `bulk-${callers}`, title: `bulk append of ${bulkEvents}, ${callersOf(callers)}`, callers, appendEvents: bulkEvents, subject: store, peers: [bulkRaw],
}));

const read = (readEvents: number): RowPlan => ({
  ...base, key: 'read', title: `read and decode a log of ${readEvents.toLocaleString('en')} events`, callers: 1,
  subject: { label: 'store and codec', contestant: 'store-read', filled: readEvents }, peers: [{ label: 'raw reader', contestant: 'raw-read', toReach: 0.8 }],
});

const snapshot = (): RowPlan => ({
  ...base, key: 'snapshot', title: 'append beside an open snapshot, 32 callers', callers: 32, snapshotIn: 'a',
  subject: { ...store, label: 'store, snapshot' }, peers: [{ ...store, label: 'store, none', database: 'b', toReach: 0.8 }],
});

const sealed = (): RowPlan => ({
  ...base, key: 'append-log-on-off', title: 'append beside the sealer of the log, 32 callers', callers: 32, sealedIn: 'a',
  subject: { ...store, label: 'store, log sealed' }, peers: [{ ...store, label: 'store, log off', database: 'b', toReach: 0.9 }],
});

/** At most 1.3 times the time: at least its reciprocal of the rate. */
const grownToReach = 0.77;

const grownRows = [{ key: 'grown', what: 'append', contestant: 'store' }, { key: 'grown-read', what: 'read and decode a stream', contestant: 'store-stream' }] as const;

/** The store at the end of one history beside itself at the end of another. */
export const grownPlans = (small: DatasetPlan, large: DatasetPlan): readonly RowPlan[] => grownRows.flatMap(({ key, what, contestant }) => [1, 32].map((callers) => {
  const at = (on: DatasetPlan): ContestantPlan => ({ label: `store at ${eventsLabel(on.events)}`, contestant, on });
  return {
    ...base, key: `${key}-${callers}`, title: `${what} at ${eventsLabel(large.events)} events beside ${eventsLabel(small.events)}, ${callersOf(callers)}`, callers,
    subject: at(large), peers: [{ ...at(small), database: 'b', toReach: grownToReach }],
  };
}));

/** The store beside its peers, on empty logs. */
export const rowPlans = (readEvents: number): readonly RowPlan[] =>
  [...singles(), fewerConnections(), ...hot(), ...small(), ...encoded(), ...processes(), ...bulk(), read(readEvents), snapshot(), sealed()];
