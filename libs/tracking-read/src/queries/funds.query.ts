import { streamVersion, type FundsCaseId, type IssueId, type OrgId } from '@rectrail/kernel';
import { figureDefinitions, streams, type Sum } from '@rectrail/tracking-domain';
import { rolledUpOf } from '../figures/figure-columns.ts';
import { fundsContributions, type FundsName, type FundsViewDetail } from '../projections/funds-register.ts';
import type { FundsAnswer, FundsCaseItem } from './answers.ts';
import { limitOf } from './cursor.ts';
import { digestOf } from './dashboard.query.ts';
import { figureSumsOf } from './figures.ts';
import { kindsWithMoney } from './funds-conditions.ts';
import { isLinkedTo, isOfInspection, isOwnedBy } from './name-conditions.ts';
import { listedOwners } from './org-order.ts';
import { paged } from './paging.ts';
import { purgedContents } from './purged.ts';
import { labelOf, select, treeChosen, type ReadContext, type ReadSession, type Selected } from './read-session.ts';
import { countOf, listPage, lookUp, noGuess, sizesOf, type Condition, type ListRow, type Wanted } from './register-list.ts';
import type { FundsRequest } from './requests.ts';
import { streamVersions } from './sums.ts';
import { Verdicts } from './verdicts.ts';

type Row = ListRow<FundsCaseId, FundsName, FundsViewDetail>;

const items = async (session: ReadSession, rows: readonly Row[]): Promise<readonly FundsCaseItem[]> => {
  const versions = await streamVersions(session.tx, rows.map((row) => streams.fundsCase(row.id)), session.cut.atPosition);
  return rows.map(({ id, orgId, named: { inspectionId, issueIds }, detail: { movements, duplicates } }) => {
    const sum = (direction: string): Sum => {
      const { n, fen } = fundsContributions({ movements }).find((c) => c.cell === direction) ?? { n: 0, fen: 0n };
      return { fen: String(fen), unknownAmounts: n };
    };
    const org = labelOf(session, orgId);
    return {
      fundsCaseId: id, streamVersion: streamVersion(versions.get(streams.fundsCase(id)) ?? 0), orgId, orgCode: org?.code ?? null, orgName: org?.name ?? null,
      inspectionId, issueIds,
      identified: sum('identified'), recovered: sum('recovered'), returned: sum('returned'), movements, duplicates,
    };
  });
};

/** Cases at the cut of one issue, or of these owners. */
export const fundsCasesOf = async (session: ReadSession, of: { readonly issueId: IssueId } | { readonly owners: readonly OrgId[] }): Promise<readonly FundsCaseItem[]> =>
  items(session, await lookUp<Row>(session, 'funds', ['issueId' in of ? isLinkedTo('funds', of.issueId) : isOwnedBy(of.owners)]));

const wantedCases = (session: ReadSession, { issue, inspection, money, minFen }: FundsRequest, { members }: Selected): Wanted => ({
  kind: 'funds', ...listedOwners(session, members), states: kindsWithMoney[money ?? 'any'], judging: 0, guess: noGuess,
  rows: minFen === undefined ? [] : [((param) => `r.identified >= ${param(minFen)}::bigint`) satisfies Condition],
  names: [...(issue === undefined ? [] : [isLinkedTo('funds', issue)]), ...(inspection === undefined ? [] : [isOfInspection(inspection)])],
});

/**
 * `rectrail.funds/1`: kinds of money side by side, never added; a possible double count is shown with its case, never deducted. The figures are of the whole
 * selection, whatever the other filters.
 */
export const funds = (context: ReadContext, request: FundsRequest): Promise<FundsAnswer> =>
  paged(context, 'funds', request, async (session, after, next) => {
    const selected = select(session, request.org);
    const { whole } = await figureSumsOf(session, selected.members, [], new Verdicts(session, undefined));
    const { funds: figures } = rolledUpOf(whole);
    const wanted = wantedCases(session, request, selected);
    const sizes = await sizesOf(session, wanted);
    const page = await listPage<Row>(session, [{ wanted, order: { by: request.sort ?? 'number', descending: request.order === 'desc' } }], sizes, { after, size: limitOf(request.limit) });
    return {
      cut: session.cut, definition: figureDefinitions.funds, digest: digestOf(figures), org: selected.org, ...treeChosen(session, request), figures,
      cases: await items(session, page.rows), total: page.total ?? await countOf(session, wanted, sizes), nextCursor: page.next === null ? null : next(page.next),
      assumptions: { calendarYears: [] }, purged: await purgedContents(session, selected.members),
    };
  });
