import { setTimeout as sleep } from 'node:timers/promises';
import { PostgresEventStore } from '@rectrail/event-store-postgres';
import { openDatabase, openLeadership } from '@rectrail/platform';
import { openLogKeys, SealedLog, startSealer } from '@rectrail/server';
import { serve } from '../process.ts';

/** `dir`: holds the key of the log, as the data directory of its server does. */
export interface SealerPlan { readonly url: string; readonly dir: string }
export interface Sealed { readonly leaves: number; readonly seconds: number }

const pollMs = 10;

interface Sealing { caughtUp(): Promise<Sealed>; forget(): Promise<void>; close(): Promise<void> }
let sealing: Sealing | null = null;
const running = (): Sealing => {
  if (sealing === null) throw new Error('nothing is sealed');
  return sealing;
};

const forgetSql = 'truncate rectrail_transparency.tile, rectrail_transparency.checkpoint, rectrail_transparency.cosignature';

/** As in a server, alone in its process. */
const start = async ({ url, dir }: SealerPlan): Promise<void> => {
  const database = await openDatabase({ url, connectionsMax: 4, onError: () => undefined });
  const [store, sealed, leadership] = [await PostgresEventStore.open({ connectionString: url }), await SealedLog.open(database), await openLeadership(database)];
  const signers = await openLogKeys({ database, configuration: { dataDir: dir, logKeyFile: undefined }, identity: await store.identity() });
  if (signers.length === 0) throw new Error(`the log has a key that ${dir} does not hold`);
  let failure: unknown = null;
  const begin = (): { close(): Promise<void> } => startSealer({ store, sealed, leadership, signers, onFailure: (error) => { failure ??= error; } });
  let sealer = begin();
  const until = async (isSo: () => Promise<boolean>): Promise<void> => {
    while (!(await isSo())) {
      if (failure !== null) throw failure as Error;
      await sleep(pollMs);
    }
  };
  sealing = {
    caughtUp: async () => {
      const [began, before, { position: head }] = [performance.now(), await sealed.size(), await store.head()];
      await until(async () => head === 0 || ((await sealed.checkpoint())?.size ?? 0) >= head);
      return { leaves: head - before, seconds: (performance.now() - began) / 1_000 };
    },
    forget: async () => {
      await sealer.close();
      await database.query(forgetSql);
      sealer = begin();
      await until(async () => (await sealed.size()) > 0);
    },
    close: () => sealer.close(),
  };
};

const methods = {
  start,
  /** Until the newest checkpoint is of the whole log; what that takes from now on. */
  caughtUp: (): Promise<Sealed> => running().caughtUp(),
  /** Seals from the first leaf on; answers once it has begun. */
  forget: (): Promise<void> => running().forget(),
  /** The next one need not wait until a lease runs out. */
  close: (): Promise<void> => running().close(),
};

export type SealerMethods = typeof methods;

serve(methods);
