import type { Day } from '@rectrail/kernel';
import type { CompletionBasis, Disclosure, IssueStateName, ShownIssueState, ShownMeasureState, Track } from '@rectrail/tracking-domain';

/** What a closed issue is, whatever the day. */
const closedConditions = ['DONE_IN_TIME', 'DONE_LATE', 'DONE'] as const;
export type ClosedCondition = (typeof closedConditions)[number];

/** All that counts by state, bucket and deadline depend on, beside policy, calendar and day. */
export interface IssueCell {
  readonly state: IssueStateName;
  readonly track: Track;
  readonly disclosure: Disclosure;
  readonly basis: CompletionBasis | null;
  readonly openDatedResidual: boolean;
  /** Closed and how, or the earliest open date, or NO_DEADLINE. */
  readonly deadline: ClosedCondition | Day | 'NO_DEADLINE';
}

/** The cell by last days and that by first days; null: the issue does not exist there. */
export interface CellPair { readonly last: IssueCell | null; readonly first: IssueCell | null }

export const isClosedCondition = (deadline: IssueCell['deadline']): deadline is ClosedCondition => closedConditions.some((condition) => condition === deadline);

/** The earliest open date, disclosed or not. */
export const dateOf = ({ deadline }: Pick<IssueCell, 'deadline'>): Day | null => (isClosedCondition(deadline) || deadline === 'NO_DEADLINE' ? null : deadline);

/** An open date; null once closed, without one, and where the status is not disclosed. */
export const dueOf = (cell: IssueCell): Day | null => (cell.disclosure !== 'STATED' ? null : dateOf(cell));

/** The later of the open dates by last and by first days. */
export const openUntil = ({ last, first }: CellPair): Day | null => {
  const [a, b] = [last === null ? null : dueOf(last), first === null ? null : dueOf(first)];
  return a === null || (b !== null && b > a) ? b : a;
};

export const shownIssueState = (cell: Pick<IssueCell, 'state' | 'disclosure'>): ShownIssueState => (cell.disclosure === 'STATED' ? cell.state : 'NOT_DISCLOSED');

/** State by last and by first days (null: does not exist there), and the links to issues by last days. */
export interface MeasureCell { readonly last: ShownMeasureState | null; readonly first: ShownMeasureState | null; readonly links: number }
