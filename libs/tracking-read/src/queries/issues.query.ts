import { daysBetween, isUuid, streamVersion, type Day, type IssueId, type OrgId } from '@rectrail/kernel';
import { figureDefinitions, streams } from '@rectrail/tracking-domain';
import { schema } from '../database/rows.ts';
import { rolledUpOf } from '../figures/figure-columns.ts';
import { isClosedCondition, parsePair, shownIssueState, type IssueCell } from '../figures/cells.ts';
import type { IssueViewDetail } from '../projections/issue-register.ts';
import type { DeadlineItem, DeadlinesAnswer, DeadlineView, IssueDetail, IssueItem, Page } from './answers.ts';
import { limitOf, type CursorKey } from './cursor.ts';
import { digestOf } from './dashboard.query.ts';
import { figureSumsOf } from './figures.ts';
import { fundsCasesOf } from './funds.query.ts';
import { measuresOf } from './measures.query.ts';
import { noId, paged } from './paging.ts';
import { labelOf, readAt, select, type ReadContext, type ReadSession, type Selected } from './read-session.ts';
import type { IssuesRequest, PolicyChoice, ReadRequest } from './requests.ts';
import { atCut, cellSums, streamVersions, type CellSum } from './sums.ts';
import { ReadRejected } from './tracking-read.ts';
import { Verdicts } from './verdicts.ts';

/** An issue at the cut with what it shows there. */
interface Row { readonly id: IssueId; readonly orgId: OrgId; readonly cell: string; readonly detail: IssueViewDetail }

/** A pair of owner and cell whose issues are asked for, how many it holds at the cut, and its place in the order of the list. */
interface WantedPair { readonly orgId: OrgId; readonly cell: string; readonly n: number; readonly ord: number }

/** An open date; null once closed, without one, and where the status is not disclosed. */
const dueOf = (cell: IssueCell): Day | null =>
  (cell.disclosure !== 'STATED' || isClosedCondition(cell.deadline) || cell.deadline === 'NO_DEADLINE' ? null : cell.deadline);

const deadlineView = (session: ReadSession, verdicts: Verdicts, row: Row, cell: IssueCell): DeadlineView => {
  const due = dueOf(cell);
  const { planned, striving, closedOn } = row.detail;
  return { condition: verdicts.condition(row.orgId, cell), due, planned, striving, daysLeft: due === null ? null : daysBetween(session.cut.validAt, due), closedOn };
};

const lastCell = (row: Row): IssueCell => {
  const { last } = parsePair(row.cell);
  if (last === null) throw new Error(`the register holds details of issue ${row.id}, which does not exist there`);
  return last;
};

const issueItem = (session: ReadSession, verdicts: Verdicts, versions: ReadonlyMap<string, number>, row: Row): IssueItem => {
  const { first } = parsePair(row.cell);
  const cell = lastCell(row);
  const { detail, orgId, id } = row;
  const org = labelOf(session, orgId);
  const [state, possibly] = [shownIssueState(cell), first === null ? null : shownIssueState(first)];
  return {
    issueId: id, streamVersion: streamVersion(versions.get(streams.issue(id)) ?? 0), orgId, orgCode: org?.code ?? null, orgName: org?.name ?? null,
    inspectionId: detail.inspectionId, numberPath: detail.numberPath, numberKey: detail.numberKey, title: detail.title, aspect: detail.aspect, annex: detail.annex,
    state, possibly: possibly === state ? null : possibly, track: cell.track, disclosure: cell.disclosure, basis: cell.basis,
    bucket: verdicts.bucket(orgId, cell), deadline: deadlineView(session, verdicts, row, cell),
    openResiduals: detail.residuals.filter((r) => r.open).length, disagreement: detail.disagreement,
  };
};

const matches = (request: IssuesRequest, verdicts: Verdicts, orgId: OrgId, cell: IssueCell): boolean =>
  (request.state === undefined || request.state === shownIssueState(cell))
  && (request.track === undefined || request.track === cell.track)
  && (request.bucket === undefined || request.bucket === verdicts.bucket(orgId, cell))
  && (request.deadline === undefined || request.deadline === verdicts.condition(orgId, cell));

/** Organisations in the order of the tree by which the read rolls up, those that stand in none last, by id. */
const orgOrder = (session: ReadSession): ((orgId: OrgId) => number) => {
  const order = new Map(session.rollUp.roots.flatMap((root) => session.rollUp.subtree(root)).map((orgId, index) => [orgId, index]));
  return (orgId) => order.get(orgId) ?? order.size;
};

