import type { OrgId } from '@rectrail/kernel';
import { inFoldOrder, standings } from '../timeline/standing.ts';
import { organisationRef } from '../projections/references.ts';
import type { EventView } from './answers.ts';
import type { TrackingFact } from './counting-facts.ts';
import { fieldsOf, foldOf, organisationFold, type Fields, type StreamFold } from './stream-folds.ts';

type Changes = EventView['changes'];

const difference = (before: Fields, after: Fields): Changes =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]))
    .map((field) => ({ field, before: before[field] ?? null, after: after[field] ?? null }));

/** Whether a fact of a tree is about the organisation; a retraction is looked at for each. */
const isOf = ({ event }: TrackingFact, orgId: OrgId): boolean => event.type === 'FactsRetracted' || ('orgId' in event.data && event.data.orgId === orgId);

/** What the events of one stream changed, each of its aggregate as it stood then, with everything known, on the last of days. */
export class StreamChanges {
  readonly #stream: readonly TrackingFact[];
  readonly #fold: StreamFold | null;
  /** By version: an event ends where the one after it begins. */
  readonly #fields = new Map<number, Fields>();
  readonly #organisations = new Map<OrgId, StreamChanges>();

  /** @param stream the whole stream up to the position read; of a tree at least all that concerns the organisations asked for. */
  constructor(stream: readonly TrackingFact[], fold: StreamFold | null = foldOf(stream[0]?.streamId ?? '')) {
    this.#stream = stream;
    this.#fold = fold;
  }

  /** The opening of a tree says itself what it changed. */
  of(fact: TrackingFact): Changes {
    const fold = this.#fold;
    if (fold !== null) return difference(this.#fieldsBefore(fold, fact.streamVersion), this.#fieldsBefore(fold, fact.streamVersion + 1));
    return fact.event.type === 'TreeOpened' ? difference({}, fact.event.data) : this.#ofOrganisations(fact);
  }

  #ofOrganisations(fact: TrackingFact): Changes {
    return orgsConcerned(fact, this.#stream).flatMap((orgId) => {
      const changes = this.#organisation(orgId).of(fact);
      // The data of a retraction do not say whose it is.
      return fact.event.type === 'FactsRetracted' ? changes.map((change) => ({ ...change, field: `${organisationRef(orgId)}.${change.field}` })) : changes;
    });
  }

  #organisation(orgId: OrgId): StreamChanges {
    const known = this.#organisations.get(orgId) ?? new StreamChanges(this.#stream.filter((fact) => isOf(fact, orgId)), organisationFold);
    this.#organisations.set(orgId, known);
    return known;
  }

  #fieldsBefore(fold: StreamFold, version: number): Fields {
    const earlier = this.#stream.filter((fact) => fact.streamVersion < version);
    // The part of an organisation has gaps: what stands depends on the facts alone.
    const key = earlier.at(-1)?.streamVersion ?? 0;
    const known = this.#fields.get(key) ?? fieldsOf(inFoldOrder(standings(earlier).filter((s) => s.knownTo === 'infinity'))
      .reduce((state, { fact }) => fold.evolve(state, fact), fold.initial));
    this.#fields.set(key, known);
    return known;
  }
}

/** The organisations of a tree that the event is about; those of its victims, or of theirs, where it retracts. */
export const orgsConcerned = ({ event }: TrackingFact, stream: readonly TrackingFact[]): readonly OrgId[] => {
  if (event.type !== 'FactsRetracted') return 'orgId' in event.data && event.data.orgId !== null ? [event.data.orgId] : [];
  const victims = stream.filter((fact) => event.data.eventIds.includes(fact.eventId));
  return [...new Set(victims.flatMap((victim) => orgsConcerned(victim, stream)))];
};
