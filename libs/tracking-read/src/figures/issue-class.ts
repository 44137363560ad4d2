import { completionBases, disclosures, doneStates, issueStates, shownIssueStates, tracks, type ShownIssueState } from '@rectrail/tracking-domain';
import { isClosedCondition, type ClosedCondition, type IssueCell } from './cells.ts';

/** A cell without its date: few numbers, by which lists are filtered. `DATED`: open with a date. */
export interface IssueClass extends Omit<IssueCell, 'deadline'> { readonly deadline: ClosedCondition | 'NO_DEADLINE' | 'DATED' }

const deadlines = ['DATED', 'NO_DEADLINE', 'DONE_IN_TIME', 'DONE_LATE', 'DONE'] as const satisfies readonly IssueClass['deadline'][];
const bases = [null, ...completionBases] as const;
const residuals = [false, true] as const;

/** All that can be, by number: a number is kept in rows, so that a new value of any of these needs a new version of the registers. */
export const issueClasses: readonly IssueClass[] = issueStates.flatMap((state) => tracks.flatMap((track) => disclosures.flatMap((disclosure) =>
  bases.flatMap((basis) => residuals.flatMap((openDatedResidual) => deadlines.map((deadline) => ({ state, track, disclosure, basis, openDatedResidual, deadline })))))));

const keyOf = ({ state, track, disclosure, basis, openDatedResidual, deadline }: IssueClass): string => [state, track, disclosure, basis, openDatedResidual, deadline].join();
const numberOfKey = new Map(issueClasses.map((one, number) => [keyOf(one), number]));

const deadlineOf = ({ deadline }: IssueCell): IssueClass['deadline'] => (isClosedCondition(deadline) ? deadline : deadline === 'NO_DEADLINE' ? 'NO_DEADLINE' : 'DATED');

/** @throws RangeError for a value that the domain does not know. */
export const issueClassOf = (cell: IssueCell): number => {
  const key = keyOf({ ...cell, deadline: deadlineOf(cell) });
  const number = numberOfKey.get(key);
  if (number === undefined) throw new RangeError(`no issue can be ${key}`);
  return number;
};

/** The kinds by which issues lie together in their register: the shown state, whether there is an open date, and whether a claim disagrees with what was determined. */
interface IssueKind { readonly isDated: boolean; readonly disagreement: boolean }

const datedBit = 2;
export const issueKind = (state: ShownIssueState, { isDated, disagreement }: IssueKind): number =>
  4 * shownIssueStates.indexOf(state) + (isDated ? datedBit : 0) + (disagreement ? 1 : 0);
export const isDatedKind = (kind: number): boolean => (kind & datedBit) !== 0;

/** States in which an issue may have an open date. */
const mayBeDated = (state: ShownIssueState): boolean => state !== 'NOT_DISCLOSED' && !doneStates.has(state);

/** All kinds of some states, or those of them with and without a date, a disagreement. */
export const issueKindsOf = (states: readonly ShownIssueState[], only: Partial<IssueKind> = {}): readonly number[] => states.flatMap((state) =>
  [false, true].filter((isDated) => isDated === (only.isDated ?? isDated) && (mayBeDated(state) || !isDated)).flatMap((isDated) =>
    [false, true].filter((disagreement) => disagreement === (only.disagreement ?? disagreement)).map((disagreement) => issueKind(state, { isDated, disagreement }))));
