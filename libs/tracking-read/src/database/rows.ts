import { nextSchema, type TableDefinition, type Transaction } from '@rectrail/projections';

/** Schema of all read models that are read. */
export const schema = 'rectrail_read';
/** With that of the rows which a rebuild makes beside them. */
export const readSchemas: readonly string[] = [schema, nextSchema(schema)];

/** `pos_to` of what still stands: the greatest safe integer, above every position. */
export const stillStands = Number.MAX_SAFE_INTEGER;

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

/** Ends the standing rows with these keys, each at its `pos_to`. */
export const closeRows = async (tx: Transaction, table: string, keys: Columns, rows: readonly Row[]): Promise<void> => {
  if (rows.length === 0) return;
  const match = Object.keys(keys).map((name) => `t.${name} = r.${name}`).join(' and ');
  await tx.query(
    `update ${table} t set pos_to = r.pos_to from json_to_recordset($1::json) as r(${recordOf(keys)}, pos_to bigint) where ${match} and t.pos_to = ${stillStands}`,
    [JSON.stringify(rows)],
  );
};
