import { createEventCodec, deriveEventId, MemoryEventStore, newCommandId, type EventStore, type StoredEvent } from '@rectrail/event-store';
import { instantOfMs, streamId, type DomainEvent, type Fact, type NewFact } from '@rectrail/kernel';
import { defineProjection, type ContextOf, type Projection, type ProjectionOf } from '../projection.ts';
import type { TableDefinition } from '../table.ts';
import type { CopyValue } from '../transaction.ts';

/** The one event of the specs of this package. */
export type Counted = DomainEvent<'Counted', { readonly n: number }>;

const clock = { now: () => instantOfMs(1_700_000_000_000) };
const codec = createEventCodec([{ type: 'Counted', schemaVersion: 1, schema: { safeParse: () => ({ success: true }) }, upcasters: {} }]);

export const decodeCounted = (stored: StoredEvent): Fact => codec.decode(stored);

export const newCountedLog = (): MemoryEventStore => new MemoryEventStore(clock);

/** One append of an event for each number. */
export const appendTogether = async (store: EventStore, stream: string, numbers: readonly number[]): Promise<void> => {
  const commandId = newCommandId(clock.now());
  const events = numbers.map((n, nth) => codec.encode({
    eventId: deriveEventId(commandId, nth), commandId, correlationId: commandId, classification: 'internal', validTime: null, knownTime: null, scope: { orgId: null },
    actor: { orgId: null, role: 'spec', subject: 'spec', assurance: 'system' }, event: { type: 'Counted', data: { n } },
  } satisfies NewFact<Counted>));
  await store.append({ commandId, entries: [{ streamId: streamId(stream), expectedVersion: 'any', events }] });
};

/** One append an event; `n` counts within the call. */
export const appendCounted = async (store: EventStore, streamOf: readonly string[]): Promise<void> => {
  for (const [n, stream] of streamOf.entries()) await appendTogether(store, stream, [n]);
};

const seenTable = (name: string): TableDefinition => ({
  name: `${name}_seen`,
  columns: { position: 'bigint not null', stream_id: 'text not null', stream_version: 'integer not null', before: 'integer not null', n: 'integer not null' },
  primaryKey: ['position'],
  include: ['n'],
  indexes: { [`${name}_seen_stream`]: 'unique (stream_id, stream_version)' },
  with: 'fillfactor=90',
});

const totalTable = (name: string): TableDefinition => ({
  name: `${name}_total`, columns: { stream_id: 'text not null', events: 'integer not null', sum: 'bigint not null', last: 'bigint not null' }, primaryKey: ['stream_id'],
});

export interface TallyOptions {
  readonly name?: string;
  readonly version?: number;
  readonly streamPrefix?: string;
  readonly bulk?: boolean;
  /** Position of the event that it cannot apply. */
  readonly failsAt?: () => number | null;
}

const columns = ['position', 'stream_id', 'stream_version', 'before', 'n'];

/** Writes each fact down and how many of its stream came before it; beside them totals by stream, which the bulk load derives by SQL. */
export const tally = ({ name = 'tally', version = 1, streamPrefix = '', bulk = true, failsAt = () => null }: TallyOptions = {}): Projection => {
  const rowsOf = (earlier: number, facts: readonly Fact<Counted>[]): readonly (readonly CopyValue[])[] => facts.map((fact, index) => {
    if (fact.position === failsAt()) throw new Error(`cannot count ${fact.event.data.n}`);
    return [fact.position, fact.streamId, fact.streamVersion, earlier + index, fact.event.data.n];
  });
  const apply = async (facts: readonly Fact<Counted>[], { tx, schema, earlier }: ContextOf<Counted>): Promise<void> => {
    const streams = Map.groupBy(facts, (fact) => fact.streamId);
    const before = await earlier([...streams.keys()]);
    const rows = [...streams].flatMap(([id, added]) => rowsOf((before.get(id) ?? []).length, added));
    await tx.query(
      `insert into ${schema}.${name}_seen (${columns.join(', ')}) select * from unnest($1::bigint[], $2::text[], $3::integer[], $4::integer[], $5::integer[])`,
      columns.map((_, column) => rows.map((row) => row[column])),
    );
    const totals = [...streams].map(([id, added]) => [id, added.length, added.reduce((sum, fact) => sum + fact.event.data.n, 0), added.at(-1)?.position]);
    await tx.query(
      `insert into ${schema}.${name}_total as t select * from unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[])
       on conflict (stream_id) do update set events = t.events + excluded.events, sum = t.sum + excluded.sum, last = excluded.last`,
      [0, 1, 2, 3].map((column) => totals.map((row) => row[column])),
    );
  };
  const load: ProjectionOf<Counted>['bulk'] = {
    addStreams: async (streams, { tx, schema }) => {
      const rows = [...streams.values()].flatMap((facts) => rowsOf(0, facts));
      await tx.copy({ table: `${schema}.${name}_seen`, columns, rows });
    },
    finish: async ({ tx, schema, index }) => {
      await index(`${name}_seen`);
      await tx.query(`insert into ${schema}.${name}_total select stream_id, count(*), sum(n), max(position) from ${schema}.${name}_seen group by stream_id`);
    },
  };
  return defineProjection<Counted>({ name, version, streamPrefix, tables: [seenTable(name), totalTable(name)], apply, ...(bulk && { bulk: load }) });
};
