import { addDays, dayNumber, daysBetween, lastDay, type Day, type IssueId, type OrgId, type Position } from '@rectrail/kernel';
import { countingFacts, foldIssue, ladderKey, ladderOf, lightDue, recipientsOf, severityOf, streams, type Light, type LightColour } from '@rectrail/tracking-domain';
import { planAnew } from '../database/data-source.ts';
import { schema } from '../database/rows.ts';
import { keyOfUuid } from '../projections/stream-keys.ts';
import { wholeStreams, type TrackingFact } from './counting-facts.ts';
import { limitOf, type CursorKey } from './cursor.ts';
import { paged } from './paging.ts';
import { labelOf, select, type ReadContext, type ReadSession } from './read-session.ts';
import type { DueReminder, RemindersDueAnswer, RemindersDueRequest } from './reminders.ts';
import { atCut } from './sums.ts';

/** Names of issues that one page goes through: a tenth of a second, whether or not any light is due. */
const namesMax = 20_000;

/** An earlier notice about the issue, counting or not: what it took is taken for good. */
interface Earlier { readonly colour: LightColour; readonly deadline: Day; readonly reopenings: number; readonly position: Position; readonly on: Day }

interface Candidate {
  readonly id: IssueId;
  readonly orgId: OrgId;
  readonly numberPath: readonly string[];
  readonly title: string;
  readonly due: Day;
  /** Since when the register shows the issue so: in the log, and in the world (null: always). */
  readonly changedAt: Position;
  readonly since: Day | null;
  /** The newest last. */
  readonly earlier: readonly Earlier[];
  readonly key: CursorKey;
}

const keyOf = (alias: string): string => `json_build_array(${alias}.org_id, ${alias}.inspection_id, ${alias}.number_key, ${alias}.id, ${alias}.name)`;

/** Whether the newest notice is the severest that there is, and nothing has changed since: most of what is overdue. */
const isSettled = (newest: string): string =>
  `(${newest} ->> 'colour' = 'red' and ${newest} ->> 'deadline' = r.due::text and (${newest} ->> 'position')::bigint > r.pos_from and (${newest} ->> 'on')::date >= r.valid_from)`;

const candidatesSql = (isAfter: string, isOwned: string): string => `
  with n as materialized (select n.org_id, n.inspection_id, n.number_key, n.id, n.name, n.detail from ${schema}.issue_name n
                           where ${isAfter} and ${isOwned} order by n.org_id, n.inspection_id, n.number_key, n.id, n.name limit $6),
       found as (select r.id, r.org_id, n.inspection_id, n.number_key, n.name, n.detail, r.due, r.pos_from, r.valid_from, past.notices
                   from n join ${schema}.issue_row r on r.id = n.id and r.name = n.name
                   left join lateral (select jsonb_agg(jsonb_build_object('colour', e.fact #>> '{event,data,colour}', 'deadline', e.fact #>> '{event,data,deadline}',
                          'reopenings', e.fact #> '{event,data,reopenings}', 'position', e.position, 'on', e.valid_from) order by e.position) as notices
                     from ${schema}.event_reference ref join ${schema}.event e using (position)
                    where ref.ref = ${keyOfUuid('issue-', 'n.id')} and e.type = 'ReminderIssued' and e.position <= $3) past on true
                  where ${atCut('r', ['$1', '$2', '$3'])} and r.due <= $4 and ${isSettled('(past.notices -> -1)')} is not true
                  order by r.org_id, n.inspection_id, n.number_key, r.id, n.name limit $5)
  select (select count(*)::integer from n) as names,
         (select ${keyOf('n')} from n order by n.org_id desc, n.inspection_id desc, n.number_key desc, n.id desc, n.name desc limit 1) as last,
         (select coalesce(json_agg(json_build_object('id', f.id, 'orgId', f.org_id, 'numberPath', f.detail -> 'numberPath', 'title', f.detail ->> 'title', 'due', f.due,
             'changedAt', f.pos_from, 'since', nullif(f.valid_from::text, '-infinity'), 'earlier', coalesce(f.notices, '[]'::jsonb), 'key', ${keyOf('f')})
             order by f.org_id, f.inspection_id, f.number_key, f.id, f.name), '[]'::json) from found f) as found`;

interface Found { readonly names: number; readonly last: CursorKey | null; readonly found: readonly Candidate[] }

const keyTypes = ['uuid', 'uuid', 'text', 'uuid', 'integer'] as const;

interface Asked { readonly owners: readonly OrgId[] | null; readonly horizon: Day; readonly after: CursorKey | null; readonly size: number }

/** The next names, and of these the candidates; `end`: where it goes on, null at the last name. */
const candidatesAmong = async (
  { tx, cut }: ReadSession, { owners, horizon, after, size }: Asked, names: number,
): Promise<{ readonly found: readonly Candidate[]; readonly names: number; readonly end: CursorKey | null }> => {
  const params: unknown[] = [cut.validAt, cut.knownAt, cut.atPosition, horizon, size, names];
  const isAfter = after === null ? 'true' : `(n.org_id, n.inspection_id, n.number_key, n.id, n.name) > (${after.map((part, i) => `$${params.push(part)}::${keyTypes[i]}`).join(', ')})`;
  const isOwned = owners === null ? 'true' : `n.org_id in (select unnest($${params.push(owners)}::uuid[]))`;
  const [row] = await tx.query<Found>(candidatesSql(isAfter, isOwned), params);
  const { found = [], names: visited = 0, last = null } = row ?? {};
  return { found, names: visited, end: found.length === size ? found.at(-1)?.key ?? null : visited === names ? last : null };
};

