import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { position, type Position } from '@rectrail/kernel';
import { addedColumn } from './added-column.ts';
import type { Database } from './database.ts';

/** The lease is no longer ours: another process leads, and nothing more may be written as the leader. */
export class LeaseLost extends Error {
  readonly code = 'lease-lost';

  constructor(name: string) {
    super(`the lease ${name} was lost to another process`);
    this.name = 'LeaseLost';
  }
}

/** A lease as its holder has it. `signal` aborts once it may have been lost; every write checks the epoch in its own statement. */
export interface HeldLease {
  readonly name: string;
  /** Counts the holders: greater than every earlier one's. */
  readonly epoch: number;
  readonly signal: AbortSignal;
  /** By this process's own clocks, at once: false from before the database would give it to another, also where the process was stopped and no timer has run yet. */
  holds(): boolean;
  /** Where the follower of this name stands; 0 where it has never moved. */
  checkpoint(): Promise<Position>;
  /** Moves it forwards; what comes late of the same term does not move it back. @throws LeaseLost where another process leads: nothing was written. */
  moveTo(to: Position): Promise<void>;
  /** Says why the follower stands where its checkpoint is, until its next move or the next holder. @throws LeaseLost where another process leads: nothing was written. */
  standStill(reason: string): Promise<void>;
  /** Runs `work` in a transaction that holds the lease's row. @throws LeaseLost before `work` runs. */
  transaction<T>(work: (query: Database['query']) => Promise<T>): Promise<T>;
}

/** `position`: of its checkpoint; null where it has never moved one. `held`: whether some process leads. `stopped`: why it stands there, as its present or last holder said. */
export interface FollowerStatus { readonly name: string; readonly position: Position | null; readonly epoch: number; readonly held: boolean; readonly stopped: string | null }

const tables = `
  create schema if not exists rectrail_followers;
  create table if not exists rectrail_followers.lease (
    name       text primary key,
    epoch      bigint not null,
    holder     uuid not null,
    expires_at timestamptz not null
  );
  create table if not exists rectrail_followers.checkpoint (
    name       text primary key,
    position   bigint not null,
    epoch      bigint not null,
    updated_at timestamptz not null default now()
  );
  ${addedColumn('rectrail_followers.checkpoint', 'stopped', 'text')}
`;
const setUpLane = `select pg_advisory_xact_lock(hashtextextended('rectrail_followers', 0))`;

const acquireSql = `
  insert into rectrail_followers.lease as held (name, epoch, holder, expires_at) values ($1, 1, $2, clock_timestamp() + $3 * interval '1 ms')
  on conflict (name) do update set epoch = held.epoch + 1, holder = excluded.holder, expires_at = clock_timestamp() + $3 * interval '1 ms'
  where held.expires_at < clock_timestamp()
  returning epoch::float8`;
const renewSql = `update rectrail_followers.lease set expires_at = clock_timestamp() + $3 * interval '1 ms' where name = $1 and epoch = $2`;
const releaseSql = `update rectrail_followers.lease set expires_at = '-infinity' where name = $1 and epoch = $2`;
/** Locks the row, so that nobody takes the lease over before the transaction has ended. */
const guardSql = `select 1 from rectrail_followers.lease where name = $1 and epoch = $2 and expires_at > clock_timestamp() for update`;
const moveSql = `
  insert into rectrail_followers.checkpoint as kept (name, position, epoch) select $1, $3, $2 from (${guardSql}) held
  on conflict (name) do update set position = case when kept.epoch = excluded.epoch then greatest(kept.position, excluded.position) else excluded.position end, epoch = excluded.epoch, updated_at = now(), stopped = null`;
const standStillSql = `
  insert into rectrail_followers.checkpoint (name, position, epoch, stopped) select $1, 0, $2, $3 from (${guardSql}) held
  on conflict (name) do update set epoch = excluded.epoch, stopped = excluded.stopped`;

export interface LeadOptions {
  readonly name: string;
  readonly signal: AbortSignal;
  /** What is done while leading; it ends when `lease.signal` aborts. A failure is told, and leading begins again after a pause. */
  readonly work: (lease: HeldLease) => Promise<void>;
  readonly onFailure: (error: unknown) => void;
  /** How long a leader that falls silent keeps the lease, ms; default that of the leadership. It is renewed three times as often. */
  readonly ttlMs?: number;
  /** Between two attempts to take the lease, and after a failure, ms; default a third of `ttlMs`. */
  readonly retryMs?: number;
}

/** Several processes, one worker: leases with epochs, and the checkpoints that only the leader moves (schema `rectrail_followers`). */
export interface Leadership {
  /** Takes the lease whenever it is free and works as long as it holds, until the signal aborts. Rejects never. */
  lead(options: LeadOptions): Promise<void>;
  /** Every follower that has ever led. */
  followers(): Promise<readonly FollowerStatus[]>;
}

/** Moves the checkpoint by a given `query`: that of `lease.transaction`, together with what else is written there. @throws LeaseLost where another process leads. */
export const moveCheckpoint = async ({ query }: Pick<Database, 'query'>, { name, epoch }: Pick<HeldLease, 'name' | 'epoch'>, to: Position): Promise<void> => {
  const { rowCount } = await query(moveSql, [name, epoch, to]);
  if (rowCount !== 1) throw new LeaseLost(name);
};

