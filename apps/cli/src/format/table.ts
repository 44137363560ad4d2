import Table from 'cli-table3';

const plain = {
  'top': '', 'top-mid': '', 'top-left': '', 'top-right': '', 'bottom': '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '',
  'left': '', 'left-mid': '', 'mid': '─', 'mid-mid': '  ', 'right': '', 'right-mid': '', 'middle': '  ',
};

export type Cell = string | number | null;

/** A table without frames, aligned by the width that East-Asian characters take. Numbers stand to the right. */
export const table = (head: readonly string[], rows: readonly (readonly Cell[])[]): string => {
  const isNumeric = head.map((_, column) => rows.some((row) => typeof row[column] === 'number') && rows.every((row) => typeof row[column] !== 'string'));
  const made = new Table({
    head: [...head], chars: { ...plain, 'mid': '', 'mid-mid': '', 'left-mid': '', 'right-mid': '' }, style: { 'head': [], 'border': [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: isNumeric.map((numeric) => (numeric ? 'right' : 'left')),
  });
  made.push(...rows.map((row) => row.map((cell) => (cell === null ? '' : String(cell)))));
  return made.toString().split('\n').map((line) => line.trimEnd()).join('\n');
};
