import { CommandRunner, createEventCodec, MemoryEventStore, newCommandId, withContent } from '@rectrail/event-store';
import { instant, position, type Actor, type CommandId, type EventId, type Fact, type Instant, type OrgId, type StreamId, type TreeId } from '@rectrail/kernel';
import { countingOnAnyDay, trackingEventDefinitions, type TrackingEvent } from '@rectrail/tracking-domain';
import type { Dependent } from '@rectrail/tracking-read';
import { Test } from '@nestjs/testing';
import { bootstrap } from '../bootstrap.ts';
import { CommandRejected } from '../command-rejected.ts';
import { CommandService } from '../command-service.ts';
import { definitionOfPath } from '../command-table.ts';
import { TrackingAppModule } from '../tracking-app.module.ts';
import type { CommandOutcome, CommandReply } from '../tracking-command.ts';

export const zone = 'Asia/Shanghai';

export const actorOf = (subject: string, orgId: string | null, role = orgId === null ? 'administrator' : 'organisation'): Actor =>
  ({ subject, orgId: orgId as OrgId | null, role, assurance: 'local-token' });
export const administrator = actorOf('admin', null);

export interface PostOptions { readonly by?: Actor; readonly ifMatch?: number; readonly dryRun?: boolean; readonly commandId?: CommandId }

/** The whole write side over a store in memory, without a read side: look-ups scan the log. */
export interface WriteSide {
  readonly store: MemoryEventStore;
  readonly runner: CommandRunner;
  /** The clock moves on by a second a command; set it to go further. */
  now: Instant;
  post(path: string, body?: unknown, options?: PostOptions): Promise<CommandReply & { readonly outcome: CommandOutcome }>;
  batch(body: unknown, options?: PostOptions): Promise<CommandOutcome>;
  refused(path: string, body?: unknown, options?: PostOptions): Promise<CommandRejected>;
  facts(): Promise<readonly Fact<TrackingEvent>[]>;
  close(): Promise<void>;
}

const strings = (value: unknown): readonly string[] => {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : [];
};

const lookupsOver = (facts: () => Promise<readonly Fact<TrackingEvent>[]>) => ({
  catchUp: () => Promise.resolve(),
  streamsOf: async (eventIds: readonly EventId[]) =>
    new Map((await facts()).filter((fact) => eventIds.includes(fact.eventId)).map((fact) => [fact.eventId, fact.streamId] as const)),
  trees: async (): Promise<readonly TreeId[]> => (await facts()).flatMap(({ event }) => (event.type === 'TreeOpened' ? [event.data.treeId] : [])),
  dependents: async (refs: readonly string[]): Promise<readonly Dependent[]> => {
    const all = await facts();
    const cut = { atPosition: position(all.length), knownAt: instant('9999-01-01T00:00:00Z') };
    const counting = [...Map.groupBy(all, (fact) => fact.streamId).values()].flatMap((ofStream) => countingOnAnyDay(ofStream, cut));
    return counting.flatMap((fact) => refs.flatMap((to) => {
      const id = to.slice(-36);
      const names = !fact.streamId.endsWith(id) && !fact.streamId.startsWith('org-tree-') && strings(fact.event.data).includes(id);
      return names ? [{ from: fact.streamId, to, eventId: fact.eventId, type: fact.event.type, position: fact.position }] : [];
    }));
  },
});

export const subscriptionsMax = 10;

/** First start done. @see WriteSide */
export const openWriteSide = async (startedAt = '2026-03-01T02:00:00.000Z'): Promise<WriteSide> => {
  let now = instant(startedAt);
  let lastAlone: Promise<unknown> = Promise.resolve();
  const clock = { now: () => now };
  const store = new MemoryEventStore(clock);
  const codec = createEventCodec(trackingEventDefinitions);
  const runner = new CommandRunner({ store, codec, clock, cachedStreamPrefixes: ['org-tree-', 'policy-'] });
  const facts = async (): Promise<readonly Fact<TrackingEvent>[]> => withContent((await store.readAll()).events).map((stored) => codec.decode(stored) as Fact<TrackingEvent>);
  await bootstrap({ runner, zone, jurisdiction: '某市', calendarYears: [] });
  const module = await Test.createTestingModule({ imports: [TrackingAppModule.register({
    runner, store, zone, lookups: lookupsOver(facts),
    endpointFault: (url) => Promise.resolve(url.includes('.internal') ? 'an inner address' : null),
    subscriptionsFull: async (made) => {
      const others = (await facts()).filter(({ event }) => event.type === 'SubscriptionCreated' && !made.includes(event.data.subscriptionId)).length;
      return others + made.length <= subscriptionsMax ? null : subscriptionsMax;
    },
    alone: (work) => {
      const turn = lastAlone.then(work, work);
      lastAlone = turn;
      return turn;
    },
  })] }).compile();
  const app = await module.init();
  const service = app.get(CommandService);

  const identityOf = ({ by = administrator, dryRun = false, commandId }: PostOptions) => {
    now = instant(new Date(Date.parse(now) + 1_000).toISOString());
    return { commandId: commandId ?? newCommandId(now), correlationId: 'spec', actor: by, dryRun };
  };
  const post: WriteSide['post'] = async (path, body = {}, options = {}) => {
    const found = definitionOfPath(path);
    if (found === null) throw new Error(`no command at ${path}`);
    const outcome = await service.execute({ definition: found.definition, target: { id: found.id, ifMatch: options.ifMatch ?? null }, body }, identityOf(options));
    return { ...outcome.results[0]!, outcome };
  };
  return {
    store,
    runner,
    get now() { return now; },
    set now(value) { now = value; },
    post,
    batch: (body, options = {}) => service.executeBatch(body, identityOf(options)),
    refused: async (path, body, options) => {
      try {
        await post(path, body, options);
      } catch (error) {
        if (error instanceof CommandRejected) return error;
        throw error;
      }
      throw new Error(`${path} was not refused`);
    },
    facts,
    close: async () => { await app.close(); await store.close(); },
  };
};

export interface Place { readonly region: string; readonly bureau: string; readonly other: string; readonly inspection: string }

/** A region with two bureaus; the first was inspected and had its feedback on 2026-01-10. */
export const openPlace = async (side: WriteSide): Promise<Place> => {
  const region = (await side.post('/organisations', { code: 'CN-1', name: '某市委', level: 'city', parent: null })).id;
  const bureau = (await side.post('/organisations', { code: 'CN-1-JT', name: '某市交通运输局', level: 'bureau', parent: 'CN-1' })).id;
  const other = (await side.post('/organisations', { code: 'CN-1-SW', name: '某市水务局', level: 'bureau', parent: 'CN-1' })).id;
  const inspection = (await side.post('/inspections', { org: 'CN-1-JT', kind: 'XUNCHA', title: '第五轮巡察', on: '2025-11' })).id;
  await side.post(`/inspections/${inspection}/deliver-feedback`, { on: '2026-01-10' });
  return { region, bureau, other, inspection };
};

export const registerIssue = async (side: WriteSide, place: Place, number = '1.'): Promise<string> =>
  (await side.post('/issues', { inspectionId: place.inspection, numberPath: ['二、', '(一)', number], title: '资金管理不严' })).id;

export const issueStream = (id: string): StreamId => `issue-${id}` as StreamId;
