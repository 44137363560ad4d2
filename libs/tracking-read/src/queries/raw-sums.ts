import { parseMeasureCell, parsePair } from '../figures/cell-texts.ts';
import { shownIssueState, type IssueCell } from '../figures/cells.ts';
import { columnAt, noFigures, type FigureSums } from '../figures/figure-columns.ts';
import type { ReadSession } from './read-session.ts';
import { cellSums, type Owners, type SumsOf } from './sums.ts';
import type { Verdicts } from './verdicts.ts';

const mapCell = <T>(cell: IssueCell | null, of: (cell: IssueCell) => T): T | null => (cell === null ? null : of(cell));

/**
 * The figures of a selection and of parts of it from the sums of its owners' points by cell, each cell judged at the cut: what the roll-ups must come to, at
 * the price of reading all points.
 */
export const rawSums = async (session: ReadSession, whole: Owners, parts: readonly Owners[], verdicts: Verdicts): Promise<SumsOf> => {
  const rows = await cellSums(session, null, whole === null ? null : [...whole]);
  const sumsOf = (owners: Owners): FigureSums => {
    const sums = [...noFigures];
    const add = (path: string, amount: number | bigint): void => {
      const column = columnAt(path);
      sums[column] = (sums[column] ?? 0n) + BigInt(amount);
    };
    const classed = (path: string, last: string | null, first: string | null, n: number): void => {
      if (last !== null) add(`${path}.${last}.count`, n);
      if (first !== null && first !== last) add(`${path}.${first}.undetermined`, n);
    };
    for (const { kind, orgId, cell, n, fen } of rows) {
      if (owners !== null && !owners.has(orgId)) continue;
      if (kind === 'funds') {
        add(`funds.${cell}.fen`, fen);
        add(`funds.${cell}.unknownAmounts`, n);
      } else if (kind === 'measure') {
        const { last, first, links } = parseMeasureCell(cell);
        if (last !== null) add('measures.total', n);
        if (links > 1) add('measures.shared', (links - 1) * n);
        classed('measures.byState', last, first, n);
      } else {
        const { last, first } = parsePair(cell);
        if (last !== null) add('issues.total', n);
        classed('issues.byState', mapCell(last, shownIssueState), mapCell(first, shownIssueState), n);
        classed('issues.byBucket', mapCell(last, (c) => verdicts.bucket(orgId, c)), mapCell(first, (c) => verdicts.bucket(orgId, c)), n);
        classed('issues.byDeadline', mapCell(last, (c) => verdicts.condition(orgId, c)), mapCell(first, (c) => verdicts.condition(orgId, c)), n);
      }
    }
    return sums;
  };
  return { whole: sumsOf(whole), parts: parts.map(sumsOf) };
};
