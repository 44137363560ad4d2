import type { FuzzyDate } from '@rectrail/kernel';
import type { CellPoint } from '../figures/figure-points.ts';

type Kind = CellPoint['kind'];
type Unsaid = Readonly<Record<string, unknown>>;

/** What goes without saying: details are kept without it, since it is what most of them are. Null, false, and lists of nothing. */
const unsaid: Readonly<Record<Kind, { readonly view: Unsaid; readonly name: Unsaid }>> = {
  issue: {
    view: { printedStatus: null, continuation: 'NONE', residuals: [], planned: null, striving: false, closedOn: null, disagreement: false, claim: null },
    name: { aspect: null, heading: null, strand: null, annex: false, assistingOrgIds: [] },
  },
  measure: { view: { planned: null }, name: {} },
  funds: { view: {}, name: {} },
};

/** Of a name, what its row says in columns. */
const inColumns = ['inspectionId', 'numberKey'];

const isUnsaid = (value: unknown, known: unknown): boolean => value === known || (Array.isArray(value) && value.length === 0 && Array.isArray(known));

const saidOf = (detail: object, without: Unsaid): object =>
  Object.fromEntries(Object.entries(detail).filter(([field, value]) => !(field in without && isUnsaid(value, without[field]))));

/** A planned date by its parts alone, which are half as long without their names; what is left out at its end is not there. */
const dateParts = ({ printed, precision, edge, last, first, commitment, inferred }: FuzzyDate): readonly unknown[] => {
  const parts = [printed, precision, edge, last, first === last ? null : first, commitment ?? null, inferred ?? null];
  return parts.slice(0, parts.findLastIndex((part) => part !== null) + 1);
};
const dateOfParts = (parts: string): string => `jsonb_strip_nulls(jsonb_build_object('printed', ${parts} -> 0, 'precision', ${parts} -> 1, 'edge', ${parts} -> 2, 'last', ${parts} -> 3,
  'first', coalesce(nullif(${parts} -> 4, 'null'), ${parts} -> 3), 'commitment', ${parts} -> 5, 'inferred', ${parts} -> 6))`;

export const saidOfView = (kind: Kind, detail: { readonly planned?: FuzzyDate | null }): object => {
  const { planned = null } = detail;
  return { ...saidOf(detail, unsaid[kind].view), ...(planned !== null && { planned: dateParts(planned) }) };
};
export const saidOfName = (kind: Kind, detail: object): object =>
  Object.fromEntries(Object.entries(saidOf(detail, unsaid[kind].name)).filter(([field]) => !inColumns.includes(field)));

/** An inspection that is none, where things that belong to none are sorted among those that belong to one. */
export const noInspection = '00000000-0000-0000-0000-000000000000';

const literal = (value: Unsaid): string => `'${JSON.stringify(value)}'::jsonb`;

/** The whole detail of a row of views or names. */
export const wholeView = (kind: Kind, row: string): string =>
  `(${literal(unsaid[kind].view)} || ${row}.detail || case when ${row}.detail ? 'planned' then jsonb_build_object('planned', ${dateOfParts(`(${row}.detail -> 'planned')`)}) else '{}' end)`;
export const wholeName = (kind: Kind, row: string): string =>
  `(${literal(unsaid[kind].name)} || jsonb_build_object('inspectionId', nullif(${row}.inspection_id, '${noInspection}'), 'numberKey', ${row}.number_key) || ${row}.detail)`;
