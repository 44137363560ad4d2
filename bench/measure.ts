import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import type { SealerMethods } from './audit/sealer-worker.ts';
import { migrateEmmett } from './contestants/emmett.ts';
import { rawTables } from './contestants/raw.ts';
import { bulkGroup, type ContestantName, type KnownStream, type Task } from './contestants/contestant.ts';
import { Fleet, type Run } from './fleet.ts';
import { meanBytes, payloadsOf } from './payloads.ts';
import { BenchProcess } from './process.ts';
import type { RateRow, TableCount } from './results.ts';
import type { ContestantPlan, DatabaseName, RowPlan } from './rows.ts';
import type { Dataset, Datasets, StreamSample } from './scale/datasets.ts';
import { connected, type BenchServer } from './server.ts';

export interface MeasureOptions {
  readonly rounds: number;
  readonly measureMs: number;
  /** A snapshot stays open this long, and rounds go on beside it. */
  readonly snapshotMs: number;
}

/** Once a row, so that code is compiled and every stream of it has been seen; and at the start of each run. */
const firstWarmMs = 1_000;
const warmMs = 300;
const fillers = 4;
const fillAppendEvents = 50 * bulkGroup;

/** Where the rows of a contestant are counted; a reader leaves none. */
const tableOf: Record<ContestantName, string | null> = {
  'store': 'rectrail_events.events', 'store-encode': 'rectrail_events.events', 'store-read': null, 'store-stream': null, 'emmett': 'emt_messages', 'raw': 'raw_events', 'raw-read': null,
};

interface Contender { readonly plan: ContestantPlan; readonly fleet: Fleet; readonly runs: Run[] }
/** One that is made for the row and dropped after it, or a history's, which then gets back its end. */
interface Database { readonly name: string; readonly url: string; readonly client: pg.Client; readonly dataset: Dataset | null; readonly filled: number }

interface Surroundings { readonly server: BenchServer; readonly datasets: Datasets }

const streamsOf = ({ contestant }: ContestantPlan, { any, even }: StreamSample): readonly KnownStream[] => (contestant === 'store-stream' ? even : any);
const databaseOf = (plan: ContestantPlan): DatabaseName => plan.database ?? 'a';

/** One row, on databases of its own or on the logs of histories. */
class RowMeasurement {
  readonly #server: BenchServer;
  readonly #datasets: Datasets;
  readonly #row: RowPlan;
  readonly #options: MeasureOptions;
  readonly #databases = new Map<DatabaseName, Database>();
  readonly #contenders: Contender[] = [];
  #sealer: BenchProcess<SealerMethods> | null = null;

  constructor({ server, datasets }: Surroundings, row: RowPlan, options: MeasureOptions) {
    this.#server = server;
    this.#datasets = datasets;
    this.#row = row;
    this.#options = options;
  }

