import type { Day, EventId, Fact, Instant } from '@rectrail/kernel';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import type { SourceEvent } from './source.events.ts';

/** One import of a document, as its stream keeps it. */
export interface SourceImport {
  readonly eventId: EventId;
  readonly importId: string;
  readonly sha256: string;
  readonly format: string;
  readonly title: string;
  readonly publishedOn: Day;
  readonly receivedOn: Day | null;
  readonly recordedAt: Instant;
}

/** The imports of one document that count, in the order of recording; an undone one is retracted and stands here no more. */
export interface SourceState { readonly imports: readonly SourceImport[] }

export const initialSourceState: SourceState = { imports: [] };

export const evolveSource = (state: SourceState, fact: Fact<SourceEvent | FactsRetracted>): SourceState => {
  if (fact.event.type === 'FactsRetracted') return state;
  const { importId, sha256, format, title, publishedOn, receivedOn } = fact.event.data;
  return { imports: [...state.imports, { eventId: fact.eventId, importId, sha256, format, title, publishedOn, receivedOn, recordedAt: fact.recordedAt }] };
};