/** Issues with an open date up to the horizon of which not everything is said, along the names in steps that grow: where many are due the first is enough. */
const candidatesOf = async (session: ReadSession, asked: Asked): Promise<Pick<Awaited<ReturnType<typeof candidatesAmong>>, 'found' | 'end'>> => {
  await planAnew(session.tx);
  const found: Candidate[] = [];
  let { after } = asked;
  for (let [walked, step] = [0, asked.size * 2]; ; step *= 4) {
    const next = await candidatesAmong(session, { ...asked, after, size: asked.size - found.length }, Math.min(step, namesMax - walked));
    found.push(...next.found);
    [walked, after] = [walked + next.names, next.end];
    if (after === null || found.length === asked.size || walked >= namesMax) return { found, end: after };
  }
};

/** Lights of each organisation: of its own policy on the day, else of the default. */
const lightsOf = ({ reference, cut }: ReadSession): ((orgId: OrgId) => readonly Light[]) => {
  const ofDefault = reference.defaultPolicy(cut).lights;
  return (orgId) => reference.ownPolicy(orgId, cut)?.lights ?? ofDefault;
};

/** The last day towards which any light may burn; null where no policy has any. */
const horizonOf = ({ reference, cut }: ReadSession): Day | null => {
  const lights = [reference.defaultPolicy(cut), ...reference.ownPolicies(cut).values()].flatMap((policy) => policy.lights);
  if (lights.length === 0) return null;
  const days = lights.reduce((most, { atDaysLeft }) => Math.max(most, atDaysLeft), -Infinity);
  return addDays(cut.validAt, Math.min(days, dayNumber(lastDay) - dayNumber(cut.validAt)));
};

/** Severity of the newest notice on the ladder on which the issue stands, -1 without one; undefined where only its own events say which ladder that is. */
const severitySoFar = ({ due, changedAt, since, earlier }: Candidate): number | undefined => {
  const towards = earlier.filter(({ deadline }) => deadline === due);
  const newest = earlier.at(-1);
  if (newest === undefined || towards.length === 0) return -1;
  // The day of the notice is no earlier than what it looked at.
  const isUnchanged = newest.deadline === due && newest.position > changedAt && (since === null || since <= newest.on);
  return isUnchanged ? severest(towards, newest.reopenings) : undefined;
};

const severest = (notices: readonly Earlier[], reopenings: number): number =>
  notices.reduce((most, notice) => (notice.reopenings === reopenings ? Math.max(most, severityOf(notice.colour)) : most), -1);

/** The same from the issue's events, for those whose rows leave it open. */
const severitiesRead = async (context: ReadContext, { cut }: ReadSession, candidates: readonly Candidate[]): Promise<ReadonlyMap<IssueId, number>> => {
  const whole = await wholeStreams(context, candidates.map(({ id }) => streams.issue(id)), cut.atPosition);
  return new Map(candidates.map(({ id, earlier }) => {
    // The name of a stream says which events it holds; the codec has checked each against its schema.
    const facts = countingFacts<TrackingFact>(whole.get(streams.issue(id)) ?? [], cut) as Parameters<typeof foldIssue>[0];
    const ladder = ladderOf(foldIssue(facts));
    const key = ladder === null ? null : ladderKey(id, ladder);
    return [id, severest(earlier.filter((notice) => ladderKey(id, notice) === key), ladder?.reopenings ?? 0)];
  }));
};

/**
 * The notices that an evaluation of validAt would issue: of each open issue the severest light due that was not yet issued on its ladder. In the order of organisations' ids,
 * inspections and printed numbers; a page goes through so many issues and may hold few of them.
 */
export const remindersDue = (context: ReadContext, request: RemindersDueRequest): Promise<RemindersDueAnswer> =>
  paged(context, 'reminders-due', request, async (session, after, next) => {
    const { cut, reference } = session;
    const { owners } = select(session, request.org);
    const isInstalled = reference.facts(streams.defaultPolicy, cut.atPosition).length > 0;
    const horizon = isInstalled ? horizonOf(session) : null;
    if (horizon === null) return { cut, items: [], nextCursor: null };
    const { found, end } = await candidatesOf(session, { owners, horizon, after, size: limitOf(request.limit) });
    const lights = lightsOf(session);
    const lit = found.flatMap((candidate) => {
      const light = lightDue(lights(candidate.orgId), daysBetween(cut.validAt, candidate.due));
      return light === null ? [] : [{ candidate, light, soFar: severitySoFar(candidate) }];
    });
    const read = await severitiesRead(context, session, lit.filter(({ soFar }) => soFar === undefined).map(({ candidate }) => candidate));
    const items = lit.filter(({ candidate, light, soFar }) => severityOf(light.colour) > (soFar ?? read.get(candidate.id) ?? -1)).map(({ candidate, light }): DueReminder => {
      const org = labelOf(session, candidate.orgId);
      return {
        orgId: candidate.orgId, orgCode: org?.code ?? null, orgName: org?.name ?? null, issueId: candidate.id, numberPath: candidate.numberPath, title: candidate.title,
        colour: light.colour, deadline: candidate.due, daysLeft: daysBetween(cut.validAt, candidate.due), recipients: recipientsOf(light),
      };
    });
    return { cut, items, nextCursor: end === null ? null : next(end) };
  });
