import type { Database } from '@rectrail/platform';
import type { CommandId } from '@rectrail/kernel';

/** A request counts as running for so long after its process last said so, ms; then a retry with its key takes over, as the same command. */
const runningMsDefault = 6_000;
/** Expired keys removed at one claim, so that no request pays for many. */
const expiredKeysMax = 100;

const tables = `
  create schema if not exists rectrail_http;
  create table if not exists rectrail_http.idempotency_key (
    key_sha256     text primary key,
    request_sha256 text not null,
    command_id     uuid not null,
    expires_at     timestamptz not null,
    running_until  timestamptz
  );
  create index if not exists idempotency_key_expires on rectrail_http.idempotency_key (expires_at);
`;

export interface Claim {
  readonly keySha256: string;
  readonly requestSha256: string;
  /** Taken where the key is new. */
  readonly commandId: CommandId;
}

/** `claimed`: carry the command out under `commandId`, that of the first request with this key; then `release`. */
export type ClaimOutcome = { readonly outcome: 'claimed'; readonly commandId: CommandId } | { readonly outcome: 'reused' } | { readonly outcome: 'in-use' };

export interface IdempotencyStore {
  claim(claim: Claim): Promise<ClaimOutcome>;
  release(keySha256: string): Promise<void>;
}

/** The requests that this process carries out; while there are any, they are said to run, all in one statement. */
class RunningKeys {
  readonly #database: Database;
  readonly #runningMs: number;
  readonly #keys = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(database: Database, runningMs: number) {
    this.#database = database;
    this.#runningMs = runningMs;
  }

  add(key: string): void {
    this.#keys.add(key);
    this.#timer ??= setInterval(() => void this.#renew(), this.#runningMs / 4).unref();
  }

  delete(key: string): void {
    this.#keys.delete(key);
    if (this.#keys.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #renew(): Promise<void> {
    const sql = `update rectrail_http.idempotency_key set running_until = now() + make_interval(secs => $2) where key_sha256 = any($1) and running_until is not null`;
    // Where the database is away nothing takes over either; a takeover would repeat the command, not double it.
    await this.#database.query(sql, [[...this.#keys], this.#runningMs / 1000]).catch(() => undefined);
  }
}

/**
 * Which command an Idempotency-Key stands for. Only the mapping is kept, no answer: the event store answers a repeated command
 * as it did the first time.
 */
export const openIdempotencyStore = async (database: Database, hours: number, runningMs = runningMsDefault): Promise<IdempotencyStore> => {
  await database.transaction(async (query) => {
    await query(`select pg_advisory_xact_lock(hashtextextended('rectrail_http', 0))`);
    await query(tables);
  });
  const running = new RunningKeys(database, runningMs);
  const claim: IdempotencyStore['claim'] = ({ keySha256, requestSha256, commandId }) => database.transaction(async (query) => {
    await query(
      `delete from rectrail_http.idempotency_key where key_sha256 in
         (select key_sha256 from rectrail_http.idempotency_key where expires_at < now() and coalesce(running_until < now(), true) limit $1 for update skip locked)`,
      [expiredKeysMax],
    );
    // The insert waits for another claim of the same key to end, so two never both win.
    const inserted = await query(
      `insert into rectrail_http.idempotency_key (key_sha256, request_sha256, command_id, expires_at, running_until)
       values ($1, $2, $3, now() + make_interval(hours => $4), now() + make_interval(secs => $5)) on conflict do nothing`,
      [keySha256, requestSha256, commandId, hours, runningMs / 1000],
    );
    if (inserted.rowCount === 1) return { outcome: 'claimed', commandId };
    const { rows: [kept] } = await query<{ request_sha256: string; command_id: string; running: boolean }>(
      `select request_sha256, command_id, coalesce(running_until > now(), false) as running from rectrail_http.idempotency_key where key_sha256 = $1 for update`,
      [keySha256],
    );
    if (kept === undefined) throw new Error('an idempotency key vanished while it was claimed');
    if (kept.request_sha256 !== requestSha256) return { outcome: 'reused' };
    if (kept.running) return { outcome: 'in-use' };
    await query(`update rectrail_http.idempotency_key set running_until = now() + make_interval(secs => $2) where key_sha256 = $1`, [keySha256, runningMs / 1000]);
    // The column holds only ids that a claim put there.
    return { outcome: 'claimed', commandId: kept.command_id as CommandId };
  });
  return {
    claim: async (request) => {
      const outcome = await claim(request);
      if (outcome.outcome === 'claimed') running.add(request.keySha256);
      return outcome;
    },
    release: async (keySha256) => {
      running.delete(keySha256);
      // What the command did stands, whether this is written or not: the key runs out by itself.
      await database.query('update rectrail_http.idempotency_key set running_until = null where key_sha256 = $1', [keySha256]).catch(() => undefined);
    },
  };
};
