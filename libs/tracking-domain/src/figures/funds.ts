import type { Cut, EventId, Fact, FundsCaseId, FuzzyDate, InspectionId, IssueId, OrgId } from '@rectrail/kernel';
import type { FundsKind } from '../funds-case/funds-case.events.ts';
import { evolveFundsCase, initialFundsCaseState, standingEntries, sumOf, type FundsDuplicate, type FundsEntry } from '../funds-case/funds-case.state.ts';
import { countingFacts } from '../time/counting.ts';
import type { TrackingEvent } from '../tracking-event.ts';
import { figureDefinitions, type FigureAnswer, type FigureQuery, type FundsFigures, type Sum } from './definitions.ts';
import { selectionOf, worldOf, type World } from './world.ts';

/** One identification, recovery or return that counts, its amount as far as it is known at the cut. */
export interface FundsRow {
  readonly eventId: EventId;
  readonly fundsCaseId: FundsCaseId;
  readonly direction: 'identified' | 'recovered' | 'returned';
  readonly kind: FundsKind;
  readonly fen: string | null;
  readonly on: FuzzyDate | null;
}

/** A case and its standing entries; a duplicate is shown beside them and never deducted. */
export interface FundsCaseView {
  readonly orgId: OrgId | null;
  readonly fundsCaseId: FundsCaseId;
  readonly inspectionId: InspectionId | null;
  readonly issueIds: readonly IssueId[];
  readonly identified: readonly FundsEntry[];
  readonly recovered: readonly FundsEntry[];
  readonly returned: readonly FundsEntry[];
  readonly duplicates: readonly FundsDuplicate[];
}

export const fundsCaseViews = (world: World, cut: Cut): readonly FundsCaseView[] =>
  world.fundsCases.flatMap(({ owner, facts }) => {
    const state = countingFacts(facts, cut).reduce(evolveFundsCase, initialFundsCaseState);
    if (state.identity === null) return [];
    const { fundsCaseId, inspectionId } = state.identity;
    return [{
      orgId: owner, fundsCaseId, inspectionId, issueIds: state.issueIds, duplicates: state.duplicates,
      identified: state.identified, recovered: standingEntries(state, state.recovered), returned: standingEntries(state, state.returned),
    }];
  });

const printedSum = (entries: readonly FundsEntry[]): Sum => {
  const { fen, unknownAmounts } = sumOf(entries);
  return { fen: fen.toString(), unknownAmounts };
};

export const fundsFigures = (cases: readonly FundsCaseView[]): FundsFigures => ({
  identified: printedSum(cases.flatMap(({ identified }) => identified)),
  recovered: printedSum(cases.flatMap(({ recovered }) => recovered)),
  returned: printedSum(cases.flatMap(({ returned }) => returned)),
});

/** Money of the organisation and all below it, with the entries that make the sums. */
export const funds = (facts: readonly Fact<TrackingEvent>[], cut: Cut, query: FigureQuery): FigureAnswer<FundsFigures> & { readonly rows: readonly FundsRow[] } => {
  const world = worldOf(facts);
  const selected = selectionOf(world, cut, query);
  const cases = fundsCaseViews(world, cut).filter(({ orgId }) => selected(orgId));
  const rowsOf = (view: FundsCaseView, direction: FundsRow['direction']): readonly FundsRow[] =>
    view[direction].map(({ eventId, kind, money, on }) => ({ eventId, fundsCaseId: view.fundsCaseId, direction, kind, fen: money.fen, on }));
  return {
    cut,
    definition: figureDefinitions.funds,
    figures: fundsFigures(cases),
    assumptions: { calendarYears: [] },
    rows: cases.flatMap((view) => [...rowsOf(view, 'identified'), ...rowsOf(view, 'recovered'), ...rowsOf(view, 'returned')]),
  };
};
