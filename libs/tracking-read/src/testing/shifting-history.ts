import { deriveEventId } from '@rectrail/event-store';
import { addDays, day, dayIn, instantOfMs, msOfInstant, onDay, position, streamVersion, type CommandId, type Day, type Fact, type FuzzyDate, type Instant, type OrgId, type Scope, type StreamId } from '@rectrail/kernel';
import { administrativeTreeId, buckets, defaultPolicy, issueStates, streams, type FactsRetracted, type PolicyContent, type TrackingEvent } from '@rectrail/tracking-domain';
import { randomHistory } from '@rectrail/tracking-domain/testing';
import { randomOf } from './index.ts';

type TrackingFact = Fact<TrackingEvent>;
type Random = ReturnType<typeof randomOf>;

interface Draft { readonly streamId: StreamId; readonly scope?: Scope; readonly event: TrackingEvent; readonly validTime: FuzzyDate | null; readonly knownTime?: Instant }

const zone = 'Asia/Shanghai';
const tree = streams.organisationTree(administrativeTreeId);
const retractable: readonly TrackingEvent['type'][] = ['OrgRegistered', 'OrgMoved', 'OrgMerged', 'PolicyAdopted', 'CalendarYearSet', 'FactsRetracted'];

const uuidOf = (random: Random): string => {
  const hex = (digits: number): string => Array.from({ length: digits }, () => random.int(0, 15).toString(16)).join('');
  return `${hex(8)}-${hex(4)}-8${hex(3)}-a${hex(3)}-${hex(12)}`;
};

const policyOf = (random: Random): PolicyContent => ({
  ...defaultPolicy,
  buckets: [{ when: { state: issueStates.filter(() => random.int(0, 1) === 0) }, bucket: random.pick(buckets) }, { when: {}, bucket: random.pick(buckets) }],
  dueSoon: { days: random.int(0, 40), unit: random.pick(['calendar', 'working', 'working']) },
});

/** Two working days a month: what a calendar says makes a great difference. */
const daysOf = (random: Random, year: number): readonly Day[] => Array.from({ length: 12 }, (_, month) => [random.int(1, 14), random.int(15, 28)]
  .map((d) => day(`${year}-${String(month + 1).padStart(2, '0')}-${String(d).padStart(2, '0')}`))).flat();

/** The default policy is the first for good, and those of their own change rarely: what rests on roll-ups is then answered by them at nearly every cut. */
type Pace = 'steady' | 'restless';

const isLaterDefault = ({ event, validTime }: TrackingFact): boolean => event.type === 'PolicyAdopted' && event.data.orgId === null && validTime !== null;

const countingBy = (unit: 'calendar' | 'working', { event, ...fact }: TrackingFact): TrackingFact =>
  ({ ...fact, event: event.type === 'PolicyAdopted' && event.data.orgId === null ? { ...event, data: { ...event.data, dueSoon: { ...event.data.dueSoon, unit } } } : event });

interface Around { readonly orgs: readonly OrgId[]; readonly facts: readonly TrackingFact[]; readonly now: Instant; readonly pace: Pace }

