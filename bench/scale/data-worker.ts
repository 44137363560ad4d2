import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { canonicalJson, createEventCodec, sha256Hex, type EventCodec } from '@rectrail/event-store';
import { PostgresEventStore } from '@rectrail/event-store-postgres';
import { provinceHistory, type RecordedEvent } from '@rectrail/generator';
import { day, dayIn, instantOfMs, position, type Cut, type Day, type Fact, type IssueId, type OrgId } from '@rectrail/kernel';
import { knownCalendarYears } from '@rectrail/platform';
import { administrativeTreeId, streams, trackingEventDefinitions, type TrackingEvent } from '@rectrail/tracking-domain';
import { dashboard } from '@rectrail/tracking-domain/figures';
import { openTrackingRead, trackingProjections, type TrackingRead } from '@rectrail/tracking-read';
import type { KnownStream } from '../contestants/contestant.ts';
import { serve } from '../process.ts';
import { Progress } from '../progress.ts';
import { withClient } from '../server.ts';
import { copySameRows, type Copying } from './copy-peer.ts';
import { zone, type DatasetOrg, type DatasetPlan, type Landmarks, type Loading, type StreamSample } from './datasets.ts';
import { whileSampling, type Memory } from './memory.ts';
import { seeded } from './random.ts';
import { registeredByShare } from './requests.ts';
import { SplitHistory, tailLine } from './tail.ts';

/** Day of the last event of every history. */
const until = day('2026-06-30');
const issuesKept = 2_000;
const anyStreamsKept = 5_000;
const evenStreamsKept = 2_000;
/** Streams looked at for those that are kept. */
const streamsLookedAt = 60_000;
const evenLength = 5;

const withStore = async <T>(url: string, work: (store: PostgresEventStore, codec: EventCodec) => Promise<T>): Promise<T> => {
  const store = await PostgresEventStore.open({ connectionString: url });
  try {
    return await work(store, createEventCodec(trackingEventDefinitions));
  } finally {
    await store.close();
  }
};

const writeTail = async (file: string, batches: Iterable<readonly RecordedEvent[]>): Promise<void> => {
  const out = createWriteStream(file);
  for (const batch of batches) if (!out.write(batch.map(tailLine).join(''))) await once(out, 'drain');
  out.end();
  await finished(out);
};

const registeredIn = async (store: PostgresEventStore, codec: EventCodec, registeredBy: number): Promise<readonly DatasetOrg[]> => {
  const { events } = await store.readStream(streams.organisationTree(administrativeTreeId), { upTo: position(registeredBy) });
  const registered = events.map((stored) => (codec.decode(stored) as Fact<TrackingEvent>).event).flatMap((event) => (event.type === 'OrgRegistered' ? [event.data] : []));
  const children = Map.groupBy(registered, ({ parentId }) => parentId);
  return registered.map(({ orgId, level }) => ({ orgId, level, children: children.get(orgId)?.length ?? 0 }));
};

const streamsSql = `
  select s.stream_id as id, (select max(e.version) from rectrail_events.events e where e.stream_no = s.stream_no) as version
    from unnest($1::int[]) with ordinality as n (no, nth) join rectrail_events.streams s on s.stream_no = n.no order by n.nth`;

/** Streams by numbers drawn at random, the same for the same log. */
const sampleOf = (url: string): Promise<{ readonly streams: number; readonly sample: readonly KnownStream[] }> => withClient(url, async (client) => {
  const { rows: [row] } = await client.query<{ count: number }>('select max(stream_no)::int as count from rectrail_events.streams');
  const streamCount = row?.count ?? 0;
  const random = seeded(streamCount);
  const numbers = [...new Set(Array.from({ length: streamsLookedAt }, () => 1 + random.below(streamCount)))];
  return { streams: streamCount, sample: (await client.query<KnownStream>(streamsSql, [numbers])).rows };
});

const landmarksOf = async (url: string): Promise<Landmarks> => withStore(url, async (store, codec) => {
  const { position: head, recordedAt } = await store.head();
  const [first] = (await store.readAll({ limit: 1 })).events;
  if (first === undefined || recordedAt === null) throw new Error('the log is empty');
  const { streams: streamCount, sample } = await sampleOf(url);
  const issuePrefix = 'issue-';
  return {
    streams: streamCount, from: dayIn(zone, first.recordedAt), until: dayIn(zone, recordedAt), registered: await registeredIn(store, codec, Math.ceil(head * registeredByShare)),
    issues: sample.filter(({ id }) => id.startsWith(issuePrefix)).slice(0, issuesKept).map(({ id }) => id.slice(issuePrefix.length) as IssueId),
  };
});

const bytesSql = `
  select sum(pg_total_relation_size(c.oid))::float8 as bytes from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relkind = 'r'`;
const bytesOf = (url: string, schema: string): Promise<number> =>
  withClient(url, async (client) => (await client.query<{ bytes: number }>(bytesSql, [schema])).rows[0]?.bytes ?? 0);

/** Tables of the read models, with their indexes. */
export interface ReadTable { readonly name: string; readonly rows: number; readonly bytes: number }

const readTablesSql = `
  select c.relname as name, c.reltuples::float8 as rows, pg_total_relation_size(c.oid)::float8 as bytes
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'rectrail_read' and c.relkind = 'r' order by bytes desc`;

