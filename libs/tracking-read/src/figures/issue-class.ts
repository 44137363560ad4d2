import { completionBases, disclosures, issueStates, shownIssueStates, tracks, type ShownIssueState } from '@rectrail/tracking-domain';
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

/** The kinds by which issues lie together in their register: the shown state, and whether a claim disagrees with what was determined. */
export const issueKind = (state: ShownIssueState, disagreement: boolean): number => 2 * shownIssueStates.indexOf(state) + (disagreement ? 1 : 0);
