import { versionDiffers } from './postgres-errors.ts';
import { laneKey } from './schema.ts';

// All of them: VOLATILE and READ COMMITTED, so that every statement after the lock sees what the holder before committed.
// A single CTE would not do: its snapshot would be older than the lock.

/** The newest version of a stream from the end of events_stream. */
const versionOf = (schema: string, streamNo: string): string =>
  `coalesce((select e.version from ${schema}.events e where e.stream_no = ${streamNo} order by e.version desc limit 1), 0)`;

/** Wakes followers in other processes; one a call, however many appends it carries. It goes out with the commit. */
const wakeFollowers = (schema: string): string => `perform pg_notify('${schema}', '')`;

/** One event into one stream; null where the version is not the expected one (-1: any). */
const appendOne = (schema: string): string => `
create or replace function ${schema}.append_one(
  p_command uuid, p_fingerprint text, p_stream_no integer, p_stream_id text, p_expected integer, p_type text, p_content text,
  out o_position bigint, out o_recorded_ms bigint, out o_stream_no integer, out o_version integer
) language plpgsql as $$
declare
  v_head bigint;
  v_ms bigint;
begin
  perform pg_advisory_xact_lock(${laneKey(schema)});
  -- Before a stream is numbered: a number that a refusal took with it would be lost.
  select position, recorded_ms into v_head, v_ms from ${schema}.events order by position desc limit 1;
  v_ms := ${schema}.stamp_ms(coalesce(v_ms, 0));
  if p_stream_no is null then
    p_stream_no := ${schema}.stream_no_of(p_stream_id);
  end if;
  o_version := ${versionOf(schema, 'p_stream_no')};
  if p_expected not in (-1, o_version) then
    return;
  end if;
  o_position := coalesce(v_head, 0) + 1;
  o_recorded_ms := v_ms;
  o_stream_no := p_stream_no;
  o_version := o_version + 1;
  insert into ${schema}.events (position, recorded_ms, stream_no, version, type, content)
  values (o_position, o_recorded_ms, p_stream_no, o_version, p_type, p_content);
  insert into ${schema}.commands (command_id, first_position, last_position, fingerprint)
  values (p_command, o_position, o_position, p_fingerprint);
  ${wakeFollowers(schema)};
end $$;
`;

const streamNoOf = (schema: string): string => `
create or replace function ${schema}.stream_no_of(p_stream_id text) returns integer language plpgsql as $$
declare no integer;
begin
  select stream_no into no from ${schema}.streams where stream_id = p_stream_id;
  if not found then
    insert into ${schema}.streams (stream_id) values (p_stream_id) returning stream_no into no;
  end if;
  return no;
end $$;
`;

/**
 * The ordinary batch: appends of one event each with an exact version, into streams that are known and differ. It takes a sixth less of the server's time
 * than append_batch. Where a version differs, all is rolled back. p_reached: all streams are known to have at least the expected version, so that the
 * unique index of (stream, version) is check enough.
 */
const appendSingles = (schema: string): string => `
create or replace function ${schema}.append_singles(
  p_stream_nos integer[], p_expected integer[], p_types text[], p_contents text[], p_commands uuid[], p_fingerprints text[], p_reached boolean,
  out o_position bigint, out o_recorded_ms bigint
) language plpgsql as $$
declare
  v_written integer;
begin
  perform pg_advisory_xact_lock(${laneKey(schema)});
  select position, recorded_ms into o_position, o_recorded_ms from ${schema}.events order by position desc limit 1;
  o_position := coalesce(o_position, 0);
  o_recorded_ms := ${schema}.stamp_ms(coalesce(o_recorded_ms, 0));
  insert into ${schema}.events (position, recorded_ms, stream_no, version, type, content)
  select o_position + s.ord, o_recorded_ms, s.no, s.expected + 1, s.type, s.content
  from unnest(p_stream_nos, p_expected, p_types, p_contents) with ordinality s(no, expected, type, content, ord)
  where p_reached or s.expected = ${versionOf(schema, 's.no')};
  get diagnostics v_written = row_count;
  if v_written < cardinality(p_stream_nos) then
    raise exception 'a stream has another version' using errcode = '${versionDiffers}';
  end if;
  insert into ${schema}.commands (command_id, first_position, last_position, fingerprint)
  select c.command_id, o_position + c.ord, o_position + c.ord, c.fingerprint
  from unnest(p_commands, p_fingerprints) with ordinality c(command_id, fingerprint, ord);
  ${wakeFollowers(schema)};
end $$;
`;

/**
 * Several appends as one, none of them repeated and all versions as expected, or nothing is written: o_position is null where a
 * version differs, and a repeated command breaks the primary key of commands. Streams are given once each; events name their stream by
 * index and their version as the distance from what the stream had before the batch. p_recorded_ms is given by the later parts of a
 * large append, which all lie in one transaction and share one instant.
 */
