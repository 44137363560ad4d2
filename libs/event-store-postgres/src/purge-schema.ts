/** SQLSTATE of our own: a ContentPurged names no content of its stream that could be dropped. */
export const purgeRefused = 'RT004';

const refuse = `raise exception '% on %.% refused: the log is append-only', tg_op, tg_table_schema, tg_table_name using errcode = 'integrity_constraint_violation';`;

/**
 * The law may demand that a content goes. The database lets exactly that through and nothing else, whoever asks: an UPDATE that empties the content of an
 * event which a `ContentPurged` of its stream names, once its hash is kept. The hash of the request that said the same (commands.fingerprint, unsalted,
 * so that it could confirm a guess) goes with it. `contents_purged` says by position what the leaf rests on, and which event dropped it.
 */
export const purgeSchema = (schema: string): string => `
create table ${schema}.contents_purged (
  position bigint primary key,
  content_sha256 text not null,
  by_position bigint not null
);
create trigger append_only before update or delete or truncate on ${schema}.contents_purged
  for each statement execute function ${schema}.refuse_change();

create function ${schema}.refuse_change_but_purge_events() returns trigger language plpgsql as $$
begin
  if (new.position, new.recorded_ms, new.stream_no, new.version, new.type) = (old.position, old.recorded_ms, old.stream_no, old.version, old.type) and new.content = '' and exists (
    select from ${schema}.contents_purged p join ${schema}.events e on e.position = p.by_position
    where p.position = old.position and p.content_sha256 = encode(sha256(convert_to(old.content, 'UTF8')), 'hex')
      and e.type = 'ContentPurged' and e.stream_no = old.stream_no and (e.content::jsonb #>> '{data,position}')::bigint = old.position
  ) then return new; end if;
  ${refuse}
end $$;

create function ${schema}.refuse_change_but_purge_commands() returns trigger language plpgsql as $$
begin
  if new.fingerprint is null and (new.command_id, new.first_position, new.last_position) = (old.command_id, old.first_position, old.last_position)
     and exists (select from ${schema}.contents_purged where position between old.first_position and old.last_position) then return new; end if;
  ${refuse}
end $$;
${['events', 'commands'].map((table) => `
drop trigger append_only on ${schema}.${table};
create trigger append_only before delete or truncate on ${schema}.${table}
  for each statement execute function ${schema}.refuse_change();
create trigger append_only_but_purge before update on ${schema}.${table}
  for each row execute function ${schema}.refuse_change_but_purge_${table}();`).join('')}

create function ${schema}.purge_contents(p_first bigint, p_last bigint) returns integer language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_by record;
  v_target bigint;
  v_content text;
  v_hash text;
  v_count integer := 0;
begin
  for v_by in select position, stream_no, content::jsonb -> 'data' as data from ${schema}.events
               where position between p_first and p_last and type = 'ContentPurged' order by position loop
    v_target := (v_by.data ->> 'position')::bigint;
    v_hash := v_by.data ->> 'contentSha256';
    continue when exists (select from ${schema}.contents_purged where position = v_target and by_position = v_by.position);
    select content into v_content from ${schema}.events where position = v_target and stream_no = v_by.stream_no and position < p_first and type <> 'ContentPurged';
    if not found or encode(sha256(convert_to(v_content, 'UTF8')), 'hex') <> v_hash or v_content = '' then
      raise exception 'position % holds no content of the stream with the hash %', v_target, v_hash using errcode = '${purgeRefused}';
    end if;
    insert into ${schema}.contents_purged (position, content_sha256, by_position) values (v_target, v_hash, v_by.position);
    update ${schema}.events set content = '' where position = v_target;
    update ${schema}.commands set fingerprint = null where command_id = (v_content::jsonb ->> 'commandId')::uuid and fingerprint is not null;
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;
revoke all on function ${schema}.purge_contents(bigint, bigint) from public;
`;
