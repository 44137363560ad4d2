import type { FundsCaseId, InspectionId, IssueId, Money, EventId, FuzzyDate } from '@rectrail/kernel';
import { evolveFundsCase, initialFundsCaseState, type FactsRetracted, type FundsCaseEvent, type FundsCaseState, type FundsEntry } from '@rectrail/tracking-domain';
import { aggregateProjection, type Contribution, type RegisterView } from './aggregate-projection.ts';

export const fundsDirections = ['identified', 'recovered', 'returned'] as const;
export type FundsDirection = (typeof fundsDirections)[number];

/** A movement as it counts: what came back takes the amount specified later, and is left out once reversed. */
export interface FundsMovementView {
  readonly eventId: EventId;
  readonly kind: FundsDirection;
  readonly money: Money;
  readonly on: FuzzyDate | null;
  readonly voucher: string | null;
}

export interface FundsView extends RegisterView {
  readonly inspectionId: InspectionId | null;
  readonly issueIds: readonly IssueId[];
  readonly movements: readonly FundsMovementView[];
  readonly duplicates: readonly { readonly fundsCaseId: FundsCaseId; readonly statedBy: string; readonly note: string }[];
}

const movement = (kind: FundsDirection, { eventId, money, on, voucher }: FundsEntry, state: FundsCaseState): FundsMovementView =>
  ({ eventId, kind, money: state.specified.get(eventId) ?? money, on, voucher });

const movementsOf = (state: FundsCaseState): readonly FundsMovementView[] => [
  ...state.identified.map((entry) => movement('identified', entry, initialFundsCaseState)),
  ...(['recovered', 'returned'] as const).flatMap((kind) => state[kind].filter((entry) => !state.reversed.has(entry.eventId)).map((entry) => movement(kind, entry, state))),
];

const view = (state: FundsCaseState): FundsView | null => {
  const { identity, issueIds } = state;
  if (identity === null) return null;
  return {
    orgId: identity.orgId,
    inspectionId: identity.inspectionId,
    issueIds,
    movements: movementsOf(state),
    duplicates: state.duplicates.map(({ otherCaseId, statedBy, note }) => ({ fundsCaseId: otherCaseId, statedBy, note })),
  };
};

/** `n` counts the amounts that are unknown, `fen` sums the others. */
export const fundsContributions = ({ movements }: Pick<FundsView, 'movements'>): readonly Contribution[] =>
  fundsDirections.map((cell) => {
    const moneys = movements.filter((movement) => movement.kind === cell).map((movement) => movement.money.fen);
    return { cell, n: moneys.filter((fen) => fen === null).length, fen: moneys.reduce((sum, fen) => sum + BigInt(fen ?? 0), 0n) };
  });

/** Funds cases: the register, and points by (owner, direction). Nothing of money is undetermined: it counts from its last day. */
export const fundsProjection = aggregateProjection<FundsCaseEvent | FactsRetracted, FundsCaseState, FundsView>({
  name: 'funds',
  version: 1,
  streamPrefix: 'funds-case-',
  rowTable: 'funds_row',
  pointTable: 'funds_point',
  timeline: { initial: initialFundsCaseState, evolve: evolveFundsCase, isAssertion: () => false, view },
  columns: { issue_ids: 'text[]', detail: 'jsonb' },
  row: (detail) => ({ issue_ids: detail.issueIds, detail }),
  contributions: fundsContributions,
});
