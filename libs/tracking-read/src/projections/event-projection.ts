import { dayNumber, streamVersion, type Fact, type Position, type StreamId } from '@rectrail/kernel';
import { defineProjection, type ContextOf, type Copy, type CopyValue, type Projection, type TableDefinition } from '@rectrail/projections';
import { isOfTheWhole, isPurge, isRetraction, pointKey, type ContentPurged, type TrackingEvent } from '@rectrail/tracking-domain';
import { closeRows, stillStands } from '../database/rows.ts';
import { dayNumbersIn } from '../figures/day-numbers.ts';
import { StandingHistory, unretracted, type InstantBound, type Standing, type StandingChange } from '../timeline/standing.ts';
import { referencesOf } from './references.ts';
import { isReferenceKey, keyOf } from './stream-keys.ts';
import { begunEarlier, byStream, hasGap, isReferenceStream, purgedIn } from './streams.ts';

type TrackingFact = Fact<TrackingEvent>;

/** Streams that are folded when read, by their rows here: few, or read many at a time. All other facts are read from the log. */
const foldedPrefixes = ['org-tree-', 'policy-', 'working-calendar', 'inspection-', 'report-', 'reminders-'] as const;

/** Facts that became known at least so many days after they were true, more than a week, are few enough for an index of their own. */
export const lateDaysMin = 8;

const unit = (bits: number) => (position: string): string => `(${position} >> ${bits})`;
/**
 * Events of a type, an owner or an actor are found by units of positions: an index keeps what is the same once, however many events have it, and those of a unit are soon sorted.
 * Units are the smaller the more events of one are alike.
 */
export const unitOf = { type: unit(12), org_id: unit(16), subject: unit(16) } as const;

/**
 * Where an event stands in all orders, and nothing of what it says. By `known_from` and `valid_from` it counts, as far as no retraction names
 * it: both are -infinity where position alone decides; a retraction or a purge itself, which takes part in no fold, has the day infinity. What was purged
 * has no row: its purge is kept whole.
 */
const eventTable: TableDefinition = {
  name: 'event',
  columns: {
    position: 'bigint not null', recorded_at: 'timestamptz not null', known_from: 'timestamptz not null', stream_version: 'integer not null', valid_from: 'date not null',
    valid_first: 'date', days_late: 'integer', event_id: 'uuid not null', org_id: 'uuid', stream: 'bytea not null', type: 'text collate "C" not null',
    subject: 'text collate "C" not null', fact: 'jsonb',
  },
  primaryKey: ['position'],
  indexes: {
    event_stream: '(stream, position) include (stream_version)',
    event_event_id: 'unique (event_id)',
    event_type: `(type, ${unitOf.type('position')})`,
    event_org: `(org_id, ${unitOf.org_id('position')})`,
    event_subject: `(subject, ${unitOf.subject('position')})`,
    event_known: '(known_from)',
    event_valid: '(valid_from)',
    event_valid_first: '(valid_first) where valid_first is not null',
    event_late: `(days_late, position) include (org_id, subject, type, valid_from, known_from) where days_late >= ${lateDaysMin}`,
    event_folded: '(type, org_id) where fact is not null',
    event_reference_data: `(position) where ${isReferenceKey('stream')}`,
  },
};

/** What retractions name: at the positions [pos_from, pos_to) it counts only for those whose knowledge ends before `known_from`. */
const retractedTable: TableDefinition = {
  name: 'event_retracted',
  columns: { position: 'bigint not null', known_from: 'timestamptz not null', pos_from: 'bigint not null', pos_to: 'bigint not null' },
  primaryKey: ['position', 'pos_from'],
};

const referenceTable: TableDefinition = {
  name: 'event_reference', columns: { position: 'bigint not null', ref: 'bytea not null' }, primaryKey: ['ref', 'position'],
};

/**
 * What organisations declare of themselves, each printed value by itself: dashboards look for the latest of each key, whatever else was declared before. It counts as its row in
 * `event` does; what belongs to no organisation is on no dashboard.
 */
