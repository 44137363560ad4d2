import { dayNumber, dayOfNumber } from '@rectrail/kernel';
import { shownMeasureStates, type ShownMeasureState } from '@rectrail/tracking-domain';
import { dateOf, type CellPair, type IssueCell, type MeasureCell } from './cells.ts';
import { issueClasses, issueClassOf } from './issue-class.ts';

// Cells as points and views keep them: by numbers (issue-class.ts), since they are in each point twice, in its row and in its index. `1217 20151` is a class and an open date.

const cellText = (cell: IssueCell | null): string => {
  if (cell === null) return '';
  const date = dateOf(cell);
  return date === null ? String(issueClassOf(cell)) : `${issueClassOf(cell)} ${dayNumber(date)}`;
};

/** Most pairs are two of the same, which is written once. */
export const pairText = ({ last, first }: CellPair): string => {
  const [a, b] = [cellText(last), cellText(first)];
  return a === b ? a : `${a}/${b}`;
};

const parseCell = (text: string): IssueCell | null => {
  if (text === '') return null;
  const [number, date] = text.split(' ');
  const known = issueClasses[Number(number)];
  if (known === undefined) throw new RangeError(`no issue is of class ${number ?? ''}`);
  const { deadline } = known;
  return { ...known, deadline: deadline === 'DATED' ? dayOfNumber(Number(date)) : deadline };
};

export const parsePair = (text: string): CellPair => {
  const [a = '', b = a] = text.split('/');
  const last = parseCell(a);
  return { last, first: b === a ? last : parseCell(b) };
};

const stateText = (state: ShownMeasureState | null): string => (state === null ? '' : String(shownMeasureStates.indexOf(state)));
const parseState = (text: string): ShownMeasureState | null => (text === '' ? null : shownMeasureStates[Number(text)] ?? null);

export const measureCellText = ({ last, first, links }: MeasureCell): string => `${stateText(last)}/${stateText(first)}/${links}`;

export const parseMeasureCell = (text: string): MeasureCell => {
  const [last = '', first = '', links] = text.split('/');
  return { last: parseState(last), first: parseState(first), links: Number(links) };
};