const wantedPairs = (sums: readonly CellSum[], request: IssuesRequest, verdicts: Verdicts, ordOf: (orgId: OrgId, cell: IssueCell) => number): readonly WantedPair[] =>
  sums.flatMap(({ orgId, cell, n }) => {
    const { last } = parsePair(cell);
    return last !== null && matches(request, verdicts, orgId, last) ? [{ orgId, cell, n, ord: ordOf(orgId, last) }] : [];
  }).sort((a, b) => a.ord - b.ord);

/** Of pairs in the order of the list, those from the cursor on that hold enough issues; at the cursor's own place all may lie before it. */
const fillingPage = (wanted: readonly WantedPair[], after: CursorKey | null, size: number): readonly WantedPair[] => {
  const from = after === null ? -1 : Number(after[0]);
  let ahead = 0;
  let lastOrd = -1;
  return wanted.filter(({ ord, n }) => {
    if (ord < from || (ahead > size && ord > lastOrd)) return false;
    if (ord > from) ahead += n;
    lastOrd = ord;
    return true;
  });
};

const listSql = `
    from ${schema}.issue_row r join unnest($4::uuid[], $5::text[], $6::bigint[]) as w(org_id, cell, ord) using (org_id, cell) join ${schema}.issue_view d using (id, view)
   where ${atCut('r', ['$1', '$2', '$3'])}
     and ($7::uuid is null or r.inspection_id = $7) and ($8::text is null or strpos(r.search, $8) > 0)`;

/** An id that no inspection can have finds nothing; null: all. */
const inspectionOf = ({ inspection }: IssuesRequest): string | null => (inspection === undefined ? null : isUuid(inspection) ? inspection : noId);

const order = `w.ord, r.org_id, r.inspection_id, r.number_key, r.id`;

interface ListPage { readonly rows: readonly (Row & { readonly ord: number })[]; readonly total: number; readonly more: boolean }

const listPage = async (session: ReadSession, wanted: readonly WantedPair[], request: IssuesRequest, after: CursorKey | null): Promise<ListPage> => {
  const { tx, cut } = session;
  const size = limitOf(request.limit);
  // Text and inspection are known to the rows alone; all else the sums have counted, which also tells where the page ends.
  const isCounted = request.inspection === undefined && request.q === undefined;
  const pairs = isCounted ? fillingPage(wanted, after, size) : wanted;
  const params = [
    cut.validAt, cut.knownAt, cut.atPosition, pairs.map((w) => w.orgId), pairs.map((w) => w.cell), pairs.map((w) => w.ord),
    inspectionOf(request), request.q?.toLowerCase() ?? null,
  ];
  const total = isCounted
    ? wanted.reduce((sum, { n }) => sum + n, 0)
    : (await tx.query<{ n: number }>(`select count(*)::int as n ${listSql}`, params))[0]?.n ?? 0;
  const rows = await tx.query<Row & { readonly ord: number }>(
    `select r.id, r.org_id as "orgId", r.cell, d.detail, w.ord::int as ord ${listSql}
       ${after === null ? '' : `and (${order}) > ($10::bigint, $11::uuid, $12::uuid, $13, $14::uuid)`} order by ${order} limit $9`,
    [...params, size + 1, ...(after ?? [])],
  );
  return { rows: rows.slice(0, size), total, more: rows.length > size };
};

interface Listing {
  readonly request: IssuesRequest;
  readonly after: CursorKey | null;
  readonly next: (key: CursorKey) => string;
  /** The place of an owner's cell in the list. */
  readonly ordOf: (orgId: OrgId, cell: IssueCell) => number;
}

interface IssueList {
  readonly page: ListPage;
  readonly selected: Selected;
  readonly sums: readonly CellSum[];
  readonly verdicts: Verdicts;
  readonly nextCursor: string | null;
}

const issueList = async (session: ReadSession, { request, after, next, ordOf }: Listing): Promise<IssueList> => {
  const selected = select(session, request.org);
  const verdicts = new Verdicts(session, request.policy);
  const sums = await cellSums(session, 'issue', selected.owners);
  const page = await listPage(session, wantedPairs(sums, request, verdicts, ordOf), request, after);
  const last = page.more ? page.rows.at(-1) : undefined;
  const nextCursor = last === undefined ? null : next([last.ord, last.orgId, last.detail.inspectionId, last.detail.numberKey, last.id]);
  return { page, selected, sums, verdicts, nextCursor };
};

