import { maxDay, minDay, type Day, type Instant, type IssueId, type OrgId } from '@rectrail/kernel';
import { shownIssueStates, type PolicyContent } from '@rectrail/tracking-domain';
import { isEnded, isStanding, schema } from '../database/rows.ts';
import { issueKindsOf } from '../figures/issue-class.ts';
import { reachesAt } from '../projections/lanes.ts';
import { isOfKind, uuidOfKey } from '../projections/stream-keys.ts';
import type { Side } from './issue-sides.ts';
import { arrayText, listedOwners } from './org-order.ts';
import { atCut } from './sums.ts';

/** Issues of one organisation that may show something else on one side than on the other. */
export interface Candidates { readonly orgId: OrgId; readonly ids: readonly IssueId[] }

export type Sides = readonly [from: Side, to: Side];

/** The owners on either side, in the order of lists. */
const ownersInOrder = ([from, to]: Sides): readonly OrgId[] =>
  listedOwners(to.session, from.owners === null || to.owners === null ? null : new Set([...from.owners, ...to.owners])).owners.orgIds;

const isSame = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);

/** The open dates that may mean one condition on one side and another on the other: not overdue on both days, and on one of them as near as a policy looks ahead. */
const dueWindow = (sides: Sides): readonly [Day, Day] => {
  const days = sides.map(({ session: { cut } }) => cut.validAt);
  const near = sides.flatMap(({ verdicts }) => {
    const { policies } = verdicts;
    const all = policies === null ? [] : [policies.rest, ...policies.own.values()];
    const distinct = new Map(all.map((policy) => [`${policy.dueSoon.days} ${policy.dueSoon.unit}`, policy]));
    return [...distinct.values()].map((policy) => verdicts.nearUntil(policy));
  });
  return [days.reduce(minDay), [...days, ...near].reduce(maxDay)];
};

/** Owners whose own policies put issues into other buckets on one side than on the other; null where that of everyone else does. */
const ownersOfOtherBuckets = ([from, to]: Sides): readonly OrgId[] | null => {
  const [before, after] = [from.verdicts.policies, to.verdicts.policies];
  // Before its first start an installation has no issues either.
  if (before === null || after === null) return [];
  const differ = (a: PolicyContent, b: PolicyContent): boolean => !isSame(a.buckets, b.buckets);
  if (differ(before.rest, after.rest)) return null;
  const own = new Set([...before.own.keys(), ...after.own.keys()]);
  return [...own].filter((orgId) => differ(before.own.get(orgId) ?? before.rest, after.own.get(orgId) ?? after.rest));
};

const issueStream = isOfKind('e.stream', 'issue-');
const issueOfStream = `e.org_id, ${uuidOfKey('e.stream')} as id`;

const datedKinds = issueKindsOf(shownIssueStates, { isDated: true });

const dueAtCut = (ends: string): string => `
  union all select r.org_id, r.id
    from unnest($13::smallint[]) s(state) cross join unnest($14::smallint[], $15::integer[], $16::integer[]) l(lane, first, last)
    join ${schema}.issue_row r on r.state = s.state and r.lane = l.lane and r.anchor between l.first and l.last
   where ${atCut('r', ['$10', '$11', '$12'], ends)} and r.due >= $17 and r.due <= $18`;

/**
 * Issues with an event that comes, becomes known or takes effect (by its last day, or by its first) between the cuts; those with an open date between the days, and
 * those of owners who are judged by other buckets. Parameters: lower and upper position, known instant and day; the later cut and its lanes; the window of open dates; such
 * owners. `isLatest`: the later cut is of the position that the registers rest on.
 */
const issuesBetween = (isLatest: boolean): string => `
  select ${issueOfStream} from ${schema}.event e where e.position > $4 and e.position <= $5 and ${issueStream}
  union all select ${issueOfStream} from ${schema}.event e where e.known_from > $6 and e.known_from <= $7 and e.position <= $5 and ${issueStream}
  union all select ${issueOfStream} from ${schema}.event e where e.valid_from > $8 and e.valid_from <= $9 and e.position <= $5 and ${issueStream}
  union all select ${issueOfStream} from ${schema}.event e where e.valid_first > $8 and e.valid_first <= $9 and e.position <= $5 and ${issueStream}
  ${dueAtCut(isStanding('r'))} ${isLatest ? '' : dueAtCut(`${isEnded('r')} and $12 < r.pos_to`)}
  union all select n.org_id, n.id from ${schema}.issue_name n where n.org_id = any($19::uuid[])`;

/** The bounds between the cuts: lower and upper position, known instant and day. */
const boundsBetween = ([{ session: { cut: a } }, { session: { cut: b } }]: Sides): readonly [number, number, ...string[]] => {
  const known: readonly Instant[] = [a.knownAt, b.knownAt].sort();
  return [Math.min(a.atPosition, b.atPosition), Math.max(a.atPosition, b.atPosition), ...known, minDay(a.validAt, b.validAt), maxDay(a.validAt, b.validAt)];
};