const declaredTable: TableDefinition = {
  name: 'event_declared',
  columns: {
    position: 'bigint not null', known_from: 'timestamptz not null', valid_from: 'date not null', org_id: 'uuid not null', key: 'text collate "C" not null', of_the_whole: 'boolean not null',
    stream: 'bytea not null', basis: 'text', value: 'text', unit: 'text not null',
  },
  primaryKey: ['position'],
  indexes: { event_declared_key: '(org_id, key, valid_from, of_the_whole, position)' },
};

/** The day of an instant, as a number. */
type KnownDay = (known: InstantBound) => number;

const eventRow = (fact: TrackingFact, knownDay: KnownDay): readonly CopyValue[] => {
  const { position, recordedAt, streamVersion, eventId, scope, streamId, event: { type }, actor, validTime } = fact;
  const { knownFrom, validFrom } = isRetraction(fact) || isPurge(fact) ? { knownFrom: fact.knownTime, validFrom: 'infinity' } : unretracted(fact);
  const daysLate = validTime === null ? null : knownDay(fact.knownTime) - dayNumber(validTime.last);
  const isFolded = isPurge(fact) || foldedPrefixes.some((prefix) => streamId.startsWith(prefix));
  const validFirst = validTime === null || validTime.first === validTime.last ? null : validTime.first;
  return [position, recordedAt, knownFrom, streamVersion, validFrom, validFirst, daysLate, eventId, scope.orgId, keyOf(streamId), type, actor.subject, isFolded ? fact : null];
};

const declaredRows = (fact: TrackingFact): readonly (readonly CopyValue[])[] => {
  const { event, position, scope: { orgId }, streamId } = fact;
  if ((event.type !== 'RollUpDeclared' && event.type !== 'RollUpRateDeclared') || orgId === null) return [];
  const { knownFrom, validFrom } = unretracted(fact);
  const { value, unit, key } = event.type === 'RollUpDeclared' ? { ...event.data.quantity, key: pointKey(event.data) } : { ...event.data, unit: '%' };
  return [[position, knownFrom, validFrom, orgId, key, isOfTheWhole(event.data), keyOf(streamId), event.data.basis, value, unit]];
};

const knownTo = (standings: readonly Standing<TrackingFact>[]): ReadonlyMap<Position, InstantBound> =>
  new Map(standings.map((standing) => [standing.fact.position, standing.knownTo]));

interface RetractedRow { readonly position: Position; readonly knownFrom: InstantBound; readonly posFrom: Position; posTo: number }

/** What was purged, as far as retractions need to know of it: it stood before all that names it. */
const purgedFact = ({ event: { data }, ...purge }: Fact<ContentPurged>): TrackingFact =>
  // Of a fact of which nothing is known, only its name and place are asked.
  ({ ...purge, event: { type: 'PurgeDeclined', data: {} }, eventId: data.eventId, position: data.position, streamVersion: streamVersion(0), validTime: null });

/** What the retractions of a stream change, each at its position. */
class StreamRetractions {
  readonly opened: RetractedRow[] = [];
  /** Rows of earlier batches, and where they end. */
  readonly closed: { readonly position: Position; readonly pos_to: Position }[] = [];
  readonly #openedHere = new Map<Position, RetractedRow>();

  constructor(earlier: readonly TrackingFact[], added: readonly TrackingFact[]) {
    const history = new StandingHistory<TrackingFact>();
    for (const purge of [...earlier, ...added].filter(isPurge)) history.add(purgedFact(purge));
    for (const fact of earlier) history.add(fact);
    for (const fact of added) {
      const change = history.add(fact);
      if (isRetraction(fact)) this.#add(fact.position, change);
    }
  }

  #add(at: Position, change: StandingChange<TrackingFact>): void {
    const [was, is] = [knownTo(change.closed), knownTo(change.opened)];
    for (const position of new Set([...was.keys(), ...is.keys()])) {
      // What does not stand at all is retracted for whatever is known.
      if ((was.get(position) ?? '-infinity') !== 'infinity') this.#close(position, at);
      const knownFrom = is.get(position) ?? '-infinity';
      if (knownFrom !== 'infinity') this.#open({ position, knownFrom, posFrom: at, posTo: stillStands });
    }
  }

  #close(position: Position, at: Position): void {
    const here = this.#openedHere.get(position);
    if (here === undefined) this.closed.push({ position, pos_to: at });
    else here.posTo = at;
  }

  #open(row: RetractedRow): void {
    this.#openedHere.set(row.position, row);
    this.opened.push(row);
  }
}

