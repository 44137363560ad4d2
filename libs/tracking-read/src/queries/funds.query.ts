import { streamVersion, type FundsCaseId, type IssueId, type OrgId } from '@rectrail/kernel';
import { rolledUpOf } from '../figures/figure-columns.ts';
import { figureDefinitions, streams, type Sum } from '@rectrail/tracking-domain';
import { schema } from '../database/rows.ts';
import { fundsContributions, type FundsView } from '../projections/funds-register.ts';
import type { FundsAnswer, FundsCaseItem } from './answers.ts';
import { digestOf } from './dashboard.query.ts';
import { figureSumsOf } from './figures.ts';
import { readAt, select, type ReadContext, type ReadSession } from './read-session.ts';
import type { RollUpRequest } from './requests.ts';
import { Verdicts } from './verdicts.ts';
import { atCut, streamVersions } from './sums.ts';

/** Cases at the cut of one issue, or of these owners (null: all), in the order of owners and ids. */
export const fundsCasesOf = async (session: ReadSession, of: { readonly issueId: IssueId } | { readonly owners: readonly OrgId[] | null }): Promise<readonly FundsCaseItem[]> => {
  const { tx, cut } = session;
  const [where, value] = 'issueId' in of ? ['r.issue_ids @> array[$4]::uuid[]', of.issueId] : ['($4::uuid[] is null or r.org_id = any($4))', of.owners];
  const rows = await tx.query<{ readonly id: FundsCaseId; readonly detail: FundsView }>(
    `select r.id, d.detail from ${schema}.funds_row r join ${schema}.funds_view d using (id, view) where ${atCut('r', ['$1', '$2', '$3'])} and ${where} order by r.org_id, r.id`,
    [cut.validAt, cut.knownAt, cut.atPosition, value],
  );
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
    const { whole } = await figureSumsOf(session, owners === null ? null : new Set(owners), [], new Verdicts(session, undefined));
    const figures = rolledUpOf(whole).funds;
    return {
      cut: session.cut, definition: figureDefinitions.funds, digest: digestOf(figures), org, figures, cases: await fundsCasesOf(session, { owners }),
      assumptions: { calendarYears: [] }, purged: 0,
    };
  });
