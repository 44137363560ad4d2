/**
 * What a column takes. An array is a `text[]`; any other object is JSON. JSON whose outermost value is an array or a text is given
 * as its text.
 */
export type CopyValue = string | number | bigint | boolean | null | readonly string[] | object;

/** Values in the order of the columns, or rows that are in the text format of COPY already. */
export type CopyRow = readonly CopyValue[] | Buffer;

/** Rows of a table, which is qualified with its schema. */
export interface Copy {
  readonly table: string;
  readonly columns: readonly string[];
  readonly rows: Iterable<CopyRow>;
}

/** Statements of one connection, in the order of the calls. Their texts are few: each is kept prepared. */
export interface Transaction {
  query<Row = Record<string, unknown>>(sql: string, params?: readonly unknown[]): Promise<readonly Row[]>;
  /** Inserts rows, by COPY: a key that is there already is an error. Few rows of several tables go in one message. */
  copy(...copies: readonly Copy[]): Promise<void>;
}

/** `query` runs one statement by itself; `transaction` commits when `work` resolves and rolls everything back when it rejects. */
export interface ProjectionConnection extends Pick<Transaction, 'query'> {
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
}

/** The small part of a database that projections need; TypeORM or a pg pool serves it. */
export interface ProjectionDatabase extends ProjectionConnection {
  /** The same on one connection that `work` has to itself and that may hold locks of its session; it gives them back. */
  session<T>(work: (connection: ProjectionConnection) => Promise<T>): Promise<T>;
}
