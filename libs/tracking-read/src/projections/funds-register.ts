import type { FundsCaseId, InspectionId, IssueId, Money, EventId, FuzzyDate } from '@rectrail/kernel';
import { evolveFundsCase, initialFundsCaseState, type FactsRetracted, type FundsCaseEvent, type FundsCaseState, type FundsEntry } from '@rectrail/tracking-domain';
import { fundsDirections, type FundsDirection } from '../figures/figure-columns.ts';
import type { Contribution, Register, RegisterView } from './register.ts';

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

export type FundsName = Pick<FundsView, 'inspectionId' | 'issueIds'>;
/** The detail of a view as it is kept. */
export type FundsViewDetail = Pick<FundsView, 'movements' | 'duplicates'>;

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

const fenOf = (view: FundsView, direction: FundsDirection): bigint => fundsContributions(view).find(({ cell }) => cell === direction)?.fen ?? 0n;

/** The kinds by which cases lie together in their register: whether money was identified, and whether any came back. */
export const fundsKind = (identified: boolean, cameBack: boolean): number => (identified ? 1 : 0) + (cameBack ? 2 : 0);

/** Funds cases: by (owner, direction). Nothing of money is undetermined: it counts from its last day. */
export const fundsRegister: Register<FundsCaseEvent | FactsRetracted, FundsCaseState, FundsView> = {
  kind: 'funds',
  streamPrefix: 'funds-case-',
  timeline: { initial: initialFundsCaseState, evolve: evolveFundsCase, isAssertion: () => false, view },
  columns: { identified: 'bigint not null', recovered: 'bigint not null', returned: 'bigint not null' },
  listed: [...fundsDirections],
  indexes: {},
  row: (view) => fundsDirections.map((direction) => fenOf(view, direction)),
  shown: ({ inspectionId, issueIds, movements, duplicates }) => {
    const name: FundsName = { inspectionId, issueIds };
    const detail: FundsViewDetail = { movements, duplicates };
    return {
      state: fundsKind(movements.some(({ kind }) => kind === 'identified'), movements.some(({ kind }) => kind !== 'identified')),
      name: { inspectionId, numberKey: '', search: '', issueIds, detail: name },
      detail,
    };
  },
  nameIndexes: { funds_name_inspection: '(inspection_id)' },
  contributions: fundsContributions,
};
