import { setTimeout as sleep } from 'node:timers/promises';
import { PostgresEventStore } from '@rectrail/event-store-postgres';
import type { StreamId } from '@rectrail/kernel';
import { serve, wallMs } from '../process.ts';
import { readTail, tailRequests } from '../scale/tail.ts';

export interface Commanded {
  /** When the append of each event began, by its id: a command on a stream waits for the one before. */
  readonly beganAt: ReadonlyMap<string, number>;
  readonly acknowledgedAt: ReadonlyMap<string, number>;
  readonly tailFrom: number;
  /** Commands a second that were reached. */
  readonly pace: number;
}

interface CommandPlan { readonly url: string; readonly tailFile: string; readonly tailFrom: number; readonly perSecond: number; readonly commands: number }

/** The commands of a history at a steady pace, each stream's in order: what a command writes, from before its append on. */
const append = async ({ url, tailFile, tailFrom, perSecond, commands }: CommandPlan): Promise<Commanded> => {
  const store = await PostgresEventStore.open({ connectionString: url });
  const requests = tailRequests(await readTail(tailFile), tailFrom);
  const [beganAt, acknowledgedAt] = [new Map<string, number>(), new Map<string, number>()];
  const lastOf = new Map<StreamId, Promise<unknown>>();
  const all: Promise<unknown>[] = [];
  let end = tailFrom;
  const began = performance.now();
  for (let n = 0; n < commands; n++) {
    const next = requests.next();
    if (next.done === true) throw new Error('the history is told to its end');
    const { request } = next.value;
    ({ end } = next.value);
    await sleep(Math.max(0, began + (n * 1_000) / perSecond - performance.now()));
    const ids = request.entries.map(({ streamId }) => streamId);
    const appending = Promise.all(ids.flatMap((id) => lastOf.get(id) ?? [])).then(async () => {
      const at = wallMs();
      await store.append(request);
      const acknowledged = wallMs();
      for (const { eventId } of request.entries.flatMap(({ events }) => events)) {
        beganAt.set(eventId, at);
        acknowledgedAt.set(eventId, acknowledged);
      }
    });
    for (const id of ids) lastOf.set(id, appending);
    all.push(appending);
  }
  await Promise.all(all);
  const pace = commands / ((performance.now() - began) / 1_000);
  await store.close();
  return { beganAt, acknowledgedAt, tailFrom: end, pace };
};

const methods = { append };
export type AppendMethods = typeof methods;

serve(methods);
