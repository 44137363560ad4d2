import { columnAt, figureColumns } from '../figures/figure-columns.ts';

/** The number that a name stands for; `count` and `fen` may be left out of names. */
const shortened = (path: string): string => path.replace(/\.(count|fen)$/, '');

// What was identified is no figure of the dashboard.
const paths = figureColumns.map(({ path }) => path.join('.')).filter((path) => !path.startsWith('funds.identified.'));

/** Every number of a dashboard that is added up, by the shorter of its names: the dots of its place in `figures`. */
export const figureNames: readonly string[] = paths.map(shortened);

const pathOf = new Map([...paths.map((path) => [path, path] as const), ...paths.map((path) => [shortened(path), path] as const)]);

/** The column of a figure in `figureColumns`. @throws RangeError for a name that no figure has. */
export const figureColumn = (name: string): number => columnAt(pathOf.get(name) ?? name);

/** Insertions, deletions and replacements from one text to the other. */
const editDistance = (a: string, b: string): number => {
  let before = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) row.push(Math.min((row[j - 1] ?? 0) + 1, (before[j] ?? 0) + 1, (before[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    before = row;
  }
  return before[b.length] ?? 0;
};

const nearMax = 3;
const charactersMax = 60;

const near = (name: string): readonly string[] => {
  const wanted = name.slice(0, charactersMax).toLowerCase();
  const distances = figureNames.map((known) => ({ known, distance: editDistance(wanted, known.toLowerCase()) }));
  return distances.sort((a, b) => a.distance - b.distance).slice(0, nearMax).map(({ known }) => known);
};

const named = (name: string): readonly string[] => {
  if (pathOf.has(name)) return [name];
  const below = name.endsWith('.*') ? figureNames.filter((known) => known.startsWith(name.slice(0, -1)) && !known.slice(name.length - 1).includes('.')) : [];
  if (below.length > 0) return below;
  throw new RangeError(`no figure is called ${name.slice(0, charactersMax)}. Near it: ${near(name).join(', ')}; issues.byBucket.* stands for all of a group`);
};

/** The names in a list like `issues.total,issues.byBucket.*`, in its order and each once. @throws RangeError with the names nearest to one that no figure has. */
export const figureNamesIn = (list: string): readonly string[] => [...new Set(list.split(',').flatMap((name) => named(name.trim())))];

export const seriesFiguresDefault: readonly string[] = figureNamesIn('issues.total,issues.byBucket.*,issues.byDeadline.OVERDUE,funds.recovered');

/** Numbers as they stand in a dashboard: counts as numbers, money as a decimal string of fen. */
export const figureValue = (name: string, sum: bigint): number | string => (figureColumns[figureColumn(name)]?.type === 'bigint' ? String(sum) : Number(sum));
