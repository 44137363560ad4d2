import { daysBetween, streamVersion, type IssueId, type OrgId } from '@rectrail/kernel';
import { figureDefinitions, streams } from '@rectrail/tracking-domain';
import { parsePair } from '../figures/cell-texts.ts';
import { dueOf, shownIssueState, type IssueCell } from '../figures/cells.ts';
import { rolledUpOf } from '../figures/figure-columns.ts';
import type { IssueName, IssueViewDetail } from '../projections/issue-register.ts';
import type { DeadlineItem, DeadlinesAnswer, DeadlineView, IssueDetail, IssueItem, Page } from './answers.ts';
import { limitOf } from './cursor.ts';
import { digestOf } from './dashboard.query.ts';
import { figureSumsOf } from './figures.ts';
import { fundsCasesOf } from './funds.query.ts';
import { issueSelection } from './issue-selection.ts';
import { measuresOf } from './measures.query.ts';
import { hasId, isOwnedBy } from './name-conditions.ts';
import { paged } from './paging.ts';
import { purgedContents } from './purged.ts';
import { labelOf, readAt, select, treeChosen, type ReadContext, type ReadSession } from './read-session.ts';
import { listPage, lookUp, type ListRow } from './register-list.ts';
import type { IssuesRequest, PolicyChoice, ReadRequest } from './requests.ts';
import { streamVersions } from './sums.ts';
import { ReadRejected } from './tracking-read.ts';
import { Verdicts } from './verdicts.ts';

type Row = ListRow<IssueId, IssueName, IssueViewDetail>;

const deadlineView = (session: ReadSession, verdicts: Verdicts, row: Row, cell: IssueCell): DeadlineView => {
  const due = dueOf(cell);
  const { planned, striving, closedOn } = row.detail;
  return { condition: verdicts.condition(row.orgId, cell), due, planned, striving, daysLeft: due === null ? null : daysBetween(session.cut.validAt, due), closedOn };
};

const lastCell = (row: Row): IssueCell => {
  const { last } = parsePair(row.detail.cell);
  if (last === null) throw new Error(`the register shows issue ${row.id}, which does not exist there`);
  return last;
};

const issueItem = (session: ReadSession, verdicts: Verdicts, versions: ReadonlyMap<string, number>, row: Row): IssueItem => {
  const { first } = parsePair(row.detail.cell);
  const cell = lastCell(row);
  const { named, detail, orgId, id, since } = row;
  const org = labelOf(session, orgId);
  const [state, possibly] = [shownIssueState(cell), first === null ? null : shownIssueState(first)];
  return {
    issueId: id, streamVersion: streamVersion(versions.get(streams.issue(id)) ?? 0), orgId, orgCode: org?.code ?? null, orgName: org?.name ?? null,
    inspectionId: named.inspectionId, numberPath: named.numberPath, numberKey: named.numberKey, title: named.title, aspect: named.aspect, annex: named.annex,
    state, possibly: possibly === state ? null : possibly, track: cell.track, disclosure: cell.disclosure, basis: cell.basis,
    bucket: verdicts.bucket(orgId, cell), deadline: deadlineView(session, verdicts, row, cell),
    openResiduals: detail.residuals.filter((r) => r.open).length, disagreement: detail.disagreement, since,
  };
};

/** Issues that exist at the cut; sorted by number unless asked otherwise. */
export const issues = (context: ReadContext, request: IssuesRequest): Promise<Page<IssueItem>> =>
  paged(context, 'issues', request, async (session, after, next) => {
    const verdicts = new Verdicts(session, request.policy);
    const { groups, sizes, total } = await issueSelection(session, request, { selected: select(session, request.org), verdicts });
    const page = await listPage<Row>(session, groups, sizes, { after, size: limitOf(request.limit) });
    const versions = await streamVersions(session.tx, page.rows.map((row) => streams.issue(row.id)), session.cut.atPosition);
    const items = page.rows.map((row) => issueItem(session, verdicts, versions, row));
    return { cut: session.cut, items, total: page.total ?? await total(), nextCursor: page.next === null ? null : next(page.next) };
  });

/** Issues with their deadlines, the earliest open date first unless asked otherwise; the figures are of the whole selection, whatever the other filters. */
export const deadlines = (context: ReadContext, request: IssuesRequest): Promise<DeadlinesAnswer> =>
  paged(context, 'deadlines', request, async (session, after, next) => {
    const selected = select(session, request.org);
    const verdicts = new Verdicts(session, request.policy);
    const { whole } = await figureSumsOf(session, selected.members, [], verdicts);
    const { issues: counts } = rolledUpOf(whole);
    const { groups, sizes, total } = await issueSelection(session, { ...request, sort: request.sort ?? 'due' }, { selected, verdicts, counts });
    const page = await listPage<Row>(session, groups, sizes, { after, size: limitOf(request.limit) });
    const items = page.rows.map((row): DeadlineItem => {
      const cell = lastCell(row);
      const view = deadlineView(session, verdicts, row, cell);
      const org = labelOf(session, row.orgId);
      return {
        ...view, issueId: row.id, orgId: row.orgId, orgCode: org?.code ?? null, orgName: org?.name ?? null, numberPath: row.named.numberPath, title: row.named.title,
        state: shownIssueState(cell), track: cell.track, flagged: view.condition === 'NO_DEADLINE',
      };
    });
    return {
      cut: session.cut, definition: figureDefinitions.deadlines, digest: digestOf(counts.byDeadline), org: selected.org, ...treeChosen(session, request), policy: verdicts.chosen,
      figures: counts.byDeadline, items, total: page.total ?? await total(), nextCursor: page.next === null ? null : next(page.next), assumptions: verdicts.assumptions,
      purged: await purgedContents(session, selected.members),
    };
  });

/** @throws ReadRejected `unknown-issue` where it does not exist at the cut, `outside-jurisdiction`. */
export const issue = (context: ReadContext, id: IssueId, request: ReadRequest & PolicyChoice): Promise<IssueDetail> =>
  readAt(context, request, async (session) => {
    const [row] = await lookUp<Row>(session, 'issue', [hasId(id)]);
    if (row === undefined) throw new ReadRejected('unknown-issue', `issue ${id} does not exist at this cut`);
    if (session.visible !== null && !session.visible.has(row.orgId)) throw new ReadRejected('outside-jurisdiction', `issue ${id} lies outside the jurisdiction of this token`);
    const versions = await streamVersions(session.tx, [streams.issue(id)], session.cut.atPosition);
    const { named: { heading, strand, assistingOrgIds }, detail: { printedStatus, continuation, residuals, claim } } = row;
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
  const rows = await lookUp<Row>(session, 'issue', [isOwnedBy(owners)]);
  return rows.map((row) => issueItem(session, verdicts, new Map(), row)).sort((a, b) => (a.numberKey === b.numberKey ? 0 : a.numberKey < b.numberKey ? -1 : 1));
};
