import { hashedUuid, sha256Hex } from '@rectrail/event-store';
import type { Actor, CommandId, Day, EventId, FuzzyDate, InspectionId, Instant, OrgId, ReportId, Scope, Source, StreamId } from '@rectrail/kernel';
import {
  decideSource, initialSourceState, streams,
  type DeclaredFigure, type DeclaredRate, type PolicyContent, type ReportCommand, type ReportEvent, type ReportState, type SourceEvent, type TrackingEvent,
} from '@rectrail/tracking-domain';
import { dayAt, firstInstant, onDayAt } from './dates.ts';
import { StreamEnd } from './journal.ts';
import { reportKind } from './kinds.ts';
import { LiveAggregate } from './live-aggregate.ts';
import type { World } from './world.ts';

export const importer: Actor = { orgId: null, role: 'administrator', subject: 'importer', assurance: 'local-token' };

/** The document that an import brings in. */
export interface LedgerDocument {
  readonly documentId: string;
  readonly title: string;
  /** Days since 1970-01-01. */
  readonly publishedOn: number;
  readonly orgId: OrgId;
}

/** The id of what a key names, as an import makes it: the same key names the same thing in every document. */
export const idOfKey = (kind: string, key: string): string => hashedUuid('rectrail.ledger/1', kind, key);

export type LiveReport = LiveAggregate<ReportState, ReportCommand, ReportEvent>;

/** What an import wrote on one stream. */
interface Written { readonly end: StreamEnd; readonly scope: Scope; readonly eventIds: EventId[] }

/** One import under way: one command, whose facts were all known when the document was published. */
export class LedgerImport {
  readonly #world: World;
  readonly #document: LedgerDocument;
  readonly #source: Omit<Source, 'locator'>;
  readonly #knownTime: Instant;
  readonly #importId: CommandId;
  readonly #ends: Map<StreamId, StreamEnd>;
  readonly #written = new Map<StreamId, Written>();
  #rows = 0;

  /** `ends`: of the streams on which an earlier import of the document has written. */
  constructor(world: World, document: LedgerDocument, ends = new Map<StreamId, StreamEnd>()) {
    this.#world = world;
    this.#document = document;
    this.#ends = ends;
    this.#source = { documentId: document.documentId, publishedOn: dayAt(document.publishedOn), sha256: sha256Hex(document.documentId) };
    this.#knownTime = firstInstant(document.publishedOn);
    world.journal.beginCommand();
    this.#importId = world.journal.commandId;
  }

