import { position, type EventId, type Position, type TreeId } from '@rectrail/kernel';
import type { CatchUpOptions } from '@rectrail/projections';
import { readTransaction } from '../database/data-source.ts';
import { schema, stillStands } from '../database/rows.ts';
import { keyOf, nameOf, streamOf } from '../projections/stream-keys.ts';
import { waitMsMax, type ReadContext } from './read-session.ts';
import { ReadRejected, type Dependent, type TrackingLookups } from './tracking-read.ts';

/** With everything known and recorded. */
const counts = `not exists (select from ${schema}.event_retracted retracted where retracted.position = e.position and retracted.pos_to = ${stillStands})`;

interface DependentRow { readonly stream: Buffer; readonly ref: Buffer; readonly event_id: EventId; readonly type: string; readonly position: string }

/** The one projection that lookups read: no other keeps commands waiting. */
const readByLookups = ['events'];

/** Answers for commands and imports, as of what the index of events has reached. */
export const lookupsOf = (context: ReadContext): TrackingLookups => {
  const { dataSource } = context;
  return {
    dependents: (refs) => readTransaction(dataSource, async (tx): Promise<readonly Dependent[]> => {
      const rows = await tx.query<DependentRow>(
        `select e.stream, r.ref, e.event_id, e.type, e.position::text from ${schema}.event_reference r join ${schema}.event e using (position)
          where r.ref = any($1::bytea[]) and ${counts} order by e.position, r.ref`, [refs.map(keyOf)],
      );
      return rows.map((row) => ({ from: streamOf(row.stream), to: nameOf(row.ref), eventId: row.event_id, type: row.type, position: position(Number(row.position)) }));
    }),
    streamsOf: (eventIds) => readTransaction(dataSource, async (tx) => {
      const rows = await tx.query<{ event_id: EventId; stream: Buffer }>(`select event_id, stream from ${schema}.event where event_id = any($1)`, [eventIds]);
      return new Map(rows.map((row) => [row.event_id, streamOf(row.stream)]));
    }),
    trees: () => readTransaction(dataSource, async (tx) => {
      const rows = await tx.query<{ tree: TreeId }>(`select fact #>> '{event,data,treeId}' as tree from ${schema}.event where type = 'TreeOpened' order by position`);
      return rows.map((row) => row.tree);
    }),
    catchUp: (to) => catchUp(context, to, waitMsMax, { only: readByLookups, ofReadable: true }),
  };
};

/** @throws ReadRejected `projection-behind`. */
export const catchUp = async (context: ReadContext, to: Position, timeoutMs: number, options?: CatchUpOptions): Promise<void> => {
  if (!(await context.runner.catchUp(to, timeoutMs, options))) {
    throw new ReadRejected('projection-behind', `the read models have not reached position ${to} within ${timeoutMs} ms. Potential solutions: ask again in a moment`, { wanted: to });
  }
};
