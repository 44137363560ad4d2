/** A table of a projection. Names are plain identifiers; definitions are SQL written by the author of the projection. */
export interface TableDefinition {
  readonly name: string;
  /** Name → definition as in CREATE TABLE (`bigint not null`). */
  readonly columns: Readonly<Record<string, string>>;
  readonly primaryKey: readonly string[];
  /** Columns that the index of the primary key carries beside its own. */
  readonly include?: readonly string[];
  /** Further indexes: name → what follows `on table`, with `unique ` in front of it for a unique one: `(org_id, cell) where …`, `using gist (…)`. */
  readonly indexes?: Readonly<Record<string, string>>;
  /** Storage parameters: `fillfactor=90`. */
  readonly with?: string;
}

/** Without primary key and indexes. */
export const createTableSql = (schema: string, { name, columns, with: parameters }: TableDefinition): string => {
  const definitions = Object.entries(columns).map(([column, definition]) => `${column} ${definition}`);
  return `create table ${schema}.${name} (${definitions.join(', ')})${parameters === undefined ? '' : ` with (${parameters})`}`;
};

/** The primary key and the indexes: name → statement. */
export const indexesSql = (schema: string, { name, primaryKey, include, indexes = {} }: TableDefinition): ReadonlyMap<string, string> => new Map([
  [`${name}_pk`, `alter table ${schema}.${name} add constraint ${name}_pk primary key (${primaryKey.join(', ')})${include === undefined ? '' : ` include (${include.join(', ')})`}`],
  ...Object.entries(indexes).map(([index, definition]) => {
    const unique = definition.startsWith('unique ');
    return [index, `create ${unique ? 'unique ' : ''}index ${index} on ${schema}.${name} ${unique ? definition.slice('unique '.length) : definition}`] as const;
  }),
]);
