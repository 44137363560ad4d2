import { isUuid, streamVersion, type IssueId, type MeasureId, type OrgId } from '@rectrail/kernel';
import { streams } from '@rectrail/tracking-domain';
import { schema } from '../database/rows.ts';
import { parseMeasureCell } from '../figures/cells.ts';
import type { MeasureViewDetail } from '../projections/measure-register.ts';
import type { MeasureItem, Page } from './answers.ts';
import { limitOf } from './cursor.ts';
import { noId, paged } from './paging.ts';
import { select, type ReadContext, type ReadSession } from './read-session.ts';
import type { MeasuresRequest } from './requests.ts';
import { atCut, streamVersions } from './sums.ts';

/** A measure at the cut with what it shows there. */
interface Row { readonly id: MeasureId; readonly orgId: OrgId; readonly cell: string; readonly detail: MeasureViewDetail }

const columns = `r.id, r.org_id as "orgId", r.cell, d.detail`;
const standing = `from ${schema}.measure_row r join ${schema}.measure_view d using (id, view) where ${atCut('r', ['$1', '$2', '$3'])}`;

const items = async (session: ReadSession, rows: readonly Row[]): Promise<readonly MeasureItem[]> => {
  const versions = await streamVersions(session.tx, rows.map((row) => streams.measure(row.id)), session.cut.atPosition);
  return rows.flatMap(({ id, orgId, cell, detail: { inspectionId, issueIds, marker, title, planned } }) => {
    const { last, first } = parseMeasureCell(cell);
    if (last === null) return [];
    return [{
      measureId: id, streamVersion: streamVersion(versions.get(streams.measure(id)) ?? 0), orgId, inspectionId, issueIds, marker, title,
      state: last, possibly: first === last ? null : first, planned,
    }];
  });
};

/** Measures at the cut of one issue, or of these owners, in the order of their ids. */
export const measuresOf = async (session: ReadSession, of: { readonly issueId: IssueId } | { readonly owners: readonly OrgId[] }): Promise<readonly MeasureItem[]> => {
  const { tx, cut } = session;
  const [where, value] = 'issueId' in of ? ['r.issue_ids @> array[$4]::uuid[]', of.issueId] : ['r.org_id = any($4)', of.owners];
  return items(session, await tx.query<Row>(`select ${columns} ${standing} and ${where} order by r.id`, [cut.validAt, cut.knownAt, cut.atPosition, value]));
};

export const measures = (context: ReadContext, request: MeasuresRequest): Promise<Page<MeasureItem>> =>
  paged(context, 'measures', request, async (session, after, next) => {
    const { tx, cut } = session;
    const size = limitOf(request.limit);
    const { owners } = select(session, request.org);
    const issueId = request.issue === undefined ? null : isUuid(request.issue) ? request.issue : noId;
    const filtered = `${standing} and ($4::uuid[] is null or r.org_id = any($4)) and ($5::uuid is null or r.issue_ids @> array[$5::uuid]) and ($6::text is null or split_part(r.cell, '/', 1) = $6)`;
    const params = [cut.validAt, cut.knownAt, cut.atPosition, owners, issueId, request.state ?? null];
    const [count] = await tx.query<{ readonly n: number }>(`select count(*)::int as n ${filtered}`, params);
    const rows = await tx.query<Row>(
      `select ${columns} ${filtered} ${after === null ? '' : 'and (r.org_id, r.id) > ($8::uuid, $9::uuid)'} order by r.org_id, r.id limit $7`, [...params, size + 1, ...(after ?? [])],
    );
    const page = rows.slice(0, size);
    const last = rows.length > size ? page.at(-1) : undefined;
    return { cut, items: await items(session, page), total: count?.n ?? 0, nextCursor: last === undefined ? null : next([last.orgId, last.id]) };
  });
