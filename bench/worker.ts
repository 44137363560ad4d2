import { closedLoop, type LoopOptions, type LoopResult } from './closed-loop.ts';
import type { Contestant, ContestantName, Task } from './contestants/contestant.ts';
import { openEmmett } from './contestants/emmett.ts';
import { openRaw, openRawReader } from './contestants/raw.ts';
import { openStore, openStoreReader, openStoreWithCodec, openStreamReader } from './contestants/store.ts';
import { serve } from './process.ts';

const contestants: Record<ContestantName, (task: Task) => Promise<Contestant>> = {
  'store': openStore, 'store-encode': openStoreWithCodec, 'store-read': openStoreReader, 'store-stream': openStreamReader, 'emmett': openEmmett, 'raw': openRaw, 'raw-read': openRawReader,
};

let opened: { readonly contestant: Contestant; readonly callers: number } | undefined;

const current = (): { readonly contestant: Contestant; readonly callers: number } => {
  if (opened === undefined) throw new Error('nothing is open');
  return opened;
};

/** What the process of a contestant does for the one that measures. */
const methods = {
  open: async (task: Task): Promise<void> => { opened = { contestant: await contestants[task.contestant](task), callers: task.callers }; },
  prepare: (): void => { current().contestant.prepare?.(); },
  run: (loop: LoopOptions): Promise<LoopResult> => closedLoop((caller) => current().contestant.call(caller), loop),
  /** So many calls of each caller, not measured; answers their events. */
  repeat: async (calls: number): Promise<number> => {
    const { contestant, callers } = current();
    const done = await Promise.all(Array.from({ length: callers }, async (_, caller) => {
      let events = 0;
      for (let i = 0; i < calls; i++) events += await contestant.call(caller);
      return events;
    }));
    return done.reduce((sum, events) => sum + events, 0);
  },
  close: (): Promise<void> => current().contestant.close(),
};

export type WorkerMethods = typeof methods;

serve(methods);
