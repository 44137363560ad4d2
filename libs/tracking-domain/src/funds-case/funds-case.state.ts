import { assertNever, knownFen, type EventId, type Fact, type FundsCaseId, type FuzzyDate, type InspectionId, type IssueId, type Money, type OrgId } from '@rectrail/kernel';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import type { FundsCaseEvent, FundsKind } from './funds-case.events.ts';

export interface FundsCaseIdentity {
  readonly fundsCaseId: FundsCaseId;
  readonly orgId: OrgId;
  readonly inspectionId: InspectionId | null;
}

/** Money identified, recovered or returned, as first stated. */
export interface FundsEntry {
  readonly eventId: EventId;
  readonly money: Money;
  readonly kind: FundsKind;
  readonly voucher: string | null;
  readonly on: FuzzyDate | null;
}

export interface FundsDuplicate { readonly otherCaseId: FundsCaseId; readonly statedBy: 'SOURCE' | 'PERSON'; readonly note: string }

/**
 * What was stated, each beside the other: amounts specified later and reversals are kept apart and applied when summing, so that
 * the order in which they take effect does not matter.
 */
export interface FundsCaseState {
  /** Null until the case exists: from its first identification, recovery or return. */
  readonly identity: FundsCaseIdentity | null;
  readonly issueIds: readonly IssueId[];
  readonly identified: readonly FundsEntry[];
  readonly recovered: readonly FundsEntry[];
  readonly returned: readonly FundsEntry[];
  readonly specified: ReadonlyMap<EventId, Money>;
  readonly reversed: ReadonlyMap<EventId, string>;
  readonly duplicates: readonly FundsDuplicate[];
}

export const initialFundsCaseState: FundsCaseState = {
  identity: null, issueIds: [], identified: [], recovered: [], returned: [], specified: new Map(), reversed: new Map(), duplicates: [],
};

type MoneyStated = Extract<FundsCaseEvent, { type: 'IrregularFundsIdentified' | 'FundsRecovered' | 'FundsReturned' }>;

const stated = (state: FundsCaseState, event: MoneyStated): Pick<FundsCaseState, 'identity' | 'issueIds'> => {
  const { fundsCaseId, orgId, inspectionId, issueIds } = event.data;
  return { identity: state.identity ?? { fundsCaseId, orgId, inspectionId }, issueIds: [...new Set([...state.issueIds, ...issueIds])] };
};

const entryOf = (fact: Fact, event: MoneyStated): FundsEntry => {
  const { money, kind } = event.data;
  return { eventId: fact.eventId, money, kind, voucher: event.type === 'IrregularFundsIdentified' ? null : event.data.voucher, on: fact.validTime };
};

export const evolveFundsCase = (state: FundsCaseState, fact: Fact<FundsCaseEvent | FactsRetracted>): FundsCaseState => {
  const event = fact.event;
  switch (event.type) {
    case 'IrregularFundsIdentified': return { ...state, ...stated(state, event), identified: [...state.identified, entryOf(fact, event)] };
    case 'FundsRecovered': return { ...state, ...stated(state, event), recovered: [...state.recovered, entryOf(fact, event)] };
    case 'FundsReturned': return { ...state, ...stated(state, event), returned: [...state.returned, entryOf(fact, event)] };
    case 'RecoveryAmountSpecified': return { ...state, specified: new Map(state.specified).set(event.data.of, event.data.money) };
    case 'RecoveryReversed': return { ...state, reversed: new Map(state.reversed).set(event.data.of, event.data.reason) };
    case 'FundsDuplicateLinked': return { ...state, duplicates: [...state.duplicates, event.data] };
    case 'FactsRetracted': return state;
    default: return assertNever(event);
  }
};

/** An entry as it counts now: the amount specified later in place of an unknown one; reversed entries are left out. */
export const standingEntries = (state: FundsCaseState, entries: readonly FundsEntry[]): readonly FundsEntry[] =>
  entries
    .filter((entry) => !state.reversed.has(entry.eventId))
    .map((entry) => ({ ...entry, money: state.specified.get(entry.eventId) ?? entry.money }));

/** A sum of known amounts; those unknown ("in full") are counted, not guessed. */
export interface FundsSum { readonly fen: bigint; readonly unknownAmounts: number }

export const sumOf = (entries: readonly FundsEntry[]): FundsSum => ({
  fen: entries.reduce((sum, { money }) => sum + knownFen(money), 0n),
  unknownAmounts: entries.filter(({ money }) => money.fen === null).length,
});

export interface FundsTotals {
  readonly identified: FundsSum;
  readonly recovered: FundsSum;
  readonly returned: FundsSum;
  /** More came back than was identified, all amounts being known: no error (a report may print only part), but worth a look. */
  readonly beyondIdentified: boolean;
}

/** Cases linked as duplicates are counted each: the link is shown beside the sum, never deducted. */
export const fundsTotals = (state: FundsCaseState): FundsTotals => {
  const identified = sumOf(state.identified);
  const recovered = sumOf(standingEntries(state, state.recovered));
  const returned = sumOf(standingEntries(state, state.returned));
  const identifiedInFull = state.identified.length > 0 && identified.unknownAmounts === 0;
  return { identified, recovered, returned, beyondIdentified: identifiedInFull && recovered.fen + returned.fen > identified.fen };
};