const warmSql = `
  create extension if not exists pg_prewarm;
  select sum(pg_prewarm(c.oid, 'read')) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'rectrail_read' and c.relkind in ('r', 'i')`;

/** When a projection came into a phase, seconds after the beginning. */
interface PhaseBegin { readonly projection: string; readonly phase: string; readonly seconds: number }

export interface Building {
  readonly events: number;
  readonly seconds: number;
  readonly memory: Memory;
  readonly phases: readonly PhaseBegin[];
  readonly tables: readonly ReadTable[];
}

export interface Replaying { readonly events: number; readonly seconds: number; readonly memory: Memory }
export interface Question { readonly cut: Cut; readonly org: OrgId | null; readonly treeOn?: Day }

const withRead = <T>(url: string, work: (read: TrackingRead, store: PostgresEventStore) => Promise<T>): Promise<T> => withStore(url, async (store, codec) => {
  const read = await openTrackingRead({ connectionString: url, store, codec, clock: { now: () => instantOfMs(Date.now()) }, zone });
  try {
    return await work(read, store);
  } finally {
    await read.stop();
  }
});

const allFacts = async (store: PostgresEventStore, codec: EventCodec, take: (fact: Fact<TrackingEvent>) => void): Promise<void> => {
  for (let after = position(0); ;) {
    const { events, scannedTo } = await store.readAll({ after });
    if (events.length === 0) return;
    for (const stored of events) take(codec.decode(stored) as Fact<TrackingEvent>);
    after = scannedTo;
  }
};

/** What is done with a dataset, each in a process of its own. */
const methods = {
  generate: async ({ url, plan, seed, tailFile }: { url: string; plan: DatasetPlan; seed: number; tailFile: string }): Promise<{ landmarks: Landmarks; loading: Loading }> => {
    const { events, tailEvents, organisations, growth } = plan;
    const history = new SplitHistory(provinceHistory({ events: events + tailEvents, organisations, growth, seed, until, calendar: knownCalendarYears(), jurisdiction: 'CN' }));
    const progress = new Progress('generating and loading');
    const { seconds, memory } = await whileSampling(() => withStore(url, (store) => store.loadHistory(history.head(events, (done) => { progress.at(done, events); }))));
    await writeTail(tailFile, history.tail());
    return { landmarks: await landmarksOf(url), loading: { seconds, peakMiB: memory.peakMiB, logBytes: await bytesOf(url, 'rectrail_events') } };
  },

  /** Whatever of the log the read models do not have yet. */
  project: ({ url }: { url: string }): Promise<void> => withRead(url, async (read) => {
    await read.project();
    for (const { name, failure, lagEvents } of await read.projectionStatus()) {
      if (failure !== null || lagEvents > 0) throw new Error(`projection ${name} is ${lagEvents} events behind: ${failure === null ? 'for no known reason' : `position ${failure.position}: ${failure.reason}`}`);
    }
  }),

  streams: async ({ url }: { url: string }): Promise<StreamSample> => {
    const { sample } = await sampleOf(url);
    return { any: sample.slice(0, anyStreamsKept), even: sample.filter(({ version }) => version === evenLength).slice(0, evenStreamsKept) };
  },

  warm: ({ url }: { url: string }): Promise<void> => withClient(url, async (client) => { await client.query(warmSql); }),

  rebuild: ({ url }: { url: string }): Promise<Building> => withRead(url, async (read, store) => {
    const names = (await read.projectionStatus()).map(({ name }) => name);
    const phases: PhaseBegin[] = [];
    const began = performance.now();
    const { seconds, memory } = await whileSampling(() => Promise.all(names.map((name) => {
      const progress = new Progress(`rebuilding ${name}`);
      return read.rebuild(name, { onProgress: ({ phase, position: at, target }) => {
        const seconds = Number(((performance.now() - began) / 1_000).toFixed(2));
        if (!phases.some((known) => known.projection === name && known.phase === phase)) phases.push({ projection: name, phase, seconds });
        progress.at(at, target);
      } });
    })));
    const tables = await withClient(url, async (client) => (await client.query<ReadTable>(readTablesSql)).rows);
    return { events: (await store.head()).position, seconds, memory, phases, tables };
  }),

  copyPeer: ({ url, dir }: { url: string; dir: string }): Promise<Copying> => copySameRows(url, trackingProjections(zone), dir),

  replay: ({ url }: { url: string }): Promise<Replaying> => withStore(url, async (store, codec) => {
    let events = 0;
    const { seconds, memory } = await whileSampling(() => allFacts(store, codec, () => { events += 1; }));
    return { events, seconds, memory };
  }),

  /** The dashboard from the log alone, by the figures module, for each question anew. */
  naive: ({ url, questions }: { url: string; questions: readonly Question[] }): Promise<readonly { ms: number; digest: string }[]> => withStore(url, async (store, codec) => {
    const answers: { ms: number; digest: string }[] = [];
    for (const { cut, org, treeOn } of questions) {
      const began = performance.now();
      const facts: Fact<TrackingEvent>[] = [];
      await allFacts(store, codec, (fact) => { facts.push(fact); });
      const { figures } = dashboard(facts, cut, { org, policy: null, ...(treeOn !== undefined && { treeOn }) });
      answers.push({ ms: performance.now() - began, digest: sha256Hex(canonicalJson(figures)) });
    }
    return answers;
  }),
};

export type DataMethods = typeof methods;

serve(methods);
