import {
  addDays, day, instantOfMs, onDay, position, streamVersion,
  type CommandId, type Cut, type EventId, type Fact, type OrgId,
} from '@rectrail/kernel';
import { administrativeTreeId, streams, type FactsRetracted, type OrganisationTreeEvent } from '@rectrail/tracking-domain';
import fc from 'fast-check';

type TreeFact = Fact<OrganisationTreeEvent | FactsRetracted>;

/** Few, so that clashes are frequent. */
export const orgNames = ['a', 'b', 'c', 'd', 'e', 'f', 'g'] as OrgId[];

const org = fc.constantFrom(...orgNames);
const code = fc.constantFrom('A', 'B', 'C', 'D');
const dated = fc.option(fc.integer({ min: 0, max: 9 }), { freq: 20 });
const known = fc.integer({ min: 0, max: 9 });
const event = <T extends OrganisationTreeEvent['type']>(type: T, data: fc.Arbitrary<Extract<OrganisationTreeEvent, { type: T }>['data']>): fc.Arbitrary<OrganisationTreeEvent> =>
  // The data are those of the type.
  data.map((drawn) => ({ type, data: drawn }) as OrganisationTreeEvent);

const structural = fc.oneof(
  { weight: 8, arbitrary: event('OrgRegistered', fc.record({ orgId: org, code, name: fc.constantFrom('n', 'm'), level: fc.constant('bureau'), parentId: fc.option(org) })) },
  { weight: 1, arbitrary: event('TreeOpened', fc.record({ treeId: fc.constant(administrativeTreeId), jurisdiction: fc.constantFrom('CN', 'CN-33'), kind: fc.constant('administrative') })) },
);
const change = fc.oneof(
  event('OrgMoved', fc.record({ orgId: org, parentId: fc.option(org) })), event('OrgMoved', fc.record({ orgId: org, parentId: org })),
  event('OrgMerged', fc.record({ orgId: org, successorId: org })), event('OrgRenamed', fc.record({ orgId: org, name: fc.constant('new'), code })),
  event('OrgDissolved', fc.record({ orgId: org })),
);

interface Drawn { readonly event: OrganisationTreeEvent | null; readonly on: number | null; readonly known: number; readonly kind: 'withdrawn' | 'entered-in-error'; readonly victims: readonly number[] }

const drawn: fc.Arbitrary<Drawn> = fc.record({
  event: fc.oneof({ weight: 3, arbitrary: structural }, { weight: 4, arbitrary: change }, { weight: 2, arbitrary: fc.constant(null) }),
  on: dated, known, kind: fc.constantFrom('withdrawn', 'entered-in-error'), victims: fc.array(fc.nat(60), { minLength: 1, maxLength: 2 }),
});

const idOf = (version: number): EventId => `event-${version}` as EventId;

/** A fact of the stream that is drawn; a retraction names what stands before it, and one of a retraction is itself of an entry in error. */
const factOf = (d: Drawn, version: number, earlier: readonly TreeFact[]): TreeFact => {
  const victims = [...new Set(d.victims.map((n) => n % Math.max(1, earlier.length)))].flatMap((n) => earlier[n] ?? []);
  const kind = victims.some((victim) => victim.event.type === 'FactsRetracted') ? 'entered-in-error' : d.kind;
  const retraction: FactsRetracted = { type: 'FactsRetracted', data: { eventIds: victims.map((victim) => victim.eventId), reason: 'spec', kind } };
  const isUndated = d.event === null || d.event.type === 'OrgRegistered' || d.event.type === 'TreeOpened' || d.on === null;
  return {
    event: d.event ?? retraction, validTime: isUndated ? null : onDay(addDays(day('2024-01-01'), d.on)), knownTime: instantOfMs(1_700_000_000_000 + d.known),
    eventId: idOf(version), commandId: 'command' as CommandId, correlationId: 'spec', classification: 'internal', scope: { orgId: null },
    actor: { orgId: null, role: 'spec', subject: 'spec', assurance: 'system' }, recordedAt: instantOfMs(1_700_000_001_000),
    streamId: streams.organisationTree(administrativeTreeId), streamVersion: streamVersion(version),
    // Other streams have the positions between.
    position: position(2 * version),
  };
};

/** The stream of an administrative tree as no command would let it pass: out of order, backwards and ahead, with cycles, second parents and what was taken back. */
export const anyTreeFacts: fc.Arbitrary<readonly TreeFact[]> = fc.array(drawn, { maxLength: 30, size: 'max' })
  .map((all) => all.reduce<readonly TreeFact[]>((facts, d) => [...facts, factOf(d, facts.length + 1, facts)], []));

/** Before, at, between and after the facts in each of the three times. */
export const anyCut: fc.Arbitrary<Cut> = fc.record({ at: fc.integer({ min: 0, max: 62 }), known: fc.integer({ min: -1, max: 10 }), on: fc.integer({ min: -1, max: 10 }) })
  .map(({ at, known: knownAt, on }) => ({ atPosition: position(at), knownAt: instantOfMs(1_700_000_000_000 + knownAt), validAt: addDays(day('2024-01-01'), on) }));
