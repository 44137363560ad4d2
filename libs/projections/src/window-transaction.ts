import { copyText } from './copy.ts';
import type { Copy, Transaction } from './transaction.ts';

/** Bytes of the rows of one table that wait for the next COPY: the server is busy with so many for as long as the next ones are being computed. */
const gatheredBytesMax = 1 << 20;

interface Gathered { readonly table: string; readonly columns: readonly string[]; readonly rows: Buffer[]; bytes: number }

/**
 * The transaction of a window, for several calls of `addStreams` that work at the same time. What they copy is gathered by table, and goes to the server in few large
 * COPYs while more is computed; what they ask comes after all that was copied before. Statements come one after the other, and none after `close`.
 */
export class WindowTransaction implements Transaction {
  readonly #tx: Transaction;
  readonly #gathered = new Map<string, Gathered>();
  #last: Promise<unknown> = Promise.resolve();
  #beforeLast: Promise<unknown> = Promise.resolve();
  #failure: { readonly error: unknown } | null = null;
  #closed = false;

  constructor(tx: Transaction) {
    this.#tx = tx;
  }

  async query<Row>(sql: string, params?: readonly unknown[]): Promise<readonly Row[]> {
    this.#sendAll();
    return this.#then(() => this.#tx.query<Row>(sql, params));
  }

  /** Resolves as soon as more may be copied. @throws what an earlier COPY of the window was refused by, or what the iterable throws. */
  async copy(...copies: readonly Copy[]): Promise<void> {
    for (const copy of copies) await this.#copy(copy);
  }

  async #copy({ table, columns, rows }: Copy): Promise<void> {
    this.#throwFailure();
    const key = JSON.stringify([table, columns]);
    const gathered = this.#gathered.get(key) ?? { table, columns, rows: [], bytes: 0 };
    this.#gathered.set(key, gathered);
    for (const piece of copyText(rows)) {
      gathered.rows.push(piece);
      gathered.bytes += piece.length;
    }
    if (gathered.bytes < gatheredBytesMax) return;
    this.#gathered.delete(key);
    this.#send(gathered);
    await this.#beforeLast;
    this.#throwFailure();
  }

  /** Once the server has all that was copied. @throws what a COPY was refused by. */
  async flush(): Promise<void> {
    this.#sendAll();
    await this.#last;
    this.#throwFailure();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
  }

  #sendAll(): void {
    for (const gathered of this.#gathered.values()) this.#send(gathered);
    this.#gathered.clear();
  }

  #send({ table, columns, rows }: Gathered): void {
    if (rows.length > 0) this.#then(() => this.#tx.copy({ table, columns, rows })).catch((error: unknown) => { this.#failure ??= { error }; });
  }

  #then<T>(statement: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => {
      if (this.#closed) throw new Error('the transaction of this window is over');
      return statement();
    });
    this.#beforeLast = this.#last;
    this.#last = result.catch(() => undefined);
    return result;
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }
}