const parametersBetween = (sides: Sides, judgedAnew: readonly OrgId[]): readonly unknown[] => {
  const { cut, standing } = sides[1].session;
  const reaches = reachesAt(cut, standing.registers);
  return [
    ...boundsBetween(sides), cut.validAt, cut.knownAt, cut.atPosition, datedKinds, reaches.map(({ lane }) => lane), reaches.map(({ from }) => from), reaches.map(({ to }) => to),
    ...dueWindow(sides), arrayText(judgedAnew),
  ];
};

/** Parameters: the owners in order, from which of them on (from 1), the most rows; then those of the source. */
const candidatesSql = (isLatest: boolean): string => `
  select distinct o.ord::integer as ord, c.org_id as "orgId", c.id from (${issuesBetween(isLatest)}) c join unnest($1::uuid[]) with ordinality o(org_id, ord) using (org_id)
   where o.ord >= $2 order by 1, 3 limit $3`;

interface CandidateRow { readonly ord: number; readonly orgId: OrgId; readonly id: IssueId }

const grouped = (rows: readonly CandidateRow[]): readonly Candidates[] =>
  [...Map.groupBy(rows, (row) => row.orgId)].map(([orgId, ofOrg]) => ({ orgId, ids: ofOrg.map(({ id }) => id) }));

const rowsMax = 2_000;

const candidatesBetween = async function* (sides: Sides, owners: readonly OrgId[], judgedAnew: readonly OrgId[]): AsyncGenerator<Candidates> {
  const { tx, cut, standing } = sides[1].session;
  const sql = candidatesSql(cut.atPosition >= standing.registers);
  const parameters = parametersBetween(sides, judgedAnew);
  const find = (from: number, limit: number | null): Promise<readonly CandidateRow[]> => tx.query<CandidateRow>(sql, [arrayText(owners), from, limit, ...parameters]);
  for (let ord = 1; ord <= owners.length;) {
    const rows = await find(ord, rowsMax);
    if (rows.length < rowsMax) {
      yield* grouped(rows);
      return;
    }
    // The last organisation may go on beyond the rows.
    const cut = rows.at(-1)?.ord ?? ord;
    const whole = rows.filter((row) => row.ord < cut);
    yield* grouped(whole.length > 0 ? whole : (await find(ord, null)).filter((row) => row.ord === cut));
    ord = whole.length > 0 ? cut : cut + 1;
  }
};

const orgsAtOnce = 32;

const everyIssue = async function* ([, { session: { tx } }]: Sides, owners: readonly OrgId[]): AsyncGenerator<Candidates> {
  for (let at = 0; at < owners.length; at += orgsAtOnce) {
    yield* grouped(await tx.query<CandidateRow>(
      `select distinct o.ord::integer as ord, n.org_id as "orgId", n.id from unnest($1::uuid[]) with ordinality o(org_id, ord) join ${schema}.issue_name n using (org_id) order by 1, 3`,
      [arrayText(owners.slice(at, at + orgsAtOnce))],
    ));
  }
};

/** More owners than these have not few points. */
const fewOwners = 1_000;
/** With so many events between the cuts, most issues that anyone works at have changed: they are found sooner one by one. */
const manyEvents = 100_000;

/** Whether to look at one issue after the other, rather than for what happened between the cuts. */
const isEachLookedAt = async (sides: Sides, owners: readonly OrgId[], fewPoints: number): Promise<boolean> => {
  const [lower, upper, ...between] = boundsBetween(sides);
  if (upper - lower > manyEvents) return true;
  const [row] = await sides[1].session.tx.query<{ readonly points: string | null; readonly events: number }>(
    `select (select sum(points)::text from ${schema}.figure_org where org_id = any($1::uuid[])) as points,
            (select count(*)::integer from (select from ${schema}.event where known_from > $2 and known_from <= $3 limit $6) e)
            + (select count(*)::integer from (select from ${schema}.event where valid_from > $4 and valid_from <= $5 limit $6) e) as events`,
    [arrayText(owners.length > fewOwners ? [] : owners), ...between, manyEvents],
  );
  return row === undefined || row.events >= manyEvents || (owners.length <= fewOwners && Number(row.points ?? 0) <= fewPoints);
};

/**
 * Issues that may differ between the sides (all that do are among them), organisation by organisation in the order of lists, from one of them on. `fewPoints`: the points of a
 * selection whose issues are quickly looked at one by one.
 */
export const candidatesOf = async function* (sides: Sides, fromOrg: OrgId | null, fewPoints: number): AsyncGenerator<Candidates> {
  const all = ownersInOrder(sides);
  const owners = fromOrg === null ? all : all.slice(Math.max(0, all.indexOf(fromOrg)));
  const judgedAnew = ownersOfOtherBuckets(sides);
  yield* judgedAnew === null || await isEachLookedAt(sides, owners, fewPoints) ? everyIssue(sides, owners) : candidatesBetween(sides, owners, judgedAnew);
};
