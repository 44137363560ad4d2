import { hashedUuid } from '@rectrail/event-store';
import { isUuid, streamId, type StreamId } from '@rectrail/kernel';
import { LedgerProblems, pointer, type Ledger, type LedgerRow } from './ledger-reader.ts';
import type { LedgerHeader, LedgerRecord } from './ledger-schema.ts';

/** What records describe and refer to, each with a stream of its own. */
export type EntityKind = 'inspection' | 'plan' | 'report' | 'issue' | 'measure' | 'fundsCase' | 'metric';

/** The id of what a ledger's key names: the same key names the same thing in every document. An id (UUID) names itself. */
export const entityId = (kind: EntityKind | 'organisation', reference: string): string =>
  (isUuid(reference) ? reference : hashedUuid('rectrail.ledger/1', kind, reference));

const streamPrefixes: Readonly<Record<EntityKind, string>> = {
  inspection: 'inspection', plan: 'plan', report: 'report', issue: 'issue', measure: 'measure', fundsCase: 'funds-case', metric: 'metric',
};

export const entityStream = (kind: EntityKind, id: string): StreamId => streamId(`${streamPrefixes[kind]}-${id}`);

const described = ['inspection', 'plan', 'report', 'issue', 'measure', 'metric'] as const;
const isDescribed = (kind: string): kind is (typeof described)[number] => described.some((one) => one === kind);

/** The entity that a record describes; null for one that only adds to others. */
export const describedEntity = (record: LedgerRecord): { readonly kind: EntityKind; readonly reference: string } | null => {
  if (record.kind === 'funds') return { kind: 'fundsCase', reference: record.fundsCase ?? record.key };
  return isDescribed(record.kind) ? { kind: record.kind, reference: record.key } : null;
};

export interface Reference {
  readonly kind: EntityKind | 'organisation';
  readonly reference: string;
  readonly pointer: string;
}

/** The fields of records that refer to something, wherever they stand. */
const referenceFields: Readonly<Record<string, Reference['kind']>> = {
  organisation: 'organisation', organisations: 'organisation', parent: 'organisation', assisting: 'organisation',
  inspection: 'inspection', inspections: 'inspection', previous: 'inspection',
  report: 'report', issue: 'issue', issues: 'issue', previousIssue: 'issue', otherIssue: 'issue',
  measure: 'measure', otherCase: 'fundsCase', fundsCase: 'fundsCase', metric: 'metric',
};
const nestedFields: ReadonlySet<string> = new Set(['scope', 'residuals']);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

function* referencesIn(value: Readonly<Record<string, unknown>>, path: readonly PropertyKey[]): Generator<Reference> {
  for (const [field, content] of Object.entries(value)) {
    const kind = referenceFields[field];
    const items: readonly (readonly [readonly PropertyKey[], unknown])[] = Array.isArray(content)
      ? content.map((item: unknown, i) => [[...path, field, i], item] as const)
      : [[[...path, field], content]];
    for (const [at, item] of items) {
      if (kind !== undefined && typeof item === 'string') yield { kind, reference: item, pointer: pointer(...at) };
      else if (nestedFields.has(field) && isObject(item)) yield* referencesIn(item, at);
    }
  }
}

export const referencesOf = (record: LedgerRecord | NonNullable<LedgerHeader['defaults']>): readonly Reference[] => [...referencesIn(record, [])];

/** Which kinds take what from the header's `defaults`; `required` where a record without it says nothing. */
const defaulted = ['organisation', 'inspection', 'report'] as const;
type Defaulted = (typeof defaulted)[number];
const needs: Partial<Readonly<Record<LedgerRecord['kind'], Partial<Readonly<Record<Defaulted, 'required' | 'optional'>>>>>> = {
  inspection: { organisation: 'required' },
  report: { organisation: 'required' },
  plan: { organisation: 'required', inspection: 'required' },
  policy: { organisation: 'required', inspection: 'optional' },
  issue: { organisation: 'required', inspection: 'required' },
  funds: { organisation: 'required', inspection: 'optional' },
  metric: { organisation: 'required', inspection: 'optional' },
  figure: { report: 'required' },
  rate: { report: 'required' },
  discrepancyNote: { report: 'required' },
};

/** The record with the header's defaults; what is required and stands nowhere is a fault. */
const withDefaults = (row: LedgerRow, header: LedgerHeader, problems: LedgerProblems): LedgerRow => {
  const wanted = needs[row.record.kind];
  if (wanted === undefined) return row;
  const given: Partial<Record<Defaulted, string>> = {};
  for (const field of defaulted) {
    if (wanted[field] === undefined || (field in row.record && Object.hasOwn(row.record, field))) continue;
    const value = header.defaults?.[field];
    if (value !== undefined) given[field] = value;
    else if (wanted[field] === 'required') {
      problems.add({ line: row.line, key: row.record.key, pointer: pointer(field), code: 'missing-field', detail: `the record needs "${field}", as the header's defaults name none` });
    }
  }
  return { line: row.line, record: { ...row.record, ...given } };
};

/**
 * The ledger with the header's defaults in each record.
 *
 * @throws CommandRejected `ledger-invalid` where a record needs what neither says.
 */
export const withHeaderDefaults = (ledger: Ledger): Ledger => {
  const problems = new LedgerProblems();
  const rows = ledger.rows.map((row) => withDefaults(row, ledger.header, problems));
  problems.throwIfAny();
  return { ...ledger, rows };
};
