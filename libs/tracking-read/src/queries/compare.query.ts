import type { Cut, IssueId, OrgId } from '@rectrail/kernel';
import { figureDefinitions, streams, type Count, type DashboardFigures, type Sum } from '@rectrail/tracking-domain';
import { schema } from '../database/rows.ts';
import type { IssueName } from '../projections/issue-register.ts';
import { wholeName } from '../projections/register-details.ts';
import { candidatesOf, type Candidates, type Sides } from './changed-issues.ts';
import { wholeStreams } from './counting-facts.ts';
import { decodeCursor, encodeCursor, filtersHash, limitOf, type CursorKey } from './cursor.ts';
import { dashboardOf } from './dashboard.query.ts';
import { causesOf, changedFields, changingEvents, rowsAt, shownOn, type Side, type SideRow } from './issue-sides.ts';
import { arrayText } from './org-order.ts';
import type { CompareAnswer, ComparedSide, CompareRequest, FigureDifference, IssueChange } from './over-time.ts';
import { purgedContents } from './purged.ts';
import { isSameCut, labelOf, readAtBoth, select, treeChosen, type ReadContext, type ReadSession, type Selected } from './read-session.ts';
import type { ReadRequest } from './requests.ts';
import { ReadRejected } from './tracking-read.ts';
import { Verdicts } from './verdicts.ts';

const countsLess = <X extends string>(a: Readonly<Record<X, Count>>, b: Readonly<Record<X, Count>>): Readonly<Record<X, Count>> => {
  const less = (x: X): Count => ({ count: a[x].count - b[x].count, undetermined: a[x].undetermined - b[x].undetermined });
  // Both have every class.
  return Object.fromEntries((Object.keys(a) as X[]).map((x) => [x, less(x)])) as Record<X, Count>;
};

const sumLess = (a: Sum, b: Sum): Sum => ({ fen: String(BigInt(a.fen) - BigInt(b.fen)), unknownAmounts: a.unknownAmounts - b.unknownAmounts });

const difference = (to: DashboardFigures, from: DashboardFigures): FigureDifference => ({
  issues: {
    total: to.issues.total - from.issues.total,
    byState: countsLess(to.issues.byState, from.issues.byState),
    byBucket: countsLess(to.issues.byBucket, from.issues.byBucket),
    byDeadline: countsLess(to.issues.byDeadline, from.issues.byDeadline),
  },
  measures: {
    total: to.measures.total - from.measures.total, shared: to.measures.shared - from.measures.shared, byState: countsLess(to.measures.byState, from.measures.byState),
  },
  funds: { recovered: sumLess(to.funds.recovered, from.funds.recovered), returned: sumLess(to.funds.returned, from.funds.returned) },
});

/** An issue on both sides, and what its lists and its place in the order go by. */
interface Pair {
  readonly id: IssueId;
  readonly orgId: OrgId;
  readonly rows: readonly [from: SideRow | undefined, to: SideRow | undefined];
  readonly named: IssueName;
}

/** What issues that exist on neither side by last days are first called where they do. */
const firstNames = async ({ tx }: ReadSession, ids: readonly IssueId[]): Promise<ReadonlyMap<IssueId, IssueName>> => {
  if (ids.length === 0) return new Map();
  const rows = await tx.query<{ readonly id: IssueId; readonly detail: IssueName }>(
    `select distinct on (n.id) n.id, ${wholeName('issue', 'n')} as detail from ${schema}.issue_name n where n.id = any($1::uuid[]) order by n.id, n.name`, [arrayText(ids)],
  );
  return new Map(rows.map(({ id, detail }) => [id, detail]));
};

const pairsOf = async (context: ReadContext, [from, to]: Sides, candidates: readonly Candidates[]): Promise<readonly Pair[]> => {
  const all = candidates.flatMap(({ ids }) => ids);
  const [before, after] = [await rowsAt(context, from.session, all), await rowsAt(context, to.session, all)];
  const first = await firstNames(to.session, all.filter((id) => (after.get(id)?.named ?? before.get(id)?.named ?? null) === null && (before.has(id) || after.has(id))));
  return candidates.flatMap(({ orgId, ids }) => ids.flatMap((id) => {
    const rows = [before.get(id), after.get(id)] as const;
    const named = rows[1]?.named ?? rows[0]?.named ?? first.get(id);
    return named === undefined ? [] : [{ id, orgId, rows, named }];
  }));
};

interface ChangedPair extends Pair, Pick<IssueChange, 'before' | 'after' | 'changed'> {}

const changedPairs = ([from, to]: Sides, pairs: readonly Pair[]): readonly ChangedPair[] => pairs.flatMap((pair) => {
  const [before, after] = [shownOn(from, pair.rows[0]), shownOn(to, pair.rows[1])];
  const changed = changedFields(before, after);
  return changed.length === 0 ? [] : [{ ...pair, before, after, changed }];
});

const keyOf = ({ orgId, id, named }: ChangedPair): CursorKey => [orgId, named.inspectionId, named.numberKey, id];

const compareKeys = (a: CursorKey, b: CursorKey): number => {
  const place = a.findIndex((part, i) => part !== b[i]);
  return place === -1 ? 0 : (a[place] ?? '') < (b[place] ?? '') ? -1 : 1;
};

/** Issues looked at in one go. */
const issuesAtOnce = 200;

