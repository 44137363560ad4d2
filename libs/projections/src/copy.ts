import { once } from 'node:events';
import type pg from 'pg';
import { from } from 'pg-copy-streams';
import type { Copy, CopyRow, CopyValue } from './transaction.ts';

/** Characters of one message: large enough that messages cost nothing, small enough that server and encoder work at the same time. */
const messageChars = 1 << 16;

const special = /[\\\n\r\t]/;
const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const escaped = (text: string): string => (special.test(text) ? text.replace(/[\\\n\r\t]/g, (char) => escapes[char] ?? char) : text);

const arrayText = (values: readonly string[]): string => `{${values.map((value) => `"${value.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;

const field = (value: CopyValue): string => {
  if (typeof value === 'string') return escaped(value);
  if (value === null) return '\\N';
  if (typeof value === 'object') return escaped(Array.isArray(value) ? arrayText(value as readonly string[]) : JSON.stringify(value));
  if (typeof value === 'boolean') return value ? 't' : 'f';
  return String(value);
};

/**
 * Rows in the text format of COPY, in pieces of about `messageChars`; those that are in it already as they are. Outside the heap they may wait without costing its
 * collector anything.
 */
export function* copyText(rows: Iterable<CopyRow>): Generator<Buffer, void, void> {
  let text = '';
  for (const row of rows) {
    if (!isValues(row)) {
      yield row;
      continue;
    }
    for (let i = 0; i < row.length; i += 1) text += (i === 0 ? '' : '\t') + field(row[i] ?? null);
    text += '\n';
    if (text.length < messageChars) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}

const isValues = (row: CopyRow): row is readonly CopyValue[] => Array.isArray(row);

export interface CopyOptions {
  /** Longest that the server goes on with it, within a transaction; default for ever. */
  readonly answerMs?: number | undefined;
}

/** The limit is within the message of the COPY itself: statements of their own before it and after it would be waited for. */
const copySql = (into: readonly CopyInto[], { answerMs }: CopyOptions): string => {
  const copies = into.map(({ table, columns }) => `copy ${table} (${columns.join(', ')}) from stdin`).join('; ');
  return answerMs === undefined ? copies : `set local statement_timeout = ${answerMs}; ${copies}; set local statement_timeout = 0`;
};

type CopyInto = Omit<Copy, 'rows'>;

/** Rows in the text format of COPY. */
interface CopyPiece extends CopyInto { readonly piece: Buffer }

const copyDone = Buffer.from([0x63, 0, 0, 0, 4]);
/** A message of its data (protocol, "CopyData"). */
const copyData = (piece: Buffer): readonly Buffer[] => {
  const header = Buffer.from([0x64, 0, 0, 0, 0]);
  header.writeUInt32BE(piece.length + 4, 1);
  return [header, piece];
};

/**
 * COPYs whose rows go out with their statements, in one write: the server's word that one may begin is not waited for. Should one fail, the server passes over the rows that come
 * without it (protocol, "COPY Operations").
 */
class CopiesAtOnce implements pg.Submittable {
  readonly #sql: string;
  readonly #pieces: readonly CopyPiece[];
  readonly #settled = Promise.withResolvers<undefined>();

  constructor(pieces: readonly CopyPiece[], options: CopyOptions) {
    this.#sql = copySql(pieces, options);
    this.#pieces = pieces;
  }

  get done(): Promise<unknown> {
    return this.#settled.promise;
  }

  submit(connection: pg.Connection): void {
    const { stream } = connection;
    stream.cork();
    connection.query(this.#sql);
    for (const { piece } of this.#pieces) for (const part of [...copyData(piece), copyDone]) stream.write(part);
    stream.uncork();
  }

  // The driver calls each of these by its name.
  callback(): void { /* it wants one to put its own time limit into; there is none */ }
  handleCopyInResponse(): void { /* the rows are on their way */ }
  handleCommandComplete(): void { /* the end of each statement of the message; it is ready after the last */ }
  handleReadyForQuery(): void { this.#settled.resolve(undefined); }
  handleError(error: unknown): void { this.#settled.reject(error); }
}

/** Bytes of one message with the rows of several tables. */
const atOnceBytesMax = 1 << 18;

/**
 * `Transaction.copy` on a connection of the pg driver, which must be idle: few rows of several tables in one message, more of a table as fast as the server reads.
 * @throws the driver's error, or what an iterable throws; either way the server has dropped the rows of that message.
 */
export const copyRows = async (client: pg.ClientBase, copies: readonly Copy[], options: CopyOptions = {}): Promise<void> => {
  let [together, bytes]: [CopyPiece[], number] = [[], 0];
  const send = async (): Promise<void> => {
    const pieces = together;
    [together, bytes] = [[], 0];
    if (pieces.length > 0) await client.query(new CopiesAtOnce(pieces, options)).done;
  };
  for (const { table, columns, rows } of copies) {
    const pieces = copyText(rows);
    const [first, second] = [pieces.next(), pieces.next()];
    if (first.done === true) continue;
    if (second.done === true) {
      together.push({ table, columns, piece: first.value });
      bytes += first.value.length;
      if (bytes >= atOnceBytesMax) await send();
      continue;
    }
    await send();
    await copyStream(client, { table, columns }, [[first.value, second.value], pieces].values().flatMap((some) => some), options);
  }
  await send();
};

const copyStream = async (client: pg.ClientBase, into: CopyInto, pieces: Iterable<Buffer>, options: CopyOptions): Promise<void> => {
  const stream = client.query(from(copySql([into], options)));
  const failed = new AbortController();
  const done = new Promise<void>((resolve, reject) => {
    stream.once('finish', resolve);
    stream.on('error', (error) => { reject(error); failed.abort(); });
  });
  // It is awaited below; should the loop end first by what it throws, this rejection has been seen.
  done.catch(() => undefined);
  try {
    for (const piece of pieces) {
      if (failed.signal.aborted) break;
      if (!stream.write(piece)) await Promise.race([once(stream, 'drain', { signal: failed.signal }).catch(() => undefined), done]);
    }
  } catch (error) {
    stream.destroy(error instanceof Error ? error : new Error(String(error)));
    await done.catch(() => undefined);
    throw error;
  }
  if (!failed.signal.aborted) stream.end();
  await done;
};
