import type { Fact, OrgId, StreamId } from '@rectrail/kernel';
import { evolvePolicy, streams, type FactsRetracted, type PolicyContent, type PolicyEvent, type PolicyInForce } from '@rectrail/tracking-domain';
import type { DayBound, InstantBound } from '../timeline/standing.ts';
import { timeline, type TimelineDefinition } from '../timeline/timeline.ts';

/**
 * A policy over a quadrant, [validFrom, ∞) × [knownFrom, ∞), that is added (+1) or taken away (−1). The policies by which an owner is judged, at every day and state of
 * knowledge, are a sum of such terms; what falls into a quadrant of its own under each of them is the quadrant of the later bounds.
 */
export interface PolicyTerm {
  readonly validFrom: DayBound;
  readonly knownFrom: InstantBound;
  readonly sign: number;
  readonly policy: PolicyContent;
}

type PolicyFact = Fact<PolicyEvent | FactsRetracted>;

const contents: TimelineDefinition<PolicyFact, PolicyInForce | null, PolicyContent> = {
  initial: null, evolve: evolvePolicy, isAssertion: () => false, view: (byLastDays) => byLastDays?.content ?? null,
};

/** Terms over one quadrant by one policy are one; most corners of neighbouring rectangles cancel. */
const summed = (terms: readonly PolicyTerm[]): readonly PolicyTerm[] => {
  const sums = new Map<PolicyContent, Map<string, PolicyTerm>>();
  for (const term of terms) {
    const ofPolicy = sums.get(term.policy) ?? new Map<string, PolicyTerm>();
    sums.set(term.policy, ofPolicy);
    const key = `${term.validFrom} ${term.knownFrom}`;
    ofPolicy.set(key, { ...term, sign: (ofPolicy.get(key)?.sign ?? 0) + term.sign });
  }
  return [...sums.values()].flatMap((ofPolicy) => [...ofPolicy.values()]).filter(({ sign }) => sign !== 0);
};

/** The corners of each rectangle; those at an open end are never reached. */
const quadrantsOf = (facts: readonly PolicyFact[]): readonly PolicyTerm[] =>
  summed(timeline(facts, contents).flatMap(({ validFrom, validTo, knownFrom, knownTo, view: policy }) => [
    { validFrom, knownFrom, sign: 1, policy }, { validFrom: validTo, knownFrom, sign: -1, policy },
    { validFrom, knownFrom: knownTo, sign: -1, policy }, { validFrom: validTo, knownFrom: knownTo, sign: 1, policy },
  ]).filter((term) => term.validFrom !== 'infinity' && term.knownFrom !== 'infinity'));

// Bounds compare as strings: '-infinity' lies before every digit.
const later = <T extends string>(a: T, b: T): T => (a > b ? a : b);

/** Where an owner has a policy of its own that one holds, elsewhere the default. */
const termsOf = (ofDefault: readonly PolicyTerm[], own: readonly PolicyTerm[]): readonly PolicyTerm[] => summed([
  ...ofDefault,
  ...own,
  ...ofDefault.flatMap((d) => own.map((o): PolicyTerm => ({
    validFrom: later(d.validFrom, o.validFrom), knownFrom: later(d.knownFrom, o.knownFrom), sign: -d.sign * o.sign, policy: d.policy,
  }))),
]);

/** The policy streams that decide over these owners. */
export const policyStreamsOf = (owners: Iterable<OrgId>): readonly StreamId[] => [streams.defaultPolicy, ...[...owners].map((owner) => streams.policy(owner))];

/** Whole streams by name, such as a map has them. */
interface Streams { get(streamId: StreamId): readonly Fact[] | undefined }

/** The terms of each owner, from whole policy streams (rules.md section 4: its own, else the default). */
export const policyTerms = (whole: Streams): ((owner: OrgId) => readonly PolicyTerm[]) => {
  // The name of a stream says which events it holds; the codec has checked each against its schema.
  const quadrants = (streamId: StreamId): readonly PolicyTerm[] => quadrantsOf((whole.get(streamId) ?? []) as readonly PolicyFact[]);
  const ofDefault = quadrants(streams.defaultPolicy);
  const known = new Map<OrgId, readonly PolicyTerm[]>();
  return (owner) => {
    const own = whole.get(streams.policy(owner)) ?? [];
    if (own.length === 0) return ofDefault;
    const terms = known.get(owner) ?? termsOf(ofDefault, quadrants(streams.policy(owner)));
    known.set(owner, terms);
    return terms;
  };
};
