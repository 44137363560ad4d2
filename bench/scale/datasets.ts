import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Growth } from '@rectrail/generator';
import type { Day, IssueId, OrgId } from '@rectrail/kernel';
import type { OrgLevel } from '@rectrail/tracking-domain';
import type { Sealed, SealerMethods } from '../audit/sealer-worker.ts';
import type { KnownStream } from '../contestants/contestant.ts';
import { BenchProcess } from '../process.ts';
import { withClient, type BenchServer } from '../server.ts';
import type { Copying } from './copy-peer.ts';
import type { Building, DataMethods, Question, Replaying } from './data-worker.ts';

/** A generated history: the log of a database, and what is kept back of it. */
export interface DatasetPlan {
  /** In the log. */
  readonly events: number;
  readonly growth: Growth;
  readonly organisations: number;
  /** The events that would come next, for a writer: kept in a file. */
  readonly tailEvents: number;
}

/** Who can be asked about, as they stood at the first registration. */
export interface DatasetOrg { readonly orgId: OrgId; readonly level: OrgLevel; readonly children: number }

/** What a request can name in a log. */
export interface Landmarks {
  readonly streams: number;
  /** Days of the first and the last recording. */
  readonly from: Day;
  readonly until: Day;
  /** Registered within the first tenth of the log. */
  readonly registered: readonly DatasetOrg[];
  /** Drawn at random. */
  readonly issues: readonly IssueId[];
}

/** Streams drawn at random as they stand now. */
export interface StreamSample {
  readonly any: readonly KnownStream[];
  /** All of the same length: reading one costs as much as reading another. */
  readonly even: readonly KnownStream[];
}

export interface Loading { readonly seconds: number; readonly logBytes: number; readonly peakMiB: number }

export interface Dataset {
  readonly plan: DatasetPlan;
  readonly landmarks: Landmarks;
  readonly database: string;
  readonly url: string;
  /** Last position; more than the plan has once something was written. */
  readonly head: number;
  readonly tailFile: string;
  /** Where in the text of the tail a writer goes on. */
  readonly tailFrom: number;
  readonly loading: Loading;
  /** Commit of the generator. */
  readonly commit: string;
}

/** Of every history, as the generator makes it. */
export const zone = 'Asia/Shanghai';
const seed = 1;

export const databaseOf = ({ events, growth, organisations, tailEvents }: DatasetPlan): string => `scale_${events}_${growth}_${organisations}_${tailEvents}_${seed}`;
export const eventsLabel = (events: number): string => (events >= 1_000_000 ? `${events / 1_000_000} M` : `${events / 1_000} k`);
/** As keys of rows have it. */
export const eventsKey = (events: number): string => eventsLabel(events).replace(' ', '').toLowerCase();
export const keyOf = ({ events, growth }: DatasetPlan): string => `${eventsKey(events)}-${growth}`;
export const labelOf = ({ events, growth }: DatasetPlan): string => `${eventsLabel(events)} events, ${growth}`;

/** The URL holds this start's port. */
type Noted = Omit<Dataset, 'url'>;

const headOf = (url: string): Promise<number> => withClient(url, async (client) => {
  const { rows } = await client.query<{ head: number | null }>('select max(position)::float8 as head from rectrail_events.events');
  return rows[0]?.head ?? 0;
});

const restoreSql = (head: number): readonly string[] => [
  `begin; alter table rectrail_events.events disable trigger append_only; alter table rectrail_events.commands disable trigger append_only;
   delete from rectrail_events.events where position > ${head}; delete from rectrail_events.commands where last_position > ${head};
   alter table rectrail_events.events enable trigger append_only; alter table rectrail_events.commands enable trigger append_only; commit`,
  'vacuum (analyze) rectrail_events.events', 'vacuum (analyze) rectrail_events.commands',
];

/** As it is noted, and with half of its tail to be written yet. */
const isOfUse = async ({ plan: { events, tailEvents }, url, head }: Dataset): Promise<boolean> =>
  (await headOf(url)) === head && (tailEvents === 0 || (head - events) * 2 <= tailEvents);

/** Made once and kept beside the cluster; a row asks for what it needs. */
export class Datasets {
  readonly #server: BenchServer;
  readonly #commit: string;
  readonly #logs = new Map<string, Promise<Dataset>>();
  /** Databases whose read models are there, and those that have been read once. */
  readonly #built = new Set<string>();
  readonly #warm = new Set<string>();

  constructor(server: BenchServer, commit: string) {
    this.#server = server;
    this.#commit = commit;
  }

  /** The log alone. */
  log(plan: DatasetPlan): Promise<Dataset> {
    const database = databaseOf(plan);
    const known = this.#logs.get(database);
    if (known !== undefined) return known;
    const opening = this.#open(plan, database);
    this.#logs.set(database, opening);
    return opening;
  }

