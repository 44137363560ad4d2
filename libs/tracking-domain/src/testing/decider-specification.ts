import {
  day, fuzzyDate, instant, lastDay, lastInstantOf, position, streamId, streamVersion,
  type CommandId, type Day, type Decision, type DomainEvent, type EventId, type Fact, type FuzzyDate, type OrgId,
} from '@rectrail/kernel';
import { expect } from '@jest/globals';
import { countingFacts } from '../time/counting.ts';
import type { LiveSituation } from '../time/live-command.ts';

/** A date as a spec writes it: a value of the ledger's grammar (`2026-03-01`, `2026-03`). @throws RangeError where it is none. */
export const dated = (value: string): FuzzyDate => {
  const date = fuzzyDate({ value });
  if (date === null) throw new RangeError(`no such date: ${value}`);
  return date;
};

export const eventIdOf = (number: number): EventId => `e0000000-0000-8000-8000-${String(number).padStart(12, '0')}` as EventId;

export interface GivenFact<E extends DomainEvent> {
  readonly on: FuzzyDate | null;
  readonly event: E;
  readonly subject: string;
  readonly orgId: OrgId | null;
  /** Stated by a document: the fact has a source. */
  readonly imported: boolean;
  /** The day on which it became known; the first of 2026 unless given. */
  readonly known: string;
}

export const fact = <E extends DomainEvent>(on: string | null, event: E, more: Partial<Omit<GivenFact<E>, 'on' | 'event'>> = {}): GivenFact<E> =>
  ({ on: on === null ? null : dated(on), event, subject: 'reporter', orgId: null, imported: false, known: '2026-01-01', ...more });

const zone = 'Asia/Shanghai';

/** The facts of one stream in the order given: versions and positions from 1, `eventIdOf(version)` as ids. */
export const streamOf = <E extends DomainEvent>(...given: readonly GivenFact<E>[]): readonly Fact<E>[] => given.map((g, i) => ({
  eventId: eventIdOf(i + 1),
  commandId: 'c0000000-0000-8000-8000-000000000001' as CommandId,
  correlationId: 'spec',
  actor: { orgId: g.orgId, role: 'unit', subject: g.subject, assurance: 'local-token' },
  scope: { orgId: g.orgId },
  classification: 'internal',
  validTime: g.on,
  knownTime: lastInstantOf(zone, day(g.known)),
  ...(g.imported ? { source: { documentId: 'report', sha256: '', publishedOn: day(g.known), locator: 'row' } } : {}),
  event: g.event,
  streamId: streamId('spec'),
  streamVersion: streamVersion(i + 1),
  position: position(i + 1),
  recordedAt: instant('2026-12-31T00:00:00Z'),
}));

/** Types of the facts that newly lack what they need (`unmetNeeds` of an aggregate) once `retraction` and what stands in place of it are added to the stream. */
export const newlyUnmet = <E extends DomainEvent>(
  unmetNeeds: (countingFacts: readonly Fact<E>[]) => readonly EventId[], given: readonly GivenFact<E>[], retraction: E, ...inPlace: readonly GivenFact<E>[]
): readonly string[] => {
  const cut = { validAt: lastDay, knownAt: instant('2027-01-01T00:00:00Z'), atPosition: position(given.length + 1 + inPlace.length) };
  const [before, after] = [streamOf(...given), streamOf(...given, fact(null, retraction), ...inPlace)];
  const lacked = new Set(unmetNeeds(countingFacts(before, cut)));
  const lacks = new Set(unmetNeeds(countingFacts(after, cut)).filter((id) => !lacked.has(id)));
  return after.filter(({ eventId }) => lacks.has(eventId)).map(({ event }) => event.type);
};

export interface Decider<S, E extends DomainEvent, C extends { readonly on: FuzzyDate }, T extends LiveSituation<S>> {
  readonly fold: (facts: readonly Fact<E>[]) => S;
  readonly decide: (command: C, situation: T) => Decision<E>;
}

/** What a situation holds besides the states, and another today. */
type More<T> = Partial<Omit<T, 'then' | 'now'>>;

/** What a command came to, for the spec to judge. */
export interface Outcome<E> {
  then(...events: readonly E[]): void;
  thenNothing(): void;
  thenRejected(code: string, extensions?: Readonly<Record<string, unknown>>): void;
}

/** `given(facts).when(command, more).then(events)`: the command is decided as the runner does it, today being 2026-06-30. */
export const specificationOf = <S, E extends DomainEvent, C extends { readonly on: FuzzyDate }, T extends LiveSituation<S> = LiveSituation<S>>(decider: Decider<S, E, C, T>) => ({
  given: (...given: readonly GivenFact<E>[]) => ({
    when: (command: C, more: More<T> = {}): Outcome<E> => {
      const facts = streamOf(...given);
      const today = more.today ?? day('2026-06-30');
      const stateAt = (validAt: Day): S => decider.fold(countingFacts(facts, { validAt, knownAt: instant('2027-01-01T00:00:00Z'), atPosition: position(facts.length) }));
      // The states make the situation whole; the compiler cannot add them to an unknown T.
      const situation = { ...more, then: stateAt(command.on.last), now: stateAt(today), today } as unknown as T;
      const decision = decider.decide(command, situation);
      return {
        then: (...events) => { expect(decision).toEqual({ ok: true, events }); },
        thenNothing: () => { expect(decision).toEqual({ ok: true, events: [] }); },
        thenRejected: (code, extensions = {}) => { expect(decision).toMatchObject({ ok: false, rejection: { code, ...extensions } }); },
      };
    },
  }),
});
