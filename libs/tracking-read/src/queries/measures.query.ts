import { streamVersion, type IssueId, type OrgId } from '@rectrail/kernel';
import { streams } from '@rectrail/tracking-domain';
import { MeasureRow } from '../database/entities.ts';
import { parseMeasureCell } from '../projections/measure-projection.ts';
import type { MeasureItem, Page } from './answers.ts';
import { limitOf } from './cursor.ts';
import { countOf, paged } from './paging.ts';
import { select, type ReadContext, type ReadSession } from './read-session.ts';
import type { MeasuresRequest } from './requests.ts';
import { atCut, streamVersions } from './sums.ts';
import type { SelectQueryBuilder } from 'typeorm';

const standing = ({ manager, cut }: ReadSession): SelectQueryBuilder<MeasureRow> =>
  manager.createQueryBuilder(MeasureRow, 'r').where(`${atCut('r', [':validAt', ':knownAt', ':atPosition'])} and r.detail is not null`, { ...cut });

const items = async (session: ReadSession, rows: readonly MeasureRow[]): Promise<readonly MeasureItem[]> => {
  const versions = await streamVersions(session.tx, rows.map((row) => streams.measure(row.id)), session.cut.atPosition);
  return rows.flatMap(({ id, orgId, cell, detail }) => {
    const { last, first } = parseMeasureCell(cell);
    if (detail === null || last === null) return [];
    const { inspectionId, issueIds, marker, title, planned } = detail;
    return [{
      measureId: id, streamVersion: streamVersion(versions.get(streams.measure(id)) ?? 0), orgId, inspectionId, issueIds, marker, title,
      state: last, possibly: first === last ? null : first, planned,
    }];
  });
};

const byOwners = (query: SelectQueryBuilder<MeasureRow>, owners: readonly OrgId[] | null): SelectQueryBuilder<MeasureRow> =>
  (owners === null ? query : query.andWhere('r.org_id = any(:owners)', { owners }));

/** Measures of one issue, in the order of their ids. */
export const measuresOf = async (session: ReadSession, issueId: IssueId): Promise<readonly MeasureItem[]> =>
  items(session, await standing(session).andWhere('r.issue_ids @> array[:issueId]::text[]', { issueId }).orderBy('r.id').getMany());

/** All measures of these owners. */
export const measuresOwnedBy = async (session: ReadSession, owners: readonly OrgId[]): Promise<readonly MeasureItem[]> =>
  items(session, await byOwners(standing(session), owners).getMany());

export const measures = (context: ReadContext, request: MeasuresRequest): Promise<Page<MeasureItem>> =>
  paged(context, 'measures', request, async (session, after, next) => {
    const size = limitOf(request.limit);
    const query = byOwners(standing(session), select(session, request.org).owners);
    if (request.issue !== undefined) query.andWhere('r.issue_ids @> array[:issueId]::text[]', { issueId: request.issue });
    if (request.state !== undefined) query.andWhere("split_part(r.cell, '/', 1) = :state", { state: request.state });
    const total = await countOf(query);
    if (after !== null) query.andWhere('(r.org_id, r.id) > (:orgId, :id)', { orgId: after[0], id: after[1] });
    const rows = await query.orderBy('r.org_id').addOrderBy('r.id').limit(size + 1).getMany();
    const page = rows.slice(0, size);
    const last = rows.length > size ? page.at(-1) : undefined;
    return { cut: session.cut, items: await items(session, page), total, nextCursor: last === undefined ? null : next([last.orgId, last.id]) };
  });