/** One change of what figures rest on beside their issues: of the tree, a policy, a calendar, or the retraction of one. */
const shift = (random: Random, { orgs, facts, now, pace }: Around): Draft => {
  const today = dayIn(zone, now);
  const [orgId, other] = [random.pick(orgs), random.pick(orgs)];
  const on = onDay(addDays(today, random.int(-400, 200)));
  const past = random.int(0, 2) === 0 ? { knownTime: instantOfMs(msOfInstant(now) - random.int(1, 250 * 86_400_000)) } : {};
  const inTree = (event: TrackingEvent, validTime: FuzzyDate | null): Draft => ({ streamId: tree, event, validTime, ...past });
  const retractionOf = (types: readonly TrackingEvent['type'][]) => (): Draft => {
    const victims = facts.filter(({ event, validTime }) => types.includes(event.type) && !(event.type === 'PolicyAdopted' && validTime === null));
    if (victims.length === 0) return draws[0]();
    // The newest, so that there are retractions of retractions, and undone moves that others rest on.
    const victim = random.pick(random.int(0, 1) === 0 ? victims.slice(-12) : victims);
    const kind = victim.event.type === 'FactsRetracted' || random.int(0, 1) === 0 ? 'entered-in-error' : 'withdrawn';
    const event: FactsRetracted = { type: 'FactsRetracted', data: { eventIds: [victim.eventId], reason: '更正', kind } };
    return { streamId: victim.streamId, scope: victim.scope, event, validTime: null, ...past };
  };
  const policy = (owner: OrgId | null): Draft => ({
    streamId: owner === null ? streams.defaultPolicy : streams.policy(owner), event: { type: 'PolicyAdopted', data: { ...policyOf(random), orgId: owner } }, validTime: on, ...past,
  });
  const year = random.int(2020, 2024);
  const move = (): Draft => inTree({ type: 'OrgMoved', data: { orgId, parentId: orgId === other ? null : other } }, on);
  const calendar = (): Draft =>
    ({ streamId: streams.workingCalendar, event: { type: 'CalendarYearSet', data: { year, workingDays: daysOf(random, year) } }, validTime: null });
  const draws: readonly [() => Draft, ...(() => Draft)[]] = [
    move, ...Array.from({ length: 7 }, () => move),
    () => (orgId === other ? inTree({ type: 'OrgDissolved', data: { orgId } }, on) : inTree({ type: 'OrgMerged', data: { orgId, successorId: other } }, on)),
    ...Array.from({ length: 3 }, () => () => inTree({ type: 'OrgRegistered', data: { orgId, code: `CN-${random.int(100_000, 999_999)}-JT`, name: '新单位', level: 'bureau', parentId: orgId === other ? null : other } }, null)),
    () => policy(orgId), ...(pace === 'steady' ? [] : [() => policy(orgId), () => policy(null)]),
    calendar, calendar, ...Array.from({ length: 4 }, () => retractionOf(retractable)),
    retractionOf(['PolicyAdopted']), retractionOf(['CalendarYearSet']), retractionOf(['CalendarYearSet']),
  ];
  return random.pick(draws)();
};

/**
 * A random history in which tree, policies and calendars change all the time, several at once: organisations that move with others below them and back, that own
 * before they are registered, whose registration goes; some that own nothing. Its first events are those of the history.
 */
export const shiftingHistory = (seed: number, size: number, pace: Pace): readonly TrackingFact[] => {
  const random = randomOf(seed);
  const facts: TrackingFact[] = [];
  const versions = new Map<StreamId, number>();
  const put = (fact: Omit<TrackingFact, 'position' | 'streamVersion'>): void => {
    const version = (versions.get(fact.streamId) ?? 0) + 1;
    versions.set(fact.streamId, version);
    facts.push({ ...fact, position: position(facts.length + 1), streamVersion: streamVersion(version) });
  };
  const drawn = randomHistory(seed, size, deriveEventId);
  const base = pace === 'restless' ? drawn : drawn.filter((fact) => !isLaterDefault(fact)).map((fact) => countingBy(seed % 2 === 0 ? 'working' : 'calendar', fact));
  const owners = [...new Set(base.flatMap(({ scope }) => scope.orgId ?? []))];
  const newcomers = Array.from({ length: 4 }, () => uuidOf(random) as OrgId);
  const registered = base.flatMap(({ event }) => (event.type === 'OrgRegistered' ? [event.data.orgId] : []));
  const orgs = [...new Set([...registered, ...owners, ...newcomers])];
  const commands = [...Map.groupBy(base, (fact) => fact.commandId).values()];
  for (const [n, command] of commands.entries()) {
    command.forEach(put);
    const last = command.at(-1);
    if (last === undefined || n < 2 || random.int(0, 2) > 0) continue;
    const commandId = uuidOf(random) as CommandId;
    const drafts = Array.from({ length: random.int(1, 4) }, () => shift(random, { orgs, facts, now: last.recordedAt, pace }));
    const inOrder = [...Map.groupBy(drafts, ({ streamId }) => streamId).values()].flat();
    for (const [index, { streamId, scope = { orgId: null }, event, validTime, knownTime = last.recordedAt }] of inOrder.entries()) {
      put({ ...last, eventId: deriveEventId(commandId, index), commandId, correlationId: commandId, scope, streamId, event, validTime, knownTime });
    }
  }
  return facts;
};
