import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { CommandRejected, type RejectionPlace } from '../command-rejected.ts';
import type { ImportProgress, LedgerText } from './import-service.ts';
import { headerSchema, isRecordKind, recordSchemas, type LedgerHeader, type LedgerRecord } from './ledger-schema.ts';

export interface LedgerRow {
  readonly line: number;
  readonly record: LedgerRecord;
}

export interface Ledger {
  readonly header: LedgerHeader;
  readonly rows: readonly LedgerRow[];
  /** Of the bytes as received. */
  readonly sha256: string;
}

/** A record is a few facts; a line of 1 MiB is no record. */
const lineLengthMax = 1_048_576;
/** More than a person reads at once. */
const problemsMax = 100;
const progressEvery = 2_000;
const headerWanted = 'the first line must be the header: {"kind": "ledger", "format": "rectrail.ledger/1", …}';

/** Collects what is wrong with a ledger, so that one run shows all of it. */
export class LedgerProblems {
  readonly #places: RejectionPlace[] = [];

  add(place: RejectionPlace): void {
    if (this.#places.length < problemsMax) this.#places.push(place);
  }

  get any(): boolean {
    return this.#places.length > 0;
  }

  /** @throws CommandRejected `ledger-invalid` with every place, in the order of lines. */
  throwIfAny(): void {
    if (!this.any) return;
    const errors = this.#places.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
    throw new CommandRejected('ledger-invalid', `the ledger has ${errors.length === problemsMax ? 'at least ' : ''}${errors.length} fault(s); nothing was stored`, { errors });
  }
}

const escaped = (token: PropertyKey): string => String(token).replaceAll('~', '~0').replaceAll('/', '~1');
export const pointer = (...path: readonly PropertyKey[]): string => path.map((token) => `/${escaped(token)}`).join('');

interface Fault { readonly pointer: string; readonly code: string; readonly detail: string }

const isWholeTypeFault = (issue: z.core.$ZodIssue): boolean => issue.code === 'invalid_type' && issue.path.length === 0;

const faultsOf = (issue: z.core.$ZodIssue, prefix: readonly PropertyKey[] = []): readonly Fault[] => {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ pointer: pointer(...path, key), code: 'unknown-field', detail: 'no such field in a record of this kind' }));
  if (issue.code === 'invalid_union') {
    // Of the forms that a value may have, the one meant is that whose own type fits.
    const branch = issue.errors.find((issues) => !issues.some(isWholeTypeFault)) ?? issue.errors[0] ?? [];
    return branch.flatMap((inner) => faultsOf(inner, path));
  }
  const own: unknown = issue.code === 'custom' ? issue.params?.['code'] : undefined;
  return [{ pointer: pointer(...path), code: typeof own === 'string' ? own : 'invalid-value', detail: issue.message }];
};

const keyOf = (value: unknown): { readonly key?: string } =>
  (typeof value === 'object' && value !== null && 'key' in value && typeof value.key === 'string' ? { key: value.key } : {});
const kindOf = (value: unknown): string | null =>
  (typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string' ? value.kind : null);

const isEncodingError = (error: unknown): boolean => typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA';

/** Builds the ledger line by line. */
class LedgerBuilder {
  readonly problems = new LedgerProblems();
  readonly rows: LedgerRow[] = [];
  readonly #lineOfKey = new Map<string, number>();
  #header: LedgerHeader | null = null;
  #headerSeen = false;
  #isLedger = true;

  get header(): LedgerHeader | null {
    return this.#header;
  }

  /** A file that does not begin like a ledger is none: its other lines are no faults worth telling. */
  get isLedger(): boolean {
    return this.#isLedger;
  }

  take(line: number, text: string): void {
    if (text.trim() === '') return;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      this.#isLedger = this.#headerSeen;
      const why = error instanceof Error ? error.message : 'no JSON';
      this.problems.add({ line, pointer: '', code: 'malformed-json', detail: this.#headerSeen ? why : `${why}; ${headerWanted}` });
      return;
    }
    if (this.#headerSeen) this.#takeRecord(line, value);
    else this.#takeHeader(line, value);
  }

  #takeHeader(line: number, value: unknown): void {
    this.#headerSeen = true;
    if (kindOf(value) !== 'ledger') {
      this.#isLedger = false;
      this.problems.add({ line, pointer: '/kind', code: 'header-missing', detail: headerWanted });
      return;
    }
    this.#header = this.#parse(headerSchema, line, value);
  }

  #takeRecord(line: number, value: unknown): void {
    const kind = kindOf(value);
    if (kind === null || !isRecordKind(kind)) {
      this.problems.add({ line, ...keyOf(value), pointer: '/kind', code: 'unknown-kind', detail: `the kind of a record is one of ${Object.keys(recordSchemas).join(', ')}` });
      return;
    }
    const record = this.#parse<LedgerRecord>(recordSchemas[kind], line, value);
    if (record === null) return;
    const first = this.#lineOfKey.get(record.key);
    if (first === undefined) this.#lineOfKey.set(record.key, line);
    else this.problems.add({ line, key: record.key, pointer: '/key', code: 'duplicate-key', detail: `line ${first} has the same key` });
    this.rows.push({ line, record });
  }

  #parse<T>(schema: z.ZodType<T>, line: number, value: unknown): T | null {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    for (const fault of parsed.error.issues.flatMap((issue) => faultsOf(issue))) this.problems.add({ line, ...keyOf(value), ...fault });
    return null;
  }
}

/** The lines of a text that comes in any cut, with the hash of its bytes. */
async function* linesOf(text: LedgerText, hash: { update(data: string | Uint8Array): unknown }): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const chunk of text) {
    hash.update(chunk);
    rest += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
    if (rest.length > lineLengthMax) break;
  }
  yield rest + decoder.decode();
}

/**
 * Reads and validates a whole ledger.
 *
 * @throws CommandRejected `ledger-invalid` with all faults (100 at most), each with its line and JSON pointer.
 */
export const readLedger = async (text: LedgerText, onProgress?: (progress: ImportProgress) => void): Promise<Ledger> => {
  const hash = createHash('sha256');
  const builder = new LedgerBuilder();
  let line = 0;
  try {
    for await (const content of linesOf(text, hash)) {
      line += 1;
      if (content.length > lineLengthMax) {
        builder.problems.add({ line, pointer: '', code: 'line-too-long', detail: `a line holds at most ${lineLengthMax} characters` });
        break;
      }
      builder.take(line, content);
      if (!builder.isLedger) break;
      if (line % progressEvery === 0) onProgress?.({ phase: 'reading', done: line, total: null });
    }
  } catch (error) {
    // What TextDecoder throws for bytes that are no UTF-8; anything else is not ours.
    if (!isEncodingError(error)) throw error;
    builder.problems.add({ line: line + 1, pointer: '', code: 'not-utf-8', detail: 'the ledger must be UTF-8' });
  }
  if (builder.header === null && !builder.problems.any) {
    builder.problems.add({ line: 1, pointer: '', code: 'header-missing', detail: headerWanted });
  }
  builder.problems.throwIfAny();
  if (builder.header === null) throw new Error('a ledger without faults has a header');
  return { header: builder.header, rows: builder.rows, sha256: hash.digest('hex') };
};