  /** With read models that have reached its head and that the operating system has read, as far as its memory goes: what is measured is no cold start. */
  async readable(plan: DatasetPlan): Promise<Dataset> {
    const dataset = await this.log(plan);
    const { database, url } = dataset;
    if (!this.#built.has(database)) await this.#inProcess((process) => process.ask('project', { url }));
    this.#built.add(database);
    if (!this.#warm.has(database)) await this.#inProcess((process) => process.ask('warm', { url }));
    this.#warm.add(database);
    return dataset;
  }

  /** With a signed head of its tree: whoever seals it has nothing to catch up with. */
  async sealed(plan: DatasetPlan): Promise<Dataset> {
    const dataset = await this.log(plan);
    await this.#withSealer(dataset, (sealer) => sealer.ask('caughtUp'));
    return dataset;
  }

  /** Seals it from its first event on; what that takes. */
  async sealAnew(plan: DatasetPlan): Promise<Sealed> {
    return this.#withSealer(await this.log(plan), async (sealer) => {
      await sealer.ask('forget');
      return sealer.ask('caughtUp');
    });
  }

  /** Makes the read models anew, beside those that are there. */
  async rebuild(plan: DatasetPlan): Promise<Building> {
    const { url, database } = await this.log(plan);
    const building = await this.#inProcess((process) => process.ask('rebuild', { url }));
    this.#built.add(database);
    return building;
  }

  /** In a process whose heap is that of a server. */
  async replay(plan: DatasetPlan): Promise<Replaying> {
    const { url } = await this.log(plan);
    const { youngHeapOption } = await import('@rectrail/server');
    return this.#inProcess((process) => process.ask('replay', { url }), [youngHeapOption]);
  }

  /** The rows that a rebuild has made, by COPY alone. */
  async copyPeer(plan: DatasetPlan): Promise<Copying> {
    const { url, database } = await this.readable(plan);
    return this.#inProcess((process) => process.ask('copyPeer', { url, dir: join(this.#server.dir, 'copy', database) }));
  }

  /** Dashboards from the log alone. */
  async naive(plan: DatasetPlan, questions: readonly Question[]): Promise<readonly { readonly ms: number; readonly digest: string }[]> {
    const { url } = await this.log(plan);
    return this.#inProcess((process) => process.ask('naive', { url, questions }));
  }

  async streams(plan: DatasetPlan): Promise<StreamSample> {
    const { url } = await this.log(plan);
    return this.#inProcess((process) => process.ask('streams', { url }));
  }

  /** Notes that the tail was appended up to `tailFrom`. */
  async written(dataset: Dataset, tailFrom: number): Promise<void> {
    const grown = { ...dataset, tailFrom, head: await headOf(dataset.url) };
    this.#logs.set(dataset.database, Promise.resolve(grown));
    this.#built.delete(dataset.database);
    await this.#note(grown);
  }

  /** Takes back what was appended to known streams and never projected. */
  async restore({ url, head }: Dataset): Promise<void> {
    await withClient(url, async (client) => {
      for (const sql of restoreSql(head)) await client.query(sql);
    });
  }

  async #open(plan: DatasetPlan, database: string): Promise<Dataset> {
    const file = this.#fileOf(database);
    const url = this.#server.urlOf(database);
    const kept = existsSync(file) && (await this.#server.hasDatabase(database)) ? { ...JSON.parse(await readFile(file, 'utf8')) as Noted, url } : null;
    if (kept !== null && await isOfUse(kept)) {
      if (kept.commit !== this.#commit) process.stdout.write(`  … ${database} was made by the generator of commit ${kept.commit}\n`);
      return kept;
    }
    await mkdir(join(this.#server.dir, 'datasets'), { recursive: true });
    await this.#server.createDatabase(database);
    // The key of the log that was there before.
    await rm(this.#serverDirOf(database), { recursive: true, force: true });
    const tailFile = join(this.#server.dir, 'datasets', `${database}.tail`);
    const { landmarks, loading } = await this.#inProcess((process) => process.ask('generate', { url, plan, seed, tailFile }));
    const made: Dataset = { plan, landmarks, database, url, head: await headOf(url), tailFile, tailFrom: 0, loading, commit: this.#commit };
    await this.#note(made);
    return made;
  }

  /** After the log was committed: a database that is not as it is noted was left by an interrupted run. */
  async #note(dataset: Dataset): Promise<void> {
    const noted: Noted & { readonly url?: undefined } = { ...dataset, url: undefined };
    await writeFile(this.#fileOf(dataset.database), `${JSON.stringify(noted)}\n`);
  }

  #fileOf(database: string): string {
    return join(this.#server.dir, 'datasets', `${database}.json`);
  }

  /** Of its server, with the key of the log. */
  #serverDirOf(database: string): string {
    return join(this.#server.dir, 'servers', database);
  }

  async #withSealer<T>({ url, database }: Dataset, work: (sealer: BenchProcess<SealerMethods>) => Promise<T>): Promise<T> {
    const sealer = new BenchProcess<SealerMethods>('audit/sealer-worker');
    try {
      await sealer.ask('start', { url, dir: this.#serverDirOf(database) });
      const result = await work(sealer);
      await sealer.ask('close');
      return result;
    } finally {
      sealer.kill();
    }
  }

  /** One of its own for each piece of work: what that takes of memory is its own, too. */
  async #inProcess<T>(work: (process: BenchProcess<DataMethods>) => Promise<T>, options: readonly string[] = []): Promise<T> {
    const process = new BenchProcess<DataMethods>('scale/data-worker', options);
    try {
      return await work(process);
    } finally {
      process.kill();
    }
  }
}
