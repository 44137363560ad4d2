import type { TableDefinition, Transaction } from '@rectrail/projections';

/** Schema of all read models that are read; a rebuild makes its rows in one beside it whose name begins with this. */
export const schema = 'rectrail_read';

/** `pos_to` of what still stands: the greatest safe integer, above every position. */
export const stillStands = Number.MAX_SAFE_INTEGER;

/** By these very words the planner knows which of two indexes holds a row. */
export const isStanding = (row: string): string => `${row}.pos_to = ${stillStands}`;
export const isEnded = (row: string): string => `${row}.pos_to < ${stillStands}`;

/** Columns of a table and their types, in the order of the insert. */
export type Columns = Readonly<Record<string, string>>;
export type Row = Readonly<Record<string, unknown>>;

/** The types of a table's columns, without their constraints. */
export const columnTypes = ({ columns }: TableDefinition): Columns =>
  Object.fromEntries(Object.entries(columns).map(([name, definition]) => [name, definition.replace(/ not null$/, '').replace(/ collate .*$/, '')]));

const recordOf = (columns: Columns): string => Object.entries(columns).map(([name, type]) => `${name} ${type}`).join(', ');

/** All rows in one statement and one parameter, whatever their number. `table` is qualified with its schema. */
export const insertRows = async (tx: Transaction, table: string, columns: Columns, rows: readonly Row[]): Promise<void> => {
  if (rows.length === 0) return;
  const names = Object.keys(columns).join(', ');
  await tx.query(`insert into ${table} (${names}) select ${names} from json_to_recordset($1::json) as r(${recordOf(columns)})`, [JSON.stringify(rows)]);
};

/** Columns by which rows are found, and columns that change with their end beside `pos_to`. */
export interface Closing { readonly keys: Columns; readonly changed?: Columns }

/** Ends the standing rows with these keys, each at its `pos_to`. */
export const closeRows = async (tx: Transaction, table: string, { keys, changed = {} }: Closing, rows: readonly Row[]): Promise<void> => {
  if (rows.length === 0) return;
  const match = Object.keys(keys).map((name) => `t.${name} = r.${name}`).join(' and ');
  const values: Columns = { pos_to: 'bigint', ...changed };
  const set = Object.keys(values).map((name) => `${name} = r.${name}`).join(', ');
  await tx.query(
    `update ${table} t set ${set} from json_to_recordset($1::json) as r(${recordOf({ ...keys, ...values })}) where ${match} and t.pos_to = ${stillStands}`, [JSON.stringify(rows)],
  );
};
