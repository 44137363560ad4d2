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

const cellText = (cell: IssueCell | null): string =>
  cell === null ? '' : [cell.state, cell.track, cell.disclosure, cell.basis ?? '', cell.openDatedResidual ? 'residual' : '', cell.deadline].join(',');

/** Most pairs are two of the same, which is written once. */
export const pairText = ({ last, first }: CellPair): string => {
  const [a, b] = [cellText(last), cellText(first)];
  return a === b ? a : `${a}/${b}`;
};

// The casts give back what cellText wrote.
const parseCell = (text: string): IssueCell | null => {
  if (text === '') return null;
  const [state, track, disclosure, basis, residual, deadline] = text.split(',');
  return {
    state: state as IssueStateName, track: track as Track, disclosure: disclosure as Disclosure, basis: basis === '' ? null : basis as CompletionBasis,
    openDatedResidual: residual === 'residual', deadline: deadline as IssueCell['deadline'],
  };
};

export const parsePair = (text: string): CellPair => {
  const [a = '', b = a] = text.split('/');
  const last = parseCell(a);
  return { last, first: b === a ? last : parseCell(b) };
};

export const isClosedCondition = (deadline: IssueCell['deadline']): deadline is ClosedCondition => closedConditions.some((condition) => condition === deadline);

/** An open date; null once closed, without one, and where the status is not disclosed. */
export const dueOf = (cell: IssueCell): Day | null =>
  (cell.disclosure !== 'STATED' || isClosedCondition(cell.deadline) || cell.deadline === 'NO_DEADLINE' ? null : cell.deadline);

/** The later of the open dates by last and by first days. */
export const openUntil = ({ last, first }: CellPair): Day | null => {
  const [a, b] = [last === null ? null : dueOf(last), first === null ? null : dueOf(first)];
  return a === null || (b !== null && b > a) ? b : a;
};

export const shownIssueState = (cell: Pick<IssueCell, 'state' | 'disclosure'>): ShownIssueState => (cell.disclosure === 'STATED' ? cell.state : 'NOT_DISCLOSED');

/** State by last and by first days (null: does not exist there), and the links to issues by last days. */
export interface MeasureCell { readonly last: ShownMeasureState | null; readonly first: ShownMeasureState | null; readonly links: number }

export const measureCellText = ({ last, first, links }: MeasureCell): string => `${last ?? ''}/${first ?? ''}/${links}`;

export const parseMeasureCell = (text: string): MeasureCell => {
  // The casts give back what measureCellText wrote.
  const [last, first, links] = text.split('/') as [ShownMeasureState | '', ShownMeasureState | '', string];
  return { last: last === '' ? null : last, first: first === '' ? null : first, links: Number(links) };
};