  /** What every fact of a row carries. */
  entry(key: string): { readonly actor: Actor; readonly classification: 'public'; readonly knownTime: Instant; readonly source: Source } {
    this.#rows += 1;
    return { actor: importer, classification: 'public', knownTime: this.#knownTime, source: { ...this.#source, locator: key } };
  }

  /** An import tells, and nothing is decided: what a report prints is kept as printed. */
  tell(streamId: StreamId, event: TrackingEvent, { key, scope, on }: { readonly key: string; readonly scope: Scope; readonly on: FuzzyDate | null }): void {
    const end = this.#endOf(streamId);
    this.#note(end, scope, [this.#world.journal.record(end, { ...this.entry(key), event, scope, validTime: on }).eventId]);
  }

  /** The report itself with what it declares. Nothing of it is refused: its days are those of the document. */
  report({ reportId, inspectionId, asOf, figures, rates, noted }: ReportToldOf): LiveReport {
    const { publishedOn, orgId, title } = this.#document;
    const live: LiveReport = new LiveAggregate(reportKind, this.#endOf(streams.report(reportId)), { orgId, inspectionId });
    const say = (command: ReportCommand, key: string): void => {
      const decision = reportKind.decide(command, live.situation(command.on, this.#world.journal.today));
      if (!decision.ok) throw new Error(`a report is refused: ${decision.rejection.detail}`);
      this.#note(live.end, live.scope, live.record(this.#world.journal, decision.events, { ...this.entry(key), validTime: command.on }));
    };
    const by = importer;
    say({
      type: 'PublishReport', by, on: onDayAt(publishedOn), data: { asOf: dayAt(asOf), asOfPrinted: null, inspectionIds: [inspectionId], orgId, publishedOn: dayAt(publishedOn), reportId, title, url: null },
    }, 'report');
    for (const figure of figures) say({ type: 'DeclareFigure', by, on: onDayAt(asOf), data: figure }, `figure/${figure.key}`);
    for (const rate of rates) say({ type: 'DeclareRate', by, on: onDayAt(asOf), data: rate }, `rate/${rate.key}`);
    if (noted !== null) say({ type: 'NoteDiscrepancy', by, on: onDayAt(asOf), data: { declared: null, discrepancyKey: 'noted/1', found: null, kind: 'internal', note: noted } }, 'noted/1');
    return live;
  }

  /** How the report counts. An import that brings a policy is not undone. */
  policy(content: PolicyContent, from: Day): void {
    this.#world.policies.adopt(this.#document.orgId, content, from, this.entry('policy'));
  }

  /** The import's own record, last. */
  end(): void {
    const { documentId, title, publishedOn, orgId } = this.#document;
    const data: SourceEvent['data'] = {
      documentId, format: 'rectrail.ledger/1', importId: this.#importId, publishedOn: dayAt(publishedOn), receivedOn: null, rows: this.#rows, rowsChanged: 0, rowsNew: this.#rows, rowsRemoved: 0,
      sha256: this.#source.sha256, title,
    };
    const decision = decideSource({ type: 'IngestSource', data }, { now: initialSourceState, today: this.#world.journal.today });
    if (!decision.ok) throw new Error(`a document is refused: ${decision.rejection.detail}`);
    const end = this.#endOf(streams.source(documentId));
    for (const event of decision.events) {
      this.#note(end, { orgId }, [this.#world.journal.record(end, { event, actor: importer, scope: { orgId }, validTime: null, classification: 'public' }).eventId]);
    }
  }

  /** One retraction a stream, in one command: as if it had never been imported. */
  undo(why: string): void {
    const { journal } = this.#world;
    journal.beginCommand();
    for (const { end, scope, eventIds } of this.#written.values()) {
      journal.record(end, { event: { type: 'FactsRetracted', data: { eventIds, kind: 'entered-in-error', reason: why } }, actor: importer, scope, validTime: null });
    }
  }

  #endOf(streamId: StreamId): StreamEnd {
    const known = this.#ends.get(streamId);
    if (known !== undefined) return known;
    const end = new StreamEnd(streamId);
    this.#ends.set(streamId, end);
    return end;
  }

  #note(end: StreamEnd, scope: Scope, eventIds: readonly EventId[]): void {
    const written = this.#written.get(end.id);
    if (written === undefined) this.#written.set(end.id, { end, scope, eventIds: [...eventIds] });
    else written.eventIds.push(...eventIds);
  }
}

export interface ReportToldOf {
  readonly reportId: ReportId;
  readonly inspectionId: InspectionId;
  readonly asOf: number;
  readonly figures: readonly DeclaredFigure[];
  readonly rates: readonly DeclaredRate[];
  readonly noted: string | null;
}

const basisByNoun: Readonly<Record<string, DeclaredFigure['basis']>> = { measures: 'measure', funds: 'money', institutions: 'institution', accountability: 'person' };

/** A declared figure about all that its report is about. */
export const declared = (key: string, value: number, more: Partial<DeclaredFigure> = {}): DeclaredFigure => ({
  basis: basisByNoun[key.slice(0, key.indexOf('.'))] ?? 'issue', breakdown: null, flow: 'stock', key, kind: null, period: null, printed: `${value}`, quantity: { qualifier: 'exact', unit: key.startsWith('funds') ? 'fen' : '个', value: String(value) }, scope: {}, subsetOf: null,
  ...more,
});
