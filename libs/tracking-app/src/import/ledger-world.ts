import { day, fuzzyDate, undatedBetween, type Day, type Fact, type FundsCaseId, type FuzzyDate, type InspectionId, type IssueId, type MeasureId, type MetricId, type OrgId, type PlanId, type ReportId, type StreamId } from '@rectrail/kernel';
import type { OrgTree, TrackingEvent } from '@rectrail/tracking-domain';
import { describedEntity, entityId, entityStream, referencesOf, type EntityKind, type Reference } from './ledger-references.ts';
import type { Ledger, LedgerProblems, LedgerRow } from './ledger-reader.ts';
import type { LedgerDate, LedgerRecord, LedgerRecordOf } from './ledger-schema.ts';

/** To whom a thing belongs and where it was found. */
export interface Owned { readonly orgId: OrgId; readonly inspectionId: InspectionId | null }

/** Ids are made here alone: derived from keys, they are ids of their kind by construction, hence the casts. */
export const ids = {
  organisation: (reference: string): OrgId => entityId('organisation', reference) as OrgId,
  inspection: (reference: string): InspectionId => entityId('inspection', reference) as InspectionId,
  plan: (reference: string): PlanId => entityId('plan', reference) as PlanId,
  report: (reference: string): ReportId => entityId('report', reference) as ReportId,
  issue: (reference: string): IssueId => entityId('issue', reference) as IssueId,
  measure: (reference: string): MeasureId => entityId('measure', reference) as MeasureId,
  fundsCase: (reference: string): FundsCaseId => entityId('fundsCase', reference) as FundsCaseId,
  metric: (reference: string): MetricId => entityId('metric', reference) as MetricId,
};

/** @throws Error for a value that the schema has not let through. */
export const dateOf = (date: LedgerDate): FuzzyDate => {
  const fuzzy = fuzzyDate(typeof date === 'string' ? { value: date } : date);
  if (fuzzy === null) throw new Error(`not a date of the ledger's grammar: ${JSON.stringify(date)}`);
  return fuzzy;
};

export const feedbackDay = (record: LedgerRecordOf<'inspection'>): FuzzyDate => dateOf(record.feedback.on);

/** What others have recorded of a thing: its owner, and the dates that facts about it lean on. */
interface Known extends Owned {
  readonly feedback: FuzzyDate | null;
  readonly asOf: Day | null;
}

/** Events that bring a thing into being; one of them names its owner. */
const beginnings = [
  'InspectionOpened', 'IssueRegistered', 'MeasurePlanned', 'MeasureStated', 'PlanDrafted', 'IrregularFundsIdentified', 'FundsRecovered', 'FundsReturned', 'MetricDefined', 'ReportPublished',
] as const satisfies readonly TrackingEvent['type'][];
type Beginning = Extract<TrackingEvent, { type: (typeof beginnings)[number] }>;
const isBeginning = (event: TrackingEvent): event is Beginning => beginnings.some((type) => type === event.type);

const knownBy = ({ event }: Fact<TrackingEvent>): Known | null => {
  if (!isBeginning(event)) return null;
  if (event.type !== 'ReportPublished') return { orgId: event.data.orgId, inspectionId: event.data.inspectionId, feedback: null, asOf: null };
  return { orgId: event.data.orgId, inspectionId: event.data.inspectionIds[0] ?? null, feedback: null, asOf: event.data.asOf };
};

/** What the facts of one stream tell of its thing; null where none of them brings it into being. */
const knownFrom = (facts: readonly Fact<TrackingEvent>[]): Known | null => {
  const known = facts.map(knownBy).find((found) => found !== null) ?? null;
  const feedback = facts.find((fact) => fact.event.type === 'FeedbackDelivered')?.validTime ?? null;
  return known === null ? null : { ...known, feedback };
};

const unknownKey = ({ kind, reference }: Reference): { readonly code: string; readonly detail: string } =>
  ({ code: 'unknown-key', detail: `no ${kind} "${reference}" in this file or in what was recorded before` });

/** What a ledger's references mean: things that it describes itself, and those that were known before. */
export class LedgerWorld {
  /** The as-of day of the document: that of its report, else the day of its publication. */
  readonly asOf: Day;
  readonly #ledger: Ledger;
  readonly #tree: OrgTree;
  /** Counting facts by stream, without those that this import takes back. */
  readonly #facts: ReadonlyMap<StreamId, readonly Fact<TrackingEvent>[]>;
  readonly #described = new Map<string, LedgerRecord>();
  readonly #organisations = new Map<string, LedgerRecordOf<'organisation'>>();

