import { closedLoop, type LoopOptions, type LoopResult } from './closed-loop.ts';
import type { Contestant, ContestantName, Task } from './contestants/contestant.ts';
import { openEmmett } from './contestants/emmett.ts';
import { openRaw, openRawReader } from './contestants/raw.ts';
import { openStore, openStoreReader, openStoreWithCodec } from './contestants/store.ts';

/** What the process of a contestant is told by the one that measures; each is answered once. */
export type Order =
  | { readonly order: 'open'; readonly task: Task }
  | { readonly order: 'prepare' }
  | { readonly order: 'run'; readonly loop: LoopOptions }
  | { readonly order: 'repeat'; readonly calls: number }
  | { readonly order: 'close' };
export type Answer = { readonly ok: true; readonly result: LoopResult | null } | { readonly ok: false; readonly error: string };

const contestants: Record<ContestantName, (task: Task) => Promise<Contestant>> = {
  'store': openStore, 'store-encode': openStoreWithCodec, 'store-read': openStoreReader, 'emmett': openEmmett, 'raw': openRaw, 'raw-read': openRawReader,
};

let opened: { readonly contestant: Contestant; readonly callers: number } | undefined;

const current = (): { readonly contestant: Contestant; readonly callers: number } => {
  if (opened === undefined) throw new Error('nothing is open');
  return opened;
};

/** So many calls of each caller, not measured. */
const repeat = async (calls: number): Promise<LoopResult> => {
  const { contestant, callers } = current();
  const done = await Promise.all(Array.from({ length: callers }, async (_, caller) => {
    let events = 0;
    for (let i = 0; i < calls; i++) events += await contestant.call(caller);
    return events;
  }));
  return { events: 0, latenciesMs: new Float64Array(), acknowledged: done.reduce((sum, events) => sum + events, 0) };
};

const obey = async (order: Order): Promise<LoopResult | null> => {
  switch (order.order) {
    case 'open':
      opened = { contestant: await contestants[order.task.contestant](order.task), callers: order.task.callers };
      return null;
    case 'prepare':
      current().contestant.prepare?.();
      return null;
    case 'run': {
      const { contestant } = current();
      return closedLoop((caller) => contestant.call(caller), order.loop);
    }
    case 'repeat':
      return repeat(order.calls);
    case 'close':
      await current().contestant.close();
      return null;
  }
};

const answer = (reply: Answer): void => { process.send?.(reply); };

process.on('message', (order: Order) => {
  obey(order).then(
    (result) => { answer({ ok: true, result }); },
    (error: unknown) => { answer({ ok: false, error: error instanceof Error ? error.stack ?? error.message : String(error) }); },
  );
});
process.on('disconnect', () => { process.exit(); });
