import { setTimeout as sleep } from 'node:timers/promises';
import type { AllSlice, EventStore, StoredEvent } from '@rectrail/event-store';
import { position, type Position, type StreamId } from '@rectrail/kernel';
import type { Bug } from './bugs.ts';
import { countedIn } from './counters.ts';
import type { SimulatedProcess } from './virtual-time.ts';

/** Of one counter: what it comes to, and the positions that made it so. */
export interface Row { readonly sum: number; readonly made: readonly Position[] }
type Rows = ReadonlyMap<StreamId, Row>;

export const foldRows = (rows: Rows, events: readonly StoredEvent[]): Rows => {
  const next = new Map(rows);
  for (const event of events) {
    const row = next.get(event.streamId) ?? { sum: 0, made: [] };
    next.set(event.streamId, { sum: row.sum + countedIn(event).by, made: [...row.made, event.position] });
  }
  return next;
};

/** Rows and checkpoint of one projection, which every process moves: whole transactions, one after another. */
export class RowsTable {
  rows: Rows = new Map();
  checkpoint = position(0);
  transactions = 0;

  transaction(change: (table: RowsTable) => void): void {
    this.transactions += 1;
    change(this);
  }
}

const away = { failure: (): Error => new Error('Connection terminated') };
const retryMs = 100;
const batchEventsMax = 3;

export interface FollowerOptions {
  readonly process: SimulatedProcess;
  readonly store: EventStore;
  readonly table: RowsTable;
  readonly bug: Bug | null;
  readonly signal: AbortSignal;
}

/** As a projection does it: a slice, its rows and the checkpoint in one transaction, behind a look at where the rows stand; after a failure anew from the checkpoint. */
export const followLog = async (options: FollowerOptions): Promise<void> => {
  const { process, store, table, bug, signal } = options;
  while (!signal.aborted) {
    try {
      const checkpoint = await process.call('rows read', () => table.checkpoint, away);
      const after = bug === 'follower skips on restart' && checkpoint > 0 ? position(checkpoint + 1) : checkpoint;
      let reached = checkpoint;
      for await (const slice of store.subscribeAll({ after, batchEventsMax, signal })) {
        await apply(options, reached, slice);
        reached = slice.scannedTo;
      }
    } catch {
      await sleep(retryMs, undefined, { signal }).catch(() => undefined);
    }
  }
};

const apply = async ({ process, table, bug }: FollowerOptions, after: Position, { events, scannedTo }: AllSlice): Promise<void> => {
  const what = `rows ${after} to ${scannedTo}`;
  if (bug === 'checkpoint before rows') {
    await process.call(what, () => { table.transaction((held) => { held.checkpoint = scannedTo; }); }, away);
    await process.call(what, () => { table.transaction((held) => { held.rows = foldRows(held.rows, events); }); }, away);
    return;
  }
  await process.call(what, () => {
    table.transaction((held) => {
      if (held.checkpoint < after) throw new Error('the checkpoint was moved back');
      if (scannedTo <= held.checkpoint) return;
      held.rows = foldRows(held.rows, events.filter((event) => event.position > held.checkpoint));
      held.checkpoint = scannedTo;
    });
  }, away);
};
