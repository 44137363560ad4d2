import { type Fact, type Position, type StreamId } from '@rectrail/kernel';
import { defineProjection, type TableDefinition } from '@rectrail/projections';
import type { TrackingEvent } from '@rectrail/tracking-domain';
import { closeRows, columnTypes, insertRows, stillStands, type Row } from '../database/rows.ts';
import { standings, type Standing } from '../timeline/standing.ts';
import { begunEarlier, byStream } from './aggregate-projection.ts';
import { referencesOf } from './references.ts';

type TrackingFact = Fact<TrackingEvent>;

const eventTable: TableDefinition = {
  name: 'event',
  columns: {
    position: 'bigint not null', stream_id: 'text not null', stream_version: 'integer not null', event_id: 'text not null', type: 'text not null', org_id: 'text',
    subject: 'text not null', fact: 'jsonb not null',
  },
  primaryKey: ['position'],
  indexes: {
    event_stream: 'unique (stream_id, stream_version) include (position)',
    event_event_id: 'unique (event_id)',
    event_type: '(type, position)',
    event_org: '(org_id, position)',
    event_subject: '(subject, position)',
    event_reference_data: `(position) where stream_id like 'org-tree-%' or stream_id like 'policy-%' or stream_id = 'working-calendar'`,
  },
};

const standingTable: TableDefinition = {
  name: 'event_standing',
  columns: {
    position: 'bigint not null', stream_id: 'text not null', type: 'text not null', org_id: 'text',
    valid_from: 'date not null', known_from: 'timestamptz not null', known_to: 'timestamptz not null', pos_from: 'bigint not null', pos_to: 'bigint not null',
  },
  primaryKey: ['position', 'pos_from'],
  indexes: { event_standing_type: '(type, org_id)', event_standing_stream: '(stream_id)' },
};

const referenceTable: TableDefinition = {
  name: 'event_reference',
  columns: { position: 'bigint not null', stream_id: 'text not null', ref: 'text not null' },
  primaryKey: ['ref', 'position'],
};

const eventRow = (fact: TrackingFact): Row => ({
  position: fact.position,
  stream_id: fact.streamId,
  stream_version: fact.streamVersion,
  event_id: fact.eventId,
  type: fact.event.type,
  org_id: fact.scope.orgId,
  subject: fact.actor.subject,
  fact,
});

interface StandingRow extends Row { pos_to: number }

const standingRow = ({ fact, validFrom, knownFrom, knownTo }: Standing<TrackingFact>, from: Position): StandingRow => ({
  position: fact.position, stream_id: fact.streamId, type: fact.event.type, org_id: fact.scope.orgId,
  valid_from: validFrom, known_from: knownFrom, known_to: knownTo, pos_from: from, pos_to: stillStands,
});

/** What stands of each event, by the positions at which that changes: an event adds its own; only a retraction touches others. */
class StandingChanges {
  readonly rows: StandingRow[] = [];
  readonly closed: Row[] = [];

  addStream(earlier: readonly TrackingFact[], added: readonly TrackingFact[]): void {
    const openedHere = new Map<Position, StandingRow>();
    const open = (standing: Standing<TrackingFact>, from: Position): void => {
      const row = standingRow(standing, from);
      openedHere.set(standing.fact.position, row);
      this.rows.push(row);
    };
    const close = (of: Position, at: Position): void => {
      const here = openedHere.get(of);
      if (here === undefined) this.closed.push({ position: of, pos_to: at });
      else here.pos_to = at;
      openedHere.delete(of);
    };
    for (const [index, fact] of added.entries()) {
      if (fact.event.type !== 'FactsRetracted') {
        for (const standing of standings([fact])) open(standing, fact.position);
        continue;
      }
      const upTo = [...earlier, ...added.slice(0, index + 1)];
      const before = new Map(standings(upTo.slice(0, -1)).map((s) => [s.fact.position, s]));
      const after = new Map(standings(upTo).map((s) => [s.fact.position, s]));
      for (const [of, was] of before) if (after.get(of)?.knownTo !== was.knownTo) close(of, fact.position);
      for (const [of, is] of after) if (before.get(of)?.knownTo !== is.knownTo) open(is, fact.position);
    }
  }
}

const withRetraction = (streams: ReadonlyMap<StreamId, readonly TrackingFact[]>): ReadonlyMap<StreamId, readonly TrackingFact[]> =>
  new Map([...streams].filter(([, facts]) => facts.some((fact) => fact.event.type === 'FactsRetracted')));

/**
 * Every event, what stands of it at which positions, and which other streams it needs: the audit trail, histories, ledger rows,
 * reports and inspections, and the trees, policies and calendars (folded when read) come from here.
 */
export const eventProjection = defineProjection<TrackingEvent>({
  name: 'events',
  version: 1,
  streamPrefix: '',
  tables: [eventTable, standingTable, referenceTable],
  async apply(facts, context) {
    const { tx, schema } = context;
    const streams = byStream(facts);
    const before = await context.earlier(begunEarlier(withRetraction(streams)));
    const changes = new StandingChanges();
    for (const [streamId, added] of streams) changes.addStream(before.get(streamId) ?? [], added);
    await insertRows(tx, `${schema}.event`, columnTypes(eventTable), facts.map(eventRow));
    await closeRows(tx, `${schema}.event_standing`, { position: 'bigint' }, changes.closed);
    await insertRows(tx, `${schema}.event_standing`, columnTypes(standingTable), changes.rows);
    const references = facts.flatMap((fact) => referencesOf(fact).map((ref) => ({ position: fact.position, stream_id: fact.streamId, ref })));
    await insertRows(tx, `${schema}.event_reference`, columnTypes(referenceTable), references);
  },
});
