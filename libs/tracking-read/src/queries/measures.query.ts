import { streamVersion, type IssueId, type MeasureId, type OrgId } from '@rectrail/kernel';
import { shownMeasureStates, streams } from '@rectrail/tracking-domain';
import { parseMeasureCell } from '../figures/cell-texts.ts';
import { measureKind, type MeasureName, type MeasureViewDetail } from '../projections/measure-register.ts';
import type { MeasureItem, Page } from './answers.ts';
import { limitOf } from './cursor.ts';
import { listCounts } from './list-counts.ts';
import { hasText, isLinkedTo, isOfInspection, isOwnedBy } from './name-conditions.ts';
import { listedOwners } from './org-order.ts';
import { paged } from './paging.ts';
import { labelOf, select, type ReadContext, type ReadSession, type Selected } from './read-session.ts';
import { areQuick, countOf, listPage, lookUp, noGuess, sizesOf, type Condition, type Group, type ListRow, type Wanted } from './register-list.ts';
import type { MeasuresRequest } from './requests.ts';
import { streamVersions } from './sums.ts';

type Row = ListRow<MeasureId, MeasureName, MeasureViewDetail>;

const items = async (session: ReadSession, rows: readonly Row[]): Promise<readonly MeasureItem[]> => {
  const versions = await streamVersions(session.tx, rows.map((row) => streams.measure(row.id)), session.cut.atPosition);
  return rows.flatMap(({ id, orgId, named: { inspectionId, issueIds, marker, title }, detail: { cell, planned } }) => {
    const { last, first } = parseMeasureCell(cell);
    if (last === null) return [];
    const org = labelOf(session, orgId);
    return [{
      measureId: id, streamVersion: streamVersion(versions.get(streams.measure(id)) ?? 0), orgId, orgCode: org?.code ?? null, orgName: org?.name ?? null,
      inspectionId, issueIds, marker, title, state: last, possibly: first === last ? null : first, planned,
    }];
  });
};

/** Measures at the cut of one issue, or of these owners. */
export const measuresOf = async (session: ReadSession, of: { readonly issueId: IssueId } | { readonly owners: readonly OrgId[] }): Promise<readonly MeasureItem[]> =>
  items(session, await lookUp<Row>(session, 'measure', ['issueId' in of ? isLinkedTo('measure', of.issueId) : isOwnedBy(of.owners)]));

const isDue: Condition = () => 'r.due is not null';
const isNotDue: Condition = () => 'r.due is null';

const wantedMeasures = (session: ReadSession, { state, issue, inspection, plannedFrom, plannedUntil, q }: MeasuresRequest, { members }: Selected): Wanted => ({
  kind: 'measure', ...listedOwners(session, members), states: (state === undefined ? shownMeasureStates : [state]).map(measureKind), judging: 0, guess: noGuess,
  rows: [
    ...(plannedFrom === undefined ? [] : [((param) => `r.due >= ${param(plannedFrom)}::date`) satisfies Condition]),
    ...(plannedUntil === undefined ? [] : [((param) => `r.due <= ${param(plannedUntil)}::date`) satisfies Condition]),
  ],
  names: [...(issue === undefined ? [] : [isLinkedTo('measure', issue)]), ...(inspection === undefined ? [] : [isOfInspection(inspection)]), ...(q === undefined ? [] : [hasText(q)])],
});

const groupsOf = (wanted: Wanted, { sort, order }: MeasuresRequest): readonly Group[] => {
  const descending = order === 'desc';
  if (sort !== 'due') return [{ wanted, order: { by: 'number', descending } }];
  return [
    { wanted: { ...wanted, rows: [...wanted.rows, isDue] }, order: { by: 'due', descending } },
    { wanted: { ...wanted, rows: [...wanted.rows, isNotDue] }, order: { by: 'number', descending: false } },
  ];
};

export const measures = (context: ReadContext, request: MeasuresRequest): Promise<Page<MeasureItem>> =>
  paged(context, 'measures', request, async (session, after, next) => {
    const selected = select(session, request.org);
    const wanted = wantedMeasures(session, request, selected);
    const sizes = await sizesOf(session, wanted);
    const known = areQuick(sizes) ? null : await listCounts(session, selected.members);
    const count = known === null ? null : request.state === undefined ? known.counts.measures.total : known.counts.measures.byState[request.state].count;
    const isCounted = known?.isExact === true && wanted.rows.length === 0 && wanted.names.length === 0;
    const guessed: Wanted = { ...wanted, guess: { holding: count, wanted: isCounted || count === null ? count : count / 10 } };
    const page = await listPage<Row>(session, groupsOf(guessed, request), sizes, { after, size: limitOf(request.limit) });
    const total = isCounted ? count : page.total ?? await countOf(session, guessed, sizes);
    return { cut: session.cut, items: await items(session, page.rows), total, nextCursor: page.next === null ? null : next(page.next) };
  });