const resting = async (ms: number, signal: AbortSignal): Promise<void> => {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
};

/** Of both clocks of this process, ms: the steady one stands still while a machine is suspended, the other may be put back. */
interface Moment { readonly steady: number; readonly wall: number }
const present = (): Moment => ({ steady: performance.now(), wall: Date.now() });
const msSince = ({ steady, wall }: Moment): number => Math.max(performance.now() - steady, Date.now() - wall);

/** Of one holder; `renewedAt` from before the request. */
interface Term { readonly epoch: number; readonly ttlMs: number; renewedAt: Moment }

class PostgresLeadership implements Leadership {
  readonly #database: Database;
  readonly #holder = randomUUID();
  readonly #ttlMs: number;

  constructor(database: Database, ttlMs: number) {
    this.#database = database;
    this.#ttlMs = ttlMs;
  }

  async lead(options: LeadOptions): Promise<void> {
    const { signal, onFailure, ttlMs = this.#ttlMs } = options;
    const retryMs = options.retryMs ?? ttlMs / 3;
    while (!signal.aborted) {
      try {
        const askedAt = present();
        const epoch = await this.#acquire(options.name, ttlMs);
        if (epoch !== null) await this.#hold(options, { epoch, ttlMs, renewedAt: askedAt });
      } catch (error) {
        // A lease that is lost on the way is how leadership changes, no failure.
        if (!(error instanceof LeaseLost)) onFailure(error);
      }
      await resting(retryMs, signal);
    }
  }

  async followers(): Promise<readonly FollowerStatus[]> {
    const { rows } = await this.#database.query<{ name: string; position: number | null; epoch: number; held: boolean; stopped: string | null }>(`
      select lease.name, checkpoint.position::float8 as position, lease.epoch::float8 as epoch, lease.expires_at > clock_timestamp() as held,
             case when checkpoint.epoch = lease.epoch then checkpoint.stopped end as stopped
      from rectrail_followers.lease left join rectrail_followers.checkpoint using (name) order by lease.name`);
    return rows.map((row) => ({ ...row, position: row.position === null ? null : position(row.position) }));
  }

  async #acquire(name: string, ttlMs: number): Promise<number | null> {
    const { rows } = await this.#database.query<{ epoch: number }>(acquireSql, [name, this.#holder, ttlMs]);
    return rows[0]?.epoch ?? null;
  }

  async #hold({ name, signal, work }: LeadOptions, term: Term): Promise<void> {
    const lost = new AbortController();
    const either = AbortSignal.any([signal, lost.signal]);
    const renewing = this.#renew(name, term, either).then((isLost) => { if (isLost) lost.abort(new LeaseLost(name)); });
    try {
      await work(this.#lease(name, term, { signal: either, ended: lost.signal }));
    } finally {
      lost.abort(new LeaseLost(name));
      await renewing;
      await this.#database.query(releaseSql, [name, term.epoch]).catch(() => undefined);
    }
  }

  /** True once it may be lost: by this process's own clocks from before each request on, so that it is given up before the database would give it to another. */
  async #renew(name: string, term: Term, until: AbortSignal): Promise<boolean> {
    const { epoch, ttlMs } = term;
    const left = (): number => Math.max(0, ttlMs - msSince(term.renewedAt));
    for (;;) {
      // Timers come late, and after requests that fail at once three thirds would come later than the whole.
      await resting(Math.min(ttlMs / 3, left()), until);
      if (until.aborted) return false;
      const asked = present();
      const answer = await Promise.race([
        this.#database.query(renewSql, [name, epoch, ttlMs]).catch(() => null),
        resting(left(), until).then(() => null),
      ]);
      if (answer?.rowCount === 1) term.renewedAt = asked;
      else if (answer?.rowCount === 0 || left() === 0) return true;
    }
  }

  #lease(name: string, term: Term, { signal, ended }: { readonly signal: AbortSignal; readonly ended: AbortSignal }): HeldLease {
    const database = this.#database;
    const { epoch, ttlMs } = term;
    const transaction: HeldLease['transaction'] = (work) => database.transaction(async (query) => {
      const { rowCount } = await query(guardSql, [name, epoch]);
      if (rowCount !== 1) throw new LeaseLost(name);
      return work(query);
    });
    return {
      name, epoch, signal, transaction,
      holds: () => !ended.aborted && msSince(term.renewedAt) < ttlMs,
      checkpoint: async () => {
        const { rows } = await database.query<{ position: number }>('select position::float8 as position from rectrail_followers.checkpoint where name = $1', [name]);
        return position(rows[0]?.position ?? 0);
      },
      moveTo: (to) => moveCheckpoint(database, { name, epoch }, to),
      standStill: async (reason) => {
        const { rowCount } = await database.query(standStillSql, [name, epoch, reason]);
        if (rowCount !== 1) throw new LeaseLost(name);
      },
    };
  }
}

/** Makes its schema `rectrail_followers` where it is missing. `ttlMs`: of its leases, unless said otherwise. */
export const openLeadership = async (database: Database, { ttlMs = 10_000 }: { readonly ttlMs?: number } = {}): Promise<Leadership> => {
  await database.transaction(async (query) => {
    await query(setUpLane);
    await query(tables);
  });
  return new PostgresLeadership(database, ttlMs);
};
