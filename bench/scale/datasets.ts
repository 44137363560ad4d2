import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Growth } from '@rectrail/generator';
import type { Day, IssueId, OrgId } from '@rectrail/kernel';
import type { OrgLevel } from '@rectrail/tracking-domain';
import type { KnownStream } from '../contestants/contestant.ts';
import { BenchProcess } from '../process.ts';
import type { BenchServer } from '../server.ts';
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
  readonly events: number;
  readonly streams: number;
  /** Days of the first and the last recording. */
  readonly from: Day;
  readonly until: Day;
  /** Registered within the first tenth of the log. */
  readonly registered: readonly DatasetOrg[];
  /** Drawn at random, as the streams are. */
  readonly issues: readonly IssueId[];
  readonly anyStreams: readonly KnownStream[];
  /** All of the same length: reading one costs as much as reading another. */
  readonly evenStreams: readonly KnownStream[];
}

export interface Loading { readonly seconds: number; readonly logBytes: number; readonly peakMiB: number }

export interface Dataset {
  readonly plan: DatasetPlan;
  readonly landmarks: Landmarks;
  readonly database: string;
  readonly url: string;
  readonly tailFile: string;
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
export const labelOf = ({ events, growth }: DatasetPlan): string => `${eventsLabel(events)} events, ${growth}`;

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

  /** Makes the read models anew, beside those that are there. */
  async rebuild(plan: DatasetPlan): Promise<Building> {
    const { url, database } = await this.log(plan);
    const building = await this.#inProcess((process) => process.ask('rebuild', { url }));
    this.#built.add(database);
    return building;
  }

  async replay(plan: DatasetPlan): Promise<Replaying> {
    const { url } = await this.log(plan);
    return this.#inProcess((process) => process.ask('replay', { url }));
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

  /** Runs `use` on a copy that it may write into. */
  async onCopy<T>(dataset: Dataset, use: (copy: { readonly database: string; readonly url: string }) => Promise<T>): Promise<T> {
    const database = `${dataset.database}_copy`;
    const url = await this.#server.createDatabase(database, dataset.database);
    try {
      return await use({ database, url });
    } finally {
      await this.#server.dropDatabase(database);
    }
  }

  async #open(plan: DatasetPlan, database: string): Promise<Dataset> {
    const file = join(this.#server.dir, 'datasets', `${database}.json`);
    const url = this.#server.urlOf(database);
    // Written after the log was committed: a database without it is what an interrupted run has left.
    if (existsSync(file) && (await this.#server.hasDatabase(database))) {
      const kept = JSON.parse(await readFile(file, 'utf8')) as Omit<Dataset, 'url'>;
      if (kept.commit !== this.#commit) process.stdout.write(`  … ${database} was made by the generator of commit ${kept.commit}\n`);
      return { ...kept, url };
    }
    await mkdir(join(this.#server.dir, 'datasets'), { recursive: true });
    await this.#server.createDatabase(database);
    const tailFile = join(this.#server.dir, 'datasets', `${database}.tail`);
    const { landmarks, loading } = await this.#inProcess((process) => process.ask('generate', { url, plan, seed, tailFile }));
    const made = { plan, landmarks, database, tailFile, loading, commit: this.#commit };
    await writeFile(file, `${JSON.stringify(made)}\n`);
    return { ...made, url };
  }

  /** One of its own for each piece of work: what that takes of memory is its own, too. */
  async #inProcess<T>(work: (process: BenchProcess<DataMethods>) => Promise<T>): Promise<T> {
    const process = new BenchProcess<DataMethods>('scale/data-worker');
    try {
      return await work(process);
    } finally {
      process.kill();
    }
  }
}
