import type { Fact, OrgId, StreamId } from '@rectrail/kernel';
import {
  calendarAt, emptyCalendar, evolvePolicy, streams,
  type FactsRetracted, type PolicyContent, type PolicyEvent, type PolicyInForce, type WorkingCalendar, type WorkingCalendarEvent,
} from '@rectrail/tracking-domain';
import { standings, type DayBound, type InstantBound } from '../timeline/standing.ts';
import { timeline, type TimelineDefinition } from '../timeline/timeline.ts';

/** What of a policy enters a figure. */
export type JudgingPolicy = Pick<PolicyContent, 'buckets' | 'dueSoon'>;

/** How issues are judged: equal keys, equal verdicts. The calendar is empty where days are counted by none. */
export interface JudgingRule { readonly key: string; readonly policy: JudgingPolicy; readonly calendar: WorkingCalendar }

/**
 * A rule over a quadrant, [validFrom, ∞) × [knownFrom, ∞), that is added (+1) or taken away (−1). The rules by which an owner is judged, at every day and state of
 * knowledge, are a sum of such terms; what falls into a quadrant of its own under each of them is the quadrant of the later bounds.
 */
export interface PolicyTerm {
  readonly validFrom: DayBound;
  readonly knownFrom: InstantBound;
  readonly sign: number;
  readonly rule: JudgingRule;
}

type PolicyFact = Fact<PolicyEvent | FactsRetracted>;
type CalendarFact = Fact<WorkingCalendarEvent | FactsRetracted>;

const contents: TimelineDefinition<PolicyFact, PolicyInForce | null, JudgingPolicy> = {
  initial: null, evolve: evolvePolicy, isAssertion: () => false,
  view: (byLastDays) => (byLastDays === null ? null : { buckets: byLastDays.content.buckets, dueSoon: byLastDays.content.dueSoon }),
};

/** Terms over one quadrant by one rule are one; most corners of neighbouring rectangles cancel. */
const summed = (terms: readonly PolicyTerm[]): readonly PolicyTerm[] => {
  const sums = new Map<string, PolicyTerm>();
  for (const term of terms) {
    const key = `${term.validFrom} ${term.knownFrom} ${term.rule.key}`;
    sums.set(key, { ...term, sign: (sums.get(key)?.sign ?? 0) + term.sign });
  }
  return [...sums.values()].filter(({ sign }) => sign !== 0);
};

/** The calendar known from an instant on, until the next one. */
interface CalendarFrom { readonly knownFrom: InstantBound; readonly key: string; readonly calendar: WorkingCalendar }

/** Years are cut by position alone, save that one which was withdrawn is no longer known from then on. */
const calendarsOf = (facts: readonly CalendarFact[]): readonly CalendarFrom[] => {
  const standing = standings(facts);
  const turns = [...new Set<InstantBound>(['-infinity', ...standing.map(({ knownTo }) => knownTo)])].filter((turn) => turn !== 'infinity').sort();
  return turns.map((knownFrom) => {
    const counting = standing.filter(({ knownTo }) => knownTo > knownFrom).map(({ fact }) => fact);
    return { knownFrom, key: counting.map(({ eventId }) => eventId).join(), calendar: calendarAt(counting) };
  });
};

/** The corners of each rectangle, under each calendar where working days count; those at an open end are never reached. */
const quadrantsOf = (facts: readonly PolicyFact[], calendars: readonly CalendarFrom[]): readonly PolicyTerm[] =>
  summed(timeline(facts, contents).flatMap(({ validFrom, validTo, knownFrom, knownTo, view: policy, viewKey }) => {
    const eras = policy.dueSoon.unit === 'working' ? calendars : [{ knownFrom: '-infinity' as const, key: '', calendar: emptyCalendar }];
    return eras.flatMap(({ knownFrom: from, key, calendar }, index): readonly PolicyTerm[] => {
      const to = eras[index + 1]?.knownFrom ?? 'infinity';
      const rule: JudgingRule = { key: `${viewKey} ${key}`, policy, calendar };
      const [known, until] = [later(knownFrom, from), earlier(knownTo, to)];
      return known >= until ? [] : [
        { validFrom, knownFrom: known, sign: 1, rule }, { validFrom: validTo, knownFrom: known, sign: -1, rule },
        { validFrom, knownFrom: until, sign: -1, rule }, { validFrom: validTo, knownFrom: until, sign: 1, rule },
      ];
    });
  }).filter((term) => term.validFrom !== 'infinity' && term.knownFrom !== 'infinity'));

// Bounds compare as strings: '-infinity' lies before every digit.
const later = <T extends string>(a: T, b: T): T => (a > b ? a : b);
const earlier = <T extends string>(a: T, b: T): T => (a < b ? a : b);

/** Where an owner has a policy of its own that one holds, elsewhere the default. */
const termsOf = (ofDefault: readonly PolicyTerm[], own: readonly PolicyTerm[]): readonly PolicyTerm[] => summed([
  ...ofDefault,
  ...own,
  ...ofDefault.flatMap((d) => own.map((o): PolicyTerm => ({
    validFrom: later(d.validFrom, o.validFrom), knownFrom: later(d.knownFrom, o.knownFrom), sign: -d.sign * o.sign, rule: d.rule,
  }))),
]);

/** The streams that decide how these owners are judged. */
export const judgingStreamsOf = (owners: Iterable<OrgId>): readonly StreamId[] =>
  [streams.workingCalendar, streams.defaultPolicy, ...[...owners].map((owner) => streams.policy(owner))];

/** Whole streams by name, such as a map has them. */
interface Streams { get(streamId: StreamId): readonly Fact[] | undefined }

export type TermsOf = (owner: OrgId) => readonly PolicyTerm[];

/** The terms of each owner, from whole streams of policies and calendars (rules.md section 4: its own, else the default). */
export const policyTerms = (whole: Streams): TermsOf => {
  // The name of a stream says which events it holds; the codec has checked each against its schema.
  const calendars = calendarsOf((whole.get(streams.workingCalendar) ?? []) as readonly CalendarFact[]);
  const quadrants = (streamId: StreamId): readonly PolicyTerm[] => quadrantsOf((whole.get(streamId) ?? []) as readonly PolicyFact[], calendars);
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

/** What has to be added to what was judged by the ones for it to be as judged by the others; nothing where both judge alike. */
export const termsBetween = (before: TermsOf, now: TermsOf): TermsOf => (owner) => {
  const [taken, added] = [before(owner), now(owner)];
  return summed([...added, ...taken.map((term) => ({ ...term, sign: -term.sign }))]);
};
