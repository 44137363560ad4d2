import type { CommandId, EventId, InspectionId, OrgId, Position, StreamId, StreamVersion } from './ids.ts';
import type { FuzzyDate } from './fuzzy-date.ts';
import type { Day, Instant } from './time.ts';

/** One business fact, past tense; `data` holds primitives, arrays and plain objects only. */
export interface DomainEvent<T extends string = string, D = unknown> {
  readonly type: T;
  readonly data: D;
}

/** Who acted: taken from the token alone. `subject` is an opaque id, one a person; a name never stands here. */
export interface Actor {
  readonly orgId: OrgId | null;
  readonly role: string;
  readonly subject: string;
  readonly assurance: 'local-token' | 'system';
}

/** To whom the fact belongs: its one owner, the lead organisation (rules.md section 4), null for the installation itself. */
export interface Scope {
  readonly orgId: OrgId | null;
  readonly inspectionId?: InspectionId;
}

/** The document that states the fact; `locator` is the key of the ledger's row. */
export interface Source {
  readonly documentId: string;
  readonly sha256: string;
  readonly publishedOn: Day;
  readonly receivedOn?: Day;
  readonly locator: string;
}

export type Classification = 'public' | 'internal' | 'restricted';

/** What a writer says about an event beside the event itself (design.md section 5). */
export interface EventMeta {
  readonly eventId: EventId;
  readonly commandId: CommandId;
  readonly correlationId: string;
  readonly causationId?: string;
  readonly actor: Actor;
  readonly scope: Scope;
  /** Null for what is cut by position alone (rules.md section 2) and for retractions. */
  readonly validTime: FuzzyDate | null;
  readonly source?: Source;
  readonly classification: Classification;
}

/** A recorded event as folds see it. `knownTime` is resolved: the store's clock where the writer gave none. */
export interface Fact<E extends DomainEvent = DomainEvent> extends EventMeta {
  readonly event: E;
  readonly knownTime: Instant;
  readonly streamId: StreamId;
  readonly streamVersion: StreamVersion;
  readonly position: Position;
  readonly recordedAt: Instant;
}

/** An event before it is recorded; `knownTime` null means the store's clock. */
export interface NewFact<E extends DomainEvent = DomainEvent> extends EventMeta {
  readonly event: E;
  readonly knownTime: Instant | null;
}