const appendBatch = (schema: string): string => `
create or replace function ${schema}.append_batch(
  p_stream_nos integer[], p_stream_ids text[], p_expected integer[],
  p_event_streams integer[], p_event_deltas integer[], p_types text[], p_contents text[],
  p_commands uuid[], p_firsts integer[], p_lasts integer[], p_fingerprints text[], p_recorded_ms bigint,
  out o_position bigint, out o_recorded_ms bigint, out o_stream_nos integer[], out o_versions integer[]
) language plpgsql as $$
declare
  as_expected boolean;
  v_position bigint;
  v_ms bigint;
begin
  perform pg_advisory_xact_lock(${laneKey(schema)});
  select position, recorded_ms into v_position, v_ms from ${schema}.events order by position desc limit 1;
  v_position := coalesce(v_position, 0);
  v_ms := coalesce(p_recorded_ms, ${schema}.stamp_ms(coalesce(v_ms, 0)));
  if p_stream_ids is not null then
    select array_agg(coalesce(s.no, ${schema}.stream_no_of(s.id)) order by s.ord) into p_stream_nos
    from unnest(p_stream_nos, p_stream_ids) with ordinality s(no, id, ord);
  end if;
  select array_agg(v.version order by s.ord), bool_and(s.expected in (-1, v.version)) into o_versions, as_expected
    from unnest(p_stream_nos, p_expected) with ordinality s(no, expected, ord)
    cross join lateral (select ${versionOf(schema, 's.no')} as version) v;
  o_stream_nos := p_stream_nos;
  if not as_expected then return; end if;
  insert into ${schema}.events (position, recorded_ms, stream_no, version, type, content)
  select v_position + e.ord, v_ms, p_stream_nos[e.stream], o_versions[e.stream] + e.delta, e.type, e.content
  from unnest(p_event_streams, p_event_deltas, p_types, p_contents) with ordinality e(stream, delta, type, content, ord);
  insert into ${schema}.commands (command_id, first_position, last_position, fingerprint)
  select c.command_id, v_position + c.first, v_position + c.last, c.fingerprint
  from unnest(p_commands, p_firsts, p_lasts, p_fingerprints) c(command_id, first, last, fingerprint);
  o_position := v_position;
  o_recorded_ms := v_ms;
  ${wakeFollowers(schema)};
end $$;
`;

/** Appends one after another, each with an outcome of its own: what a batch falls back to where one of its appends is repeated or stale. */
const appendEach = (schema: string): string => `
create or replace function ${schema}.append_each(
  p_commands uuid[], p_fingerprints text[],
  p_entry_appends integer[], p_entry_ids text[], p_entry_expected integer[], p_entry_events integer[],
  p_event_appends integer[], p_event_entries integer[], p_event_deltas integer[], p_types text[], p_contents text[]
) returns table (o_outcome text, o_first bigint, o_last bigint, o_recorded_ms bigint, o_versions integer[], o_entry integer) language plpgsql as $$
declare
  v_head bigint := 0;
  v_ms bigint := 0;
  v_sent integer := 0;
  v_count integer;
  v_stream_nos integer[];
begin
  perform pg_advisory_xact_lock(${laneKey(schema)});
  select position, recorded_ms into v_head, v_ms from ${schema}.events order by position desc limit 1;
  v_head := coalesce(v_head, 0);
  v_ms := ${schema}.stamp_ms(coalesce(v_ms, 0));
  for i in 1 .. cardinality(p_commands) loop
    select count(*) into v_count from unnest(p_event_appends) e(append) where e.append = i;
    select array_agg(s.stream_no order by e.ord), array_agg(v.version order by e.ord),
           min(e.ord) filter (where e.expected not in (-1, v.version)) - min(e.ord) + 1
      into v_stream_nos, o_versions, o_entry
      from unnest(p_entry_appends, p_entry_ids, p_entry_expected) with ordinality e(append, id, expected, ord)
      left join ${schema}.streams s on s.stream_id = e.id
      cross join lateral (select ${versionOf(schema, 's.stream_no')} as version) v
      where e.append = i;
    if exists (select from ${schema}.commands where command_id = p_commands[i]) then
      o_outcome := 'repeated';
    elsif o_entry is not null then
      o_outcome := 'conflict';
    else
      o_outcome := 'done';
      o_first := v_head + 1;
      o_last := v_head + v_count;
      o_recorded_ms := v_ms;
      if v_count > 0 then
        select array_agg(case when e.events > 0 then ${schema}.stream_no_of(e.id) end order by e.ord) into v_stream_nos
          from unnest(p_entry_appends, p_entry_ids, p_entry_events) with ordinality e(append, id, events, ord)
          where e.append = i;
        insert into ${schema}.events (position, recorded_ms, stream_no, version, type, content)
        select v_head + e.ord - v_sent, v_ms, v_stream_nos[e.entry], o_versions[e.entry] + e.delta, e.type, e.content
        from unnest(p_event_appends, p_event_entries, p_event_deltas, p_types, p_contents) with ordinality e(append, entry, delta, type, content, ord)
        where e.append = i;
        insert into ${schema}.commands (command_id, first_position, last_position, fingerprint)
        values (p_commands[i], o_first, o_last, p_fingerprints[i]);
        v_head := o_last;
      end if;
    end if;
    v_sent := v_sent + v_count;
    return next;
  end loop;
  ${wakeFollowers(schema)};
end $$;
`;

export const appendFunctions = (schema: string): string => streamNoOf(schema) + appendOne(schema) + appendSingles(schema) + appendBatch(schema) + appendEach(schema);
