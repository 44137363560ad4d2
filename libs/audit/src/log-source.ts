import type { Frontier, HashedNode } from '@rectrail/transparency';
import type { CommandRun } from './command-runs.ts';
import type { LogEntry } from './entry.ts';
import type { Finding } from './findings.ts';

/** A stretch of the log as it is read, at most some thousand events. */
export interface LogBatch {
  readonly entries: readonly LogEntry[];
  /** The leaf hashes of the stretch as they are kept beside the events, one after the other; null where none are. Not trusted: they tell where a root comes to differ. */
  readonly hashes: Buffer | null;
  /** Signed checkpoints of sizes within the stretch. */
  readonly notes: readonly string[];
  /** Why nothing of the stretch is read behind the entries. */
  readonly finding?: Finding | null;
}

/** What the events of a stretch make, which a database keeps beside them. */
export interface MadeOfStretch {
  readonly runs: readonly CommandRun[];
  /** Of the levels of which tiles hold hashes, above the leaves. */
  readonly nodes: readonly HashedNode[];
}

/** Where a log is read from: a bundle, or the tables of a database. Nothing that it says is believed. */
export interface LogSource {
  readonly logId: string;
  /** Events before the first that it has. */
  readonly after: number;
  /** As far as it says; for whoever waits. */
  readonly last: number;
  /** Whether events may stand behind its newest checkpoint. */
  readonly mayTrail: boolean;
  /** The edge of the tree of so many leaves, of the hashes that it keeps. @throws Error where it has none. */
  frontier(size: number): Promise<Frontier>;
  /** Everything behind the first `after` events, in order; a last batch may hold notes alone. */
  batches(after: number): AsyncIterable<LogBatch>;
  /** What it keeps otherwise of a stretch than the events of it make. */
  checkStretch(made: MadeOfStretch): Promise<readonly Finding[]>;
  /** What is wrong with it beside the events, once all were read, or where one was found wrong at `position`. `commands`: how many there are, null where that is not known. */
  check(position: number | null, commands: number | null): Promise<readonly Finding[]>;
}
