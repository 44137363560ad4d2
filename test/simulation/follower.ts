import { setTimeout as sleep } from 'node:timers/promises';
import type { EventStore } from '@rectrail/event-store';
import type { DomainEvent, Fact } from '@rectrail/kernel';
import { defineProjection, ProjectionRunner } from '@rectrail/projections';
import { countersCodec, type Counted } from './counters.ts';
import type { ProjectionTable, Row } from './projection-table.ts';
import type { SimulatedProcess } from './virtual-time.ts';

type CountedEvent = DomainEvent<'Counted', Counted>;

const folded = (facts: readonly Fact<CountedEvent>[]): Row => ({ sum: facts.reduce((sum, { event }) => sum + event.data.by, 0), made: facts.map((fact) => fact.position) });

/** One row a counter, one statement a row: a crash falls between them, and between them and the checkpoint. */
const projection = defineProjection<CountedEvent>({
  name: 'counters', version: 1, streamPrefix: '', tables: [{ name: 'counter', columns: { stream: 'text not null', folded: 'text not null' }, primaryKey: ['stream'] }],
  apply: async (facts, { tx, schema, earlier }) => {
    const byStream = Map.groupBy(facts, ({ streamId }) => streamId);
    const before = await earlier([...byStream.keys()]);
    for (const [stream, added] of byStream) {
      const row = folded([...(before.get(stream) ?? []), ...added]);
      await tx.query(`insert into ${schema}.counter (stream, folded) values ($1, $2) on conflict (stream) do update set folded = excluded.folded`, [stream, JSON.stringify(row)]);
    }
  },
});

export interface FollowerOptions {
  readonly process: SimulatedProcess;
  readonly store: EventStore;
  readonly table: ProjectionTable;
  readonly signal: AbortSignal;
  readonly onStopped: (error: unknown) => void;
}

/** A projector as a server has it, until the signal. */
export const followLog = async ({ process, store, table, signal, onStopped }: FollowerOptions): Promise<void> => {
  const codec = countersCodec();
  const runner = new ProjectionRunner({
    store, decode: (event) => codec.decode(event), database: table.of(process), projections: [projection], schema: 'simulated',
    batchEventsMax: 3, laggingEventsMax: 6, retryDelayMs: 100, onFailure: (_name, at, error) => { if (at !== null) onStopped(error); },
  });
  while (!signal.aborted && !(await runner.prepare().then(() => true, () => false))) await sleep(100);
  if (signal.aborted) return;
  runner.start();
  await new Promise((resolve) => { signal.addEventListener('abort', resolve); });
  await runner.stop();
};