  async measure(): Promise<RateRow> {
    try {
      await this.#open();
      const roundsOfRatio = await this.#beside(() => this.#rounds());
      for (const { fleet } of this.#contenders) await fleet.close();
      return await this.#result(roundsOfRatio);
    } finally {
      for (const { fleet } of this.#contenders) fleet.kill();
      this.#sealer?.kill();
      for (const { client, name, dataset } of this.#databases.values()) {
        await client.end();
        if (dataset === null) await this.#server.dropDatabase(name);
        else await this.#datasets.restore(dataset);
      }
    }
  }

  get #plans(): readonly ContestantPlan[] {
    return [this.#row.subject, ...this.#row.peers];
  }

  #database(name: DatabaseName): Database {
    const database = this.#databases.get(name);
    if (database === undefined) throw new Error(`no database ${name}`);
    return database;
  }

  async #open(): Promise<void> {
    for (const name of new Set(this.#plans.map(databaseOf))) await this.#openDatabase(name);
    for (const plan of this.#plans) {
      const { url, dataset } = this.#database(databaseOf(plan));
      const streams = dataset === null ? {} : { streams: streamsOf(plan, await this.#datasets.streams(dataset.plan)) };
      this.#contenders.push({ plan, fleet: await Fleet.open({ ...this.#taskOf(plan, url), ...streams }), runs: [] });
    }
    // The next one comes after minutes, as in a server's ordinary life: pages written whole after it are mostly paid in the warm-up.
    await this.#server.checkpoint();
    for (const { fleet } of this.#contenders) await fleet.run(this.#loop(firstWarmMs));
    if (this.#row.sealedIn !== undefined) await this.#startSealer(this.#row.sealedIn);
    // Sessions that have planned on empty tables plan anew after this.
    for (const { client } of this.#databases.values()) await client.query('vacuum (analyze)');
  }

  async #startSealer(name: DatabaseName): Promise<void> {
    const { name: database, url } = this.#database(name);
    const dir = join(this.#server.dir, 'servers', database);
    // With the key of another log, where an earlier run has left it.
    await rm(dir, { recursive: true, force: true });
    this.#sealer = new BenchProcess<SealerMethods>('audit/sealer-worker');
    await this.#sealer.ask('start', { url, dir });
  }

  async #openDatabase(key: DatabaseName): Promise<void> {
    const plans = this.#plans.filter((plan) => databaseOf(plan) === key);
    const [on] = plans.flatMap((plan) => plan.on ?? []);
    const dataset = on === undefined ? null : await this.#datasets.log(on);
    const name = dataset?.database ?? `bench_${this.#row.key.replaceAll('-', '_')}_${key}`;
    const url = dataset?.url ?? await this.#server.createDatabase(name);
    const client = await connected(url);
    if (plans.some((plan) => plan.contestant === 'raw')) await client.query(rawTables);
    if (plans.some((plan) => plan.contestant === 'emmett')) await migrateEmmett(url);
    let filled = dataset?.head ?? 0;
    for (const plan of plans) if (plan.filled !== undefined) filled += await this.#fill(plan, url);
    this.#databases.set(key, { name, url, client, dataset, filled });
  }

  async #fill(plan: ContestantPlan, url: string): Promise<number> {
    const fleet = await Fleet.open({ ...this.#taskOf(plan, url), contestant: 'store', callers: fillers, processes: 1, appendEvents: fillAppendEvents });
    try {
      await fleet.repeat((plan.filled ?? 0) / fillers / fillAppendEvents);
      await fleet.close();
      return fleet.acknowledged;
    } finally {
      fleet.kill();
    }
  }

  #taskOf(plan: ContestantPlan, url: string): Omit<Task, 'processIndex'> {
    const { processes, payload, appendEvents, streams } = this.#row;
    const callers = this.#row.callers / processes;
    return { contestant: plan.contestant, url, payload, callers, processes, streams, appendEvents, connections: plan.connections ?? callers };
  }

  #loop(measureMs: number): { callers: number; warmMs: number; measureMs: number } {
    return { callers: this.#row.callers / this.#row.processes, warmMs, measureMs };
  }

  /** Runs `work` while another transaction of the row's database keeps its snapshot, where the row says so. */
  async #beside<T>(work: () => Promise<T>): Promise<T> {
    if (this.#row.snapshotIn === undefined) return work();
    const { client } = this.#database(this.#row.snapshotIn);
    await client.query('begin isolation level repeatable read; select count(*) from rectrail_events.streams');
    const result = await work();
    await client.query('commit');
    return result;
  }

  /** Answers how many rounds, at the end, make the ratio. */
  async #rounds(): Promise<number> {
    const until = performance.now() + (this.#row.snapshotIn === undefined ? 0 : this.#options.snapshotMs);
    let round = 0;
    for (; round < this.#options.rounds || performance.now() < until; round++) {
      for (const { runs, fleet } of round % 2 === 0 ? this.#contenders : this.#contenders.toReversed()) {
        await this.#sealer?.ask('caughtUp');
        runs.push(await fleet.run(this.#loop(this.#options.measureMs)));
      }
    }
    return this.#row.snapshotIn === undefined ? round : Math.ceil(round / 3);
  }

  async #result(roundsOfRatio: number): Promise<RateRow> {
    const { key, title, callers, processes, payload } = this.#row;
    const resultOf = ({ plan, runs }: Contender) => ({ label: plan.label, contestant: plan.contestant, connections: plan.connections ?? callers, runs });
    const [subject, ...peers] = this.#contenders;
    if (subject === undefined) throw new Error('a row needs a subject');
    return {
      kind: 'rate', unit: 'events/s', key, title, callers, processes, payload, meanBytes: meanBytes(payloadsOf(payload)), measureMs: this.#options.measureMs, roundsOfRatio, subject: resultOf(subject),
      peers: peers.map((peer) => ({ ...resultOf(peer), toReach: peer.plan.toReach ?? null })), counts: await this.#counts(),
    };
  }

  /** @throws Error where a table does not hold what was acknowledged. */
  async #counts(): Promise<TableCount[]> {
    const counts: TableCount[] = [];
    for (const [key, { client, filled }] of this.#databases) {
      for (const table of new Set(Object.values(tableOf).filter((t) => t !== null))) {
        const writers = this.#contenders.filter(({ plan }) => databaseOf(plan) === key && tableOf[plan.contestant] === table);
        const acknowledged = writers.reduce((sum, { fleet }) => sum + fleet.acknowledged, table === tableOf.store ? filled : 0);
        if (acknowledged === 0) continue;
        const { rows } = await client.query<{ n: string }>(`select count(*) as n from ${table}`);
        const counted = Number(rows[0]?.n);
        if (counted !== acknowledged) throw new Error(`${this.#row.key}: ${table} holds ${counted} events, ${acknowledged} were acknowledged`);
        counts.push({ table: `${key}: ${table}`, acknowledged, counted });
      }
    }
    return counts;
  }
}

/** @throws Error where a process of the bench failed or the rows afterwards are not those acknowledged. */
export const measureRow = (surroundings: Surroundings, row: RowPlan, options: MeasureOptions): Promise<RateRow> => new RowMeasurement(surroundings, row, options).measure();
