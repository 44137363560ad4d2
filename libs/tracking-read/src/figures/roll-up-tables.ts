import type { TableDefinition } from '@rectrail/projections';
import { columnNames, figureColumns } from './figure-columns.ts';

/** Days of a block and of a span, 32 and 256: three digits of days, so that a sum over any two prefixes adds few rows, however many years and however dense (docs/adr/0023). */
export const [blockBits, spanBits] = [5, 8];
export const blockOf = (day: number): number => day >> blockBits;
export const firstDayOfBlock = (block: number): number => block << blockBits;

/**
 * A table of sums: for an organisation and all below it in the reference tree, what the points of a cell (`a`, `b`) add up to. `a` and `b` say which cell a
 * point lies in, over its columns valid_day and known_day.
 */
export interface RollUpTable {
  readonly name: string;
  readonly a: string;
  readonly b: string;
  cell(validDay: number, knownDay: number): readonly [a: number, b: number];
  /** Kept for organisations with children or many points alone: all else is quickly added up from the days. */
  readonly coarse: boolean;
}

const [bits, ofSpan] = [String(blockBits), String(spanBits)];

export const byDay: RollUpTable = { name: 'figure_day', a: 'valid_day', b: 'known_day', cell: (v, k) => [v, k], coarse: false };
export const byBlock: RollUpTable = { name: 'figure_block', a: `(valid_day >> ${bits})`, b: `(known_day >> ${bits})`, cell: (v, k) => [blockOf(v), blockOf(k)], coarse: true };
/** Keeps long pasts from being added up block by block. */
export const bySpan: RollUpTable = {
  name: 'figure_span', a: `(valid_day >> ${ofSpan})`, b: `(known_day >> ${ofSpan})`, cell: (v, k) => [v >> spanBits, k >> spanBits], coarse: true,
};
/** `a` a valid day, `b` a block of known days. */
export const byValidDay: RollUpTable = { name: 'figure_valid_day', a: 'valid_day', b: `(known_day >> ${bits})`, cell: (v, k) => [v, blockOf(k)], coarse: true };
/** `a` a known day, `b` a block of valid days. */
export const byKnownDay: RollUpTable = { name: 'figure_known_day', a: 'known_day', b: `(valid_day >> ${bits})`, cell: (v, k) => [k, blockOf(v)], coarse: true };
/** `a` the day from which a point counts for those who ask as of that day (valid and known on it); `b` is 0. */
export const byPresentDay: RollUpTable = { name: 'figure_present', a: 'greatest(valid_day, known_day)', b: '0', cell: (v, k) => [Math.max(v, k), 0], coarse: true };

export const rollUpTables: readonly RollUpTable[] = [byDay, byBlock, bySpan, byValidDay, byKnownDay, byPresentDay];

export const figureColumnTypes: Readonly<Record<string, string>> = Object.fromEntries(figureColumns.map(({ column, type }) => [column, type]));

/** All figures have gone: the row would not be there had it never been written. */
export const isEmptyRow = `num_nonnulls(${columnNames.join(', ')}) = 0`;

export const rollUpDefinition = ({ name }: RollUpTable): TableDefinition => ({
  name,
  columns: { org_id: 'uuid not null', a: 'integer not null', b: 'integer not null', ...figureColumnTypes },
  primaryKey: ['org_id', 'a', 'b'],
  indexes: {},
  with: 'fillfactor = 90',
});

/** The reference tree that roll-ups are kept on, and what each organisation has of its own: points of registers. */
export const figureOrgTable: TableDefinition = {
  name: 'figure_org',
  columns: { org_id: 'uuid not null', parent_id: 'uuid', points: 'integer not null', coarse: 'boolean not null' },
  primaryKey: ['org_id'],
  indexes: { figure_org_parent: '(parent_id)' },
};

/** One row: the last position of a tree, policy or calendar event that the roll-ups rest on. */
export const figureStateTable: TableDefinition = { name: 'figure_state', columns: { reference_position: 'bigint not null' }, primaryKey: ['reference_position'] };

export const figureTables: readonly TableDefinition[] = [...rollUpTables.map(rollUpDefinition), figureOrgTable, figureStateTable];

/** An organisation without children that has so many points is summed from days in more than a few milliseconds. */
export const coarseFromPoints = 4_000;