/** Candidates of one organisation after the other, so many issues together. */
const inBatches = async function* (candidates: AsyncIterable<Candidates>): AsyncGenerator<readonly Candidates[]> {
  let batch: Candidates[] = [];
  for await (const one of candidates) {
    batch.push(one);
    if (batch.reduce((sum, { ids }) => sum + ids.length, 0) < issuesAtOnce) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
};

const changedAfter = async (context: ReadContext, sides: Sides, after: CursorKey | null, wanted: number): Promise<readonly ChangedPair[]> => {
  const found: ChangedPair[] = [];
  // A cursor's key has been checked for its shape.
  const org = after === null ? null : after[0] as OrgId;
  for await (const batch of inBatches(candidatesOf(sides, org, context.fewPoints))) {
    const changed = Map.groupBy(changedPairs(sides, await pairsOf(context, sides, batch)), ({ orgId }) => orgId);
    for (const { orgId } of batch) {
      const ofOrg = (changed.get(orgId) ?? []).toSorted((a, b) => compareKeys(keyOf(a), keyOf(b)));
      found.push(...(after !== null && orgId === org ? ofOrg.filter((pair) => compareKeys(keyOf(pair), after) > 0) : ofOrg));
    }
    if (found.length >= wanted) break;
  }
  return found.slice(0, wanted);
};

const issueChanges = async (context: ReadContext, sides: Sides, pairs: readonly ChangedPair[]): Promise<readonly IssueChange[]> => {
  const [{ session: { cut: from } }, { session }] = sides;
  const upTo = from.atPosition > session.cut.atPosition ? from.atPosition : session.cut.atPosition;
  const facts = await wholeStreams(context, pairs.map(({ id }) => streams.issue(id)), upTo);
  return pairs.map(({ id, orgId, rows, named: { inspectionId, numberPath, title }, before, after, changed }) => {
    const org = labelOf(session, orgId);
    const events = changingEvents(facts.get(streams.issue(id)) ?? [], { from, to: session.cut }, changed);
    return {
      issueId: id, orgId, orgCode: org?.code ?? null, orgName: org?.name ?? null, inspectionId, numberPath, title,
      before, after, changed, causes: causesOf(sides, { rows, changed, events }), events,
    };
  });
};

/** An organisation that was not yet registered at the earlier position stands alone there, without anything. */
const selectAt = (session: ReadSession, org: OrgId | null): Selected['members'] => {
  if (org === null) return select(session, undefined).members;
  return labelOf(session, org) === null ? new Set([org]) : select(session, org).members;
};

const comparedSide = async ({ session, verdicts, owners }: Side, org: OrgId | null, request: CompareRequest): Promise<ComparedSide> => {
  const { figures, digest } = await dashboardOf(session, { org, owners }, verdicts);
  return { cut: session.cut, treeOn: treeChosen(session, request).treeOn, digest, figures, assumptions: verdicts.assumptions };
};

const earlierRequest = (request: CompareRequest): CompareRequest =>
  ({ ...request, validAt: request.fromValidAt, knownAt: request.fromKnownAt, atPosition: request.fromAtPosition, atLeast: undefined });

/** A cursor has the later cut as its own and the earlier one at the head of its key. */
const cursorOf = (request: CompareRequest) => {
  const { org, tree, treeAt, policy } = request;
  const hash = filtersHash('compare', { org, tree, treeAt, policy });
  return {
    encode: (from: Cut, to: Cut, key: CursorKey): string => encodeCursor(hash, to, [from.atPosition, from.knownAt, from.validAt, ...key]),
    decode: (text: string): { readonly from: ReadRequest; readonly to: Cut; readonly key: CursorKey } => {
      const { cut, key: [atPosition, knownAt, validAt, ...key] } = decodeCursor(text, 'compare', hash);
      // The shape of the key says what its parts are.
      return { from: { within: request.within, atPosition, knownAt, validAt } as ReadRequest, to: cut, key };
    },
  };
};

/**
 * Two cuts side by side: the dashboards of both, their difference, and the issues that changed, with the events that made it so.
 * @throws ReadRejected `cursor-invalid`, `cursor-mismatch`, `unknown-organisation`, `unknown-tree`, `outside-jurisdiction`.
 */
export const compare = async (context: ReadContext, request: CompareRequest): Promise<CompareAnswer> => {
  const cursors = cursorOf(request);
  const after = request.cursor === undefined ? null : cursors.decode(request.cursor);
  const earlier = { ...earlierRequest(request), ...after?.from };
  if (after !== null && !(isSameCut(context.zone, after.to, request) && isSameCut(context.zone, earlier as Cut, earlierRequest(request)))) {
    throw new ReadRejected('cursor-mismatch', 'the cursor belongs to other cuts. Potential solutions: leave the cuts out, since the cursor brings its own, or start without a cursor');
  }
  return readAtBoth(context, earlier, { ...request, ...after?.to }, async (from, to) => {
    const { org, members } = select(to, request.org);
    const [before, later]: Sides = [
      { session: from, owners: selectAt(from, org?.orgId ?? null), verdicts: new Verdicts(from, request.policy) },
      { session: to, owners: members, verdicts: new Verdicts(to, request.policy) },
    ];
    const [fromSide, toSide] = [await comparedSide(before, org?.orgId ?? null, request), await comparedSide(later, org?.orgId ?? null, request)];
    const size = limitOf(request.limit);
    const found = await changedAfter(context, [before, later], after?.key ?? null, size + 1);
    const page = found.slice(0, size);
    const last = found.length > size ? page.at(-1) : undefined;
    return {
      cut: to.cut, definition: figureDefinitions.dashboard, org, ...treeChosen(to, request), policy: later.verdicts.chosen,
      from: fromSide, to: toSide, difference: difference(toSide.figures, fromSide.figures),
      items: await issueChanges(context, [before, later], page), nextCursor: last === undefined ? null : cursors.encode(from.cut, to.cut, keyOf(last)),
      purged: Math.max(await purgedContents(from, before.owners), await purgedContents(to, members)),
    };
  });
};
