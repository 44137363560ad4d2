/** Longer than whoever uses a table at work does, ms. */
const lockMsMax = 2_000;

/**
 * SQL that adds a column to the table of a former release, and does nothing where it is there: even to find it there, ALTER TABLE would wait for whoever uses the table. A dump
 * reads for hours, and all others would wait behind what waits for it, though the start that asked is long over: it gives up, with an error that says so.
 */
export const addedColumn = (table: string, column: string, type: string): string => `
  do $$ begin
    if not exists (select from pg_attribute where attrelid = '${table}'::regclass and attname = '${column}' and not attisdropped) then
      set local lock_timeout = ${lockMsMax};
      alter table ${table} add column ${column} ${type};
      set local lock_timeout to default;
    end if;
  exception when lock_not_available then
    raise exception '${table} is to get a column and is in use, as by a dump. Potential solutions: start again once that has ended' using errcode = 'lock_not_available';
  end $$;
`;
