/** The small part of a database that projections need; a TypeORM query runner or a pg client serves it. */
export interface Transaction {
  query<Row = Record<string, unknown>>(sql: string, params?: readonly unknown[]): Promise<readonly Row[]>;
}

/** `query` runs one statement by itself; `transaction` commits when `work` resolves and rolls everything back when it rejects. */
export interface ProjectionDatabase extends Transaction {
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
}
