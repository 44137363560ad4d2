import { streamVersion, type IssueId, type OrgId } from '@rectrail/kernel';
import { figureDefinitions, streams, type FundsFigures, type Sum } from '@rectrail/tracking-domain';
import { FundsRow } from '../database/entities.ts';
import { fundsContributions } from '../projections/funds-projection.ts';
import type { FundsAnswer, FundsCaseItem } from './answers.ts';
import { digestOf, moneySum } from './dashboard.query.ts';
import { readAt, select, type ReadContext, type ReadSession } from './read-session.ts';
import type { RollUpRequest } from './requests.ts';
import { atCut, cellSums, streamVersions } from './sums.ts';

/** Cases at the cut of one issue, or of these owners (null: all), in the order of owners and ids. */
export const fundsCasesOf = async (session: ReadSession, of: { readonly issueId: IssueId } | { readonly owners: readonly OrgId[] | null }): Promise<readonly FundsCaseItem[]> => {
  const { manager, tx, cut } = session;
  const query = manager.createQueryBuilder(FundsRow, 'r').where(atCut('r', [':validAt', ':knownAt', ':atPosition']), { ...cut });
  if ('issueId' in of) query.andWhere('r.issue_ids @> array[:issueId]::text[]', of);
  else if (of.owners !== null) query.andWhere('r.org_id = any(:owners)', of);
  const rows = await query.orderBy('r.org_id').addOrderBy('r.id').getMany();
  const versions = await streamVersions(tx, rows.map((row) => streams.fundsCase(row.id)), cut.atPosition);
  return rows.map(({ id, detail: { orgId, inspectionId, issueIds, movements, duplicates } }) => {
    const sum = (direction: string): Sum => {
      const { n, fen } = fundsContributions({ movements }).find((c) => c.cell === direction) ?? { n: 0, fen: 0n };
      return { fen: String(fen), unknownAmounts: n };
    };
    return {
      fundsCaseId: id, streamVersion: streamVersion(versions.get(streams.fundsCase(id)) ?? 0), orgId, inspectionId, issueIds,
      identified: sum('identified'), recovered: sum('recovered'), returned: sum('returned'), movements, duplicates,
    };
  });
};

/** `rectrail.funds/1`: kinds of money side by side, never added; a possible double count is shown with its case, never deducted. */
export const funds = (context: ReadContext, request: RollUpRequest): Promise<FundsAnswer> =>
  readAt(context, request, async (session) => {
    const { org, owners } = select(session, request.org);
    const sums = await cellSums(session, 'funds_point', owners);
    const figures: FundsFigures = { identified: moneySum(sums, 'identified'), recovered: moneySum(sums, 'recovered'), returned: moneySum(sums, 'returned') };
    return {
      cut: session.cut, definition: figureDefinitions.funds, digest: digestOf(figures), org, figures, cases: await fundsCasesOf(session, { owners }),
      assumptions: { calendarYears: [] }, purged: 0,
    };
  });