type Streams = ReadonlyMap<StreamId, readonly TrackingFact[]>;

const withRetraction = (streams: Streams): Streams => new Map([...streams].filter(([, facts]) => facts.some(isRetraction)));

const copyInto = (schema: string, table: TableDefinition, rows: readonly (readonly CopyValue[])[]): Copy => ({ table: `${schema}.${table.name}`, columns: Object.keys(table.columns), rows });

/** Takes away all rows of these streams, which are made anew without what was purged in them. */
const forget = async ({ tx, schema }: ContextOf<TrackingEvent>, streams: Streams): Promise<void> => {
  if (streams.size === 0) return;
  const gone = await tx.query<{ position: string }>(`delete from ${schema}.${eventTable.name} where stream = any($1::bytea[]) returning position`, [[...streams.keys()].map(keyOf)]);
  const positions = [...gone.map(({ position }) => position), ...[...streams.values()].flatMap(purgedIn)];
  for (const table of [referenceTable, retractedTable, declaredTable]) await tx.query(`delete from ${schema}.${table.name} where position = any($1::bigint[])`, [positions]);
};

/** `earlier`: what went before in the streams that have a retraction here. */
const writeStreams = async (streams: Streams, earlier: Streams, { tx, schema }: ContextOf<TrackingEvent>, knownDay: KnownDay): Promise<void> => {
  const facts = [...streams.values()].flat();
  const retractions = [...withRetraction(streams)].map(([id, added]) => new StreamRetractions(earlier.get(id) ?? [], added));
  // A row that stands is found by its event: the old ones end before new ones come.
  await closeRows(tx, `${schema}.${retractedTable.name}`, { keys: { position: 'bigint' } }, retractions.flatMap(({ closed }) => closed));
  await tx.copy(
    copyInto(schema, eventTable, facts.map((fact) => eventRow(fact, knownDay))),
    copyInto(schema, referenceTable, facts.flatMap((fact) => referencesOf(fact).map((ref) => [fact.position, keyOf(ref)]))),
    copyInto(schema, declaredTable, facts.flatMap(declaredRows)),
    copyInto(schema, retractedTable, retractions.flatMap(({ opened }) => opened.map(({ position, knownFrom, posFrom, posTo }) => [position, knownFrom, posFrom, posTo]))),
  );
};

/**
 * Every event by its place in all orders, what retractions do to it at which positions, and which other streams it needs: the audit trail, lookups, lateness,
 * reports and inspections, and the trees, policies and calendars (folded when read) come from here. `zone`: in which days become known.
 */
export const eventProjection = (zone: string): Projection => {
  const knownDay = dayNumbersIn(zone);
  return defineProjection<TrackingEvent>({
    name: 'events',
    version: 4,
    streamPrefix: '',
    isIndispensable: isReferenceStream,
    tables: [eventTable, retractedTable, referenceTable, declaredTable],
    async apply(facts, context) {
      const streams = byStream(facts);
      const earlier = await context.earlier(begunEarlier(withRetraction(streams)));
      const anew = [...streams].filter(([id, added]) => added.some(isPurge) || (earlier.has(id) && hasGap(earlier.get(id) ?? [], added))).map(([id]) => id);
      const whole = await context.streams(anew, context.upTo);
      await forget(context, whole);
      await writeStreams(new Map([...streams].filter(([id]) => !whole.has(id))), earlier, context, knownDay);
      if (whole.size > 0) await writeStreams(whole, new Map(), context, knownDay);
    },
    // Whole streams have no earlier part, and what order they come in is all one.
    bulk: { addStreams: (streams, context) => writeStreams(streams, new Map(), context, knownDay) },
  });
};
