/** Those that hold what was appended; an epoch is of the database. */
export const logTables = ['streams', 'events', 'commands'] as const;

/**
 * The tables of the log, insert-only. Head and versions are read from the ends of two unique B-trees, so no row is ever
 * updated by an append (docs/adr and design.md section 6: an updated head row slows appends 30 times beside an open snapshot).
 */
export const tables = (schema: string): string => `
create table ${schema}.epochs (
  epoch integer primary key,
  log_id uuid not null,
  begun_at timestamptz not null default now()
);
insert into ${schema}.epochs (epoch, log_id) values (1, gen_random_uuid());

create table ${schema}.streams (
  stream_no integer generated always as identity primary key,
  stream_id text collate "C" not null unique
);

create table ${schema}.events (
  position bigint not null,
  recorded_ms bigint not null,
  stream_no integer not null,
  version integer not null,
  type text collate "C" not null,
  content text collate "C" not null
);
create unique index events_position on ${schema}.events (position);
create unique index events_stream on ${schema}.events (stream_no, version);

create table ${schema}.commands (
  command_id uuid primary key,
  first_position bigint not null,
  last_position bigint not null,
  fingerprint text
);

create function ${schema}.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% on %.% refused: the log is append-only', tg_op, tg_table_schema, tg_table_name using errcode = 'integrity_constraint_violation';
end $$;
${['epochs', ...logTables].map((table) => `
create trigger append_only before update or delete or truncate on ${schema}.${table}
  for each statement execute function ${schema}.refuse_change();`).join('')}
`;

/** Key of the transaction-level advisory lock that is the lane of all appends of one log; also the name of its NOTIFY channel. */
export const laneKey = (schema: string): string => `hashtextextended('rectrail append lane ' || '${schema}', 0)`;
