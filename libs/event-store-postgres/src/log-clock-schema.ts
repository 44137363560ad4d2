import { timeNotVouched } from './postgres-errors.ts';

/** How far the database's clock may stand beyond what is known of it before it counts as having leapt, ms: more than NTP ever puts right at a stroke, less than a wrong zone. */
export const clockLeapMsMax = 300_000;

/**
 * An event keeps its time for good, and all later ones come after it: one stamped by a clock that has leapt ahead would spoil the times of years. So a time far beyond
 * that of the newest event is taken only where a mark vouches for it: after a rest, the process that wants to append sets one (log-clock.ts).
 * `now_ms` is a function of its own so that a test can put the clock.
 */
export const clockSchema = (schema: string): string => `
create table ${schema}.clock_marks (
  mark_no integer generated always as identity primary key,
  kind text not null check (kind in ('vouched', 'jumped', 'confirmed')),
  at_ms bigint not null,
  expected_ms bigint not null,
  head bigint not null,
  said_by text,
  reason text
);
create index clock_marks_confirmed on ${schema}.clock_marks (mark_no) where kind = 'confirmed';
create trigger append_only before update or delete or truncate on ${schema}.clock_marks
  for each statement execute function ${schema}.refuse_change();

create function ${schema}.now_ms() returns bigint language sql volatile as $$
  select floor(extract(epoch from clock_timestamp()) * 1000)::bigint
$$;

-- The time of an append: the database's, never before the last recorded.
create function ${schema}.stamp_ms(p_last bigint) returns bigint language plpgsql as $$
declare
  v_now bigint := ${schema}.now_ms();
begin
  if v_now > p_last + ${clockLeapMsMax} and not coalesce((
    select kind <> 'jumped' and at_ms between v_now - ${clockLeapMsMax} and v_now + ${clockLeapMsMax} from ${schema}.clock_marks order by mark_no desc limit 1
  ), false) then
    raise exception 'nobody vouches for the time %', v_now using errcode = '${timeNotVouched}';
  end if;
  return greatest(v_now, p_last);
end $$;
`;