  constructor(ledger: Ledger, tree: OrgTree, facts: ReadonlyMap<StreamId, readonly Fact<TrackingEvent>[]>) {
    this.#ledger = ledger;
    this.#tree = tree;
    this.#facts = facts;
    for (const { record } of ledger.rows) {
      if (record.kind === 'organisation') this.#organisations.set(record.code, record);
      const entity = describedEntity(record);
      // The record that opens a funds case describes it; later ones add to it.
      if (entity !== null && !this.#described.has(entityId(entity.kind, entity.reference))) this.#described.set(entityId(entity.kind, entity.reference), record);
    }
    const reports = ledger.rows.flatMap(({ record }) => (record.kind === 'report' ? [record] : []));
    const only = reports.find((record) => record.key === ledger.header.defaults?.report) ?? (reports.length === 1 ? reports[0] : undefined);
    this.asOf = only === undefined ? day(ledger.header.publishedOn) : this.asOfRecord(only);
  }

  /** Adds a fault for each default that means nothing; records take theirs from there, so this comes before them. */
  checkDefaults(problems: LedgerProblems): void {
    for (const reference of referencesOf(this.#ledger.header.defaults ?? {})) {
      if (!this.#means(reference, null)) problems.add({ line: 1, pointer: `/defaults${reference.pointer}`, ...unknownKey(reference) });
    }
  }

  /** Adds a fault for each reference that means nothing. */
  checkReferences({ line, record }: LedgerRow, problems: LedgerProblems): void {
    for (const reference of referencesOf(record)) {
      if (!this.#means(reference, record)) problems.add({ line, key: record.key, pointer: reference.pointer, ...unknownKey(reference) });
    }
  }

  #means({ kind, reference }: Reference, by: LedgerRecord | null): boolean {
    return kind === 'organisation' ? this.organisationId(reference) !== null : this.#exists(kind, reference, by);
  }

  #exists(kind: EntityKind, reference: string, by: LedgerRecord | null): boolean {
    const id = entityId(kind, reference);
    const record = this.#described.get(id);
    // A funds record names a case that another record opened.
    const opensItself = record === by && by.kind === 'funds' && by.fundsCase !== undefined;
    return (record !== undefined && !opensItself) || this.#known(kind, id) !== null;
  }

  /** The organisation that holds the code (or has the id), or that this file registers with it; null where there is none. */
  organisationId(code: string): OrgId | null {
    const known = this.#tree.byCode(code) ?? this.#tree.orgs.get(ids.organisation(code));
    if (known !== undefined) return known.orgId;
    const record = this.#organisations.get(code);
    return record === undefined ? null : ids.organisation(record.key);
  }

  organisation(code: string): OrgId {
    return this.organisationId(code) ?? LedgerWorld.#missing(code);
  }

  issue(reference: string): Owned & { readonly issueId: IssueId } {
    return { issueId: ids.issue(reference), ...this.#owned('issue', reference) };
  }

  report(reference: string): Owned & { readonly reportId: ReportId; readonly asOf: Day } {
    const record = this.#described.get(ids.report(reference));
    const asOf = record?.kind === 'report' ? this.asOfRecord(record) : this.#known('report', ids.report(reference))?.asOf;
    return { reportId: ids.report(reference), ...this.#owned('report', reference), asOf: asOf ?? LedgerWorld.#missing(reference) };
  }

  metric(reference: string): Owned & { readonly metricId: MetricId } {
    return { metricId: ids.metric(reference), ...this.#owned('metric', reference) };
  }

  fundsCase(reference: string): Owned & { readonly fundsCaseId: FundsCaseId } {
    return { fundsCaseId: ids.fundsCase(reference), ...this.#owned('fundsCase', reference) };
  }

  asOfRecord(record: LedgerRecordOf<'report'>): Day {
    return day(record.asOf ?? record.publishedOn ?? this.#ledger.header.publishedOn);
  }

  feedback(inspectionId: InspectionId | null): FuzzyDate | null {
    if (inspectionId === null) return null;
    const record = this.#described.get(inspectionId);
    return record?.kind === 'inspection' ? feedbackDay(record) : this.#known('inspection', inspectionId)?.feedback ?? null;
  }

  /** When an undated fact happened: between feedback and as-of day (rules.md section 1); null where these contradict each other. */
  undated(inspectionId: InspectionId | null): FuzzyDate | null {
    const first = this.feedback(inspectionId)?.first ?? this.asOf;
    return first > this.asOf ? null : undatedBetween(first, this.asOf);
  }

  /** What this import does not write itself and which counts in a stream. */
  knownElsewhere(streamId: StreamId): readonly Fact<TrackingEvent>[] {
    return this.#facts.get(streamId) ?? [];
  }

  #known(kind: EntityKind, id: string): Known | null {
    return knownFrom(this.#facts.get(entityStream(kind, id)) ?? []);
  }

  #owned(kind: EntityKind, reference: string): Owned {
    const id = entityId(kind, reference);
    const known = this.#known(kind, id);
    if (known !== null) return { orgId: known.orgId, inspectionId: known.inspectionId };
    const record = this.#described.get(id);
    return record === undefined ? LedgerWorld.#missing(reference) : this.ownerOf(record);
  }

  /** By the record's own words; a measure belongs to its first issue. */
  ownerOf(record: LedgerRecord): Owned {
    if (record.kind === 'measure') return this.#owned('issue', record.issues[0] ?? LedgerWorld.#missing(record.key));
    const organisation = 'organisation' in record ? record.organisation : undefined;
    const inspection = 'inspection' in record ? record.inspection : undefined;
    return {
      orgId: this.organisation(organisation ?? LedgerWorld.#missing(record.key)),
      inspectionId: record.kind === 'inspection' ? ids.inspection(record.key) : inspection === undefined ? null : ids.inspection(inspection),
    };
  }

  /** References are checked before anything is planned, so this means a defect. */
  static #missing(reference: string): never {
    throw new Error(`reference ${reference} was not checked`);
  }
}
