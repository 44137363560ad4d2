import type { Actor, CommandId, Instant, Position } from '@rectrail/kernel';

/** Text or UTF-8 bytes of a ledger in any cut: a request's body, a file's stream, an array of lines that end in `\n`. */
export type LedgerText = AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

export interface ImportProgress {
  readonly phase: 'reading' | 'planning' | 'appending';
  readonly done: number;
  /** Null while it is not known (reading). */
  readonly total: number | null;
}

export interface ImportRequest {
  /** Also the import's id: a repeated command answers as the first time did. */
  readonly commandId: CommandId;
  readonly correlationId: string;
  readonly actor: Actor;
  readonly ledger: LedgerText;
  /** All checks, nothing appended. */
  readonly dryRun: boolean;
  /** The file is the whole document: rows of earlier imports that it leaves out are retracted. */
  readonly complete: boolean;
  readonly onProgress?: (progress: ImportProgress) => void;
}

export type RowOutcome = 'new' | 'changed' | 'unchanged' | 'removed';

export interface RowResult {
  /** In the file, from 1; null for a row that the file leaves out. */
  readonly line: number | null;
  readonly key: string;
  readonly kind: string;
  readonly outcome: RowOutcome;
  /** A remark for the reader: what the row describes was known already. */
  readonly detail: string | null;
}

export interface RowCounts {
  readonly total: number;
  readonly new: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly removed: number;
}

export interface ImportResult {
  /** Null where nothing had to be written, and for a dry run. */
  readonly importId: CommandId | null;
  readonly documentId: string;
  readonly dryRun: boolean;
  /** Of the last event written; null where nothing was. */
  readonly position: Position | null;
  readonly events: number;
  readonly rows: RowCounts;
  readonly results: readonly RowResult[];
}

export interface UndoRequest {
  readonly commandId: CommandId;
  readonly correlationId: string;
  readonly actor: Actor;
  readonly importId: CommandId;
  readonly reason: string;
  /** Facts that build upon the import are retracted too; without it they refuse the undo (`built-upon`). */
  readonly withDependents: boolean;
  readonly dryRun: boolean;
}

export interface UndoResult {
  readonly importId: CommandId;
  readonly dryRun: boolean;
  readonly position: Position | null;
  /** Events named by the retractions, dependents included. */
  readonly retracted: number;
  readonly dependents: number;
}

export interface ImportSummary {
  readonly importId: CommandId;
  readonly documentId: string;
  readonly title: string;
  readonly publishedOn: string;
  readonly recordedAt: Instant;
  readonly position: Position;
  readonly rows: number;
  readonly rowsNew: number;
  readonly rowsChanged: number;
  readonly rowsRemoved: number;
  readonly undone: boolean;
}

/**
 * Imports ledgers (`rectrail.ledger/1`, docs/reference/ledger.md), all or nothing, and takes imports back.
 *
 * @throws CommandRejected `ledger-invalid` with `errors[{line, key?, pointer, code, detail}]`, `outside-jurisdiction`, `built-upon`,
 * `unknown-import`, `import-undone`; EventStoreError `append-too-large`.
 */
export interface ImportService {
  run(request: ImportRequest): Promise<ImportResult>;
  undo(request: UndoRequest): Promise<UndoResult>;
  /** Newest first; those of one organisation's subtree unless the actor is an administrator. */
  list(actor: Actor): Promise<readonly ImportSummary[]>;
}

/** What an import adds to the codes of the command layer. */
export const importRejectionCodes = ['ledger-invalid', 'unknown-import', 'import-undone', 'built-upon'] as const;
export type ImportRejectionCode = (typeof importRejectionCodes)[number];