/** Issues in the order of organisations, inspections and printed numbers. */
export const issues = (context: ReadContext, request: IssuesRequest): Promise<Page<IssueItem>> =>
  paged(context, 'issues', request, async (session, after, next) => {
    const { page: { rows, total }, verdicts, nextCursor } = await issueList(session, { request, after, next, ordOf: orgOrder(session) });
    const versions = await streamVersions(session.tx, rows.map((row) => streams.issue(row.id)), session.cut.atPosition);
    return { cut: session.cut, items: rows.map((row) => issueItem(session, verdicts, versions, row)), total, nextCursor };
  });

const dayOrder = (due: Day | null): number => (due === null ? 99_999_999 : Number(due.replaceAll('-', '')));

/** Issues with their deadlines, the earliest open date first; the figures are of the whole selection, whatever the other filters. */
export const deadlines = (context: ReadContext, request: IssuesRequest): Promise<DeadlinesAnswer> =>
  paged(context, 'deadlines', request, async (session, after, next) => {
    const { page: { rows, total }, selected, sums, verdicts, nextCursor } = await issueList(session, { request, after, next, ordOf: (_orgId, cell) => dayOrder(dueOf(cell)) });
    const { whole } = await figureSumsOf(session, selected.owners === null ? null : new Set(selected.owners), [], verdicts);
    const { byDeadline } = rolledUpOf(whole).issues;
    const items = rows.map((row): DeadlineItem => {
      const cell = lastCell(row);
      const view = deadlineView(session, verdicts, row, cell);
      return {
        ...view, issueId: row.id, orgId: row.orgId, orgCode: labelOf(session, row.orgId)?.code ?? null, numberPath: row.detail.numberPath, title: row.detail.title,
        state: shownIssueState(cell), track: cell.track, flagged: view.condition === 'NO_DEADLINE',
      };
    });
    return {
      cut: session.cut, definition: figureDefinitions.deadlines, digest: digestOf(byDeadline), org: selected.org, figures: byDeadline,
      items, total, nextCursor, assumptions: verdicts.assumptions, purged: 0,
    };
  });

/** Issues that exist at the cut: that with an id, or those of these owners in the order of their numbers. */
const existing = async ({ tx, cut }: ReadSession, of: { readonly id: IssueId } | { readonly owners: readonly OrgId[] }): Promise<readonly Row[]> =>
  tx.query<Row>(
    `select r.id, r.org_id as "orgId", r.cell, d.detail from ${schema}.issue_row r join ${schema}.issue_view d using (id, view)
      where ${atCut('r', ['$1', '$2', '$3'])} and ${'id' in of ? 'r.id = $4' : 'r.org_id = any($4)'} order by r.number_key, r.id`,
    [cut.validAt, cut.knownAt, cut.atPosition, 'id' in of ? of.id : of.owners],
  );

/** @throws ReadRejected `unknown-issue` where it does not exist at the cut, `outside-jurisdiction`. */
export const issue = (context: ReadContext, id: IssueId, request: ReadRequest & PolicyChoice): Promise<IssueDetail> =>
  readAt(context, request, async (session) => {
    const [row] = isUuid(id) ? await existing(session, { id }) : [];
    if (row === undefined) throw new ReadRejected('unknown-issue', `issue ${id} does not exist at this cut`);
    if (session.visible !== null && !session.visible.has(row.orgId)) throw new ReadRejected('outside-jurisdiction', `issue ${id} lies outside the jurisdiction of this token`);
    const versions = await streamVersions(session.tx, [streams.issue(id)], session.cut.atPosition);
    const { heading, strand, assistingOrgIds, printedStatus, continuation, residuals, claim } = row.detail;
    return {
      cut: session.cut, issue: issueItem(session, new Verdicts(session, request.policy), versions, row),
      heading, strand, assistingOrgIds, keptState: lastCell(row).state, printedStatus, continuation, residuals,
      claim: claim === null ? null : { ...claim },
      measures: await measuresOf(session, { issueId: id }), funds: await fundsCasesOf(session, { issueId: id }),
    };
  });

/** Issues at the cut with what declared figures are compared with. */
export const foundIssues = async (session: ReadSession, owners: readonly OrgId[]): Promise<readonly IssueItem[]> => {
  const verdicts = new Verdicts(session, undefined);
  return (await existing(session, { owners })).map((row) => issueItem(session, verdicts, new Map(), row));
};
