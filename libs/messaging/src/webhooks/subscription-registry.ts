import type { EventCodec, EventStore } from '@rectrail/event-store';
import { instant, position, type EventId, type Fact, type Instant, type OrgId, type Position, type StreamId, type SubscriptionId } from '@rectrail/kernel';
import { addedColumn, type Database } from '@rectrail/platform';
import {
  countingOnAnyDay, evolveSubscription, initialSubscriptionState,
  type FactsRetracted, type SubscriptionEvent, type SubscriptionState, type SubscriptionStatus, type SubscriptionTerms,
} from '@rectrail/tracking-domain';

/** A subscription with how far its delivery has come. */
export interface SubscriptionRow {
  readonly terms: SubscriptionTerms;
  readonly status: SubscriptionStatus;
  readonly cause: SubscriptionState['cause'];
  readonly keys: readonly { readonly keyId: EventId; readonly since: Instant }[];
  /** Of its stream, for If-Match. */
  readonly streamVersion: number;
  readonly createdAt: Instant;
  /** Everything up to here was delivered or is not selected. */
  readonly position: Position;
  /** In a row, of the message that comes next. */
  readonly failures: number;
  readonly nextAttemptAt: Instant | null;
  /** Why it stands: an event behind `position` cannot be read. It is tried again by the next process that leads, or by hand. */
  readonly stopped: string | null;
  /** Counts the replays: what was under way before one may not move the position after it. */
  readonly generation: number;
}

/** One that stands before an event that cannot be read: everything up to `position` was delivered or is not selected. */
export interface StoppedSubscription { readonly subscriptionId: SubscriptionId; readonly position: Position; readonly reason: string }

const prefix = 'subscription-';

const tables = `
  create schema if not exists rectrail_webhooks;
  create table if not exists rectrail_webhooks.registry (
    single   boolean primary key default true check (single),
    position bigint not null
  );
  insert into rectrail_webhooks.registry (position) values (0) on conflict do nothing;
  create table if not exists rectrail_webhooks.subscription (
    id              uuid primary key,
    org_id          text,
    terms           jsonb not null,
    status          text not null,
    cause           text,
    keys            jsonb not null,
    stream_version  bigint not null,
    created_at      timestamptz not null,
    position        bigint not null,
    failures        int not null default 0,
    next_attempt_at timestamptz,
    generation      int not null default 0
  );
  ${addedColumn('rectrail_webhooks.subscription', 'stopped', 'text')}
  create table if not exists rectrail_webhooks.key (
    id              uuid primary key,
    subscription_id uuid not null,
    hmac            bytea not null,
    ed25519         bytea not null,
    shown_at        timestamptz
  );
  create index if not exists key_subscription on rectrail_webhooks.key (subscription_id);
  create table if not exists rectrail_webhooks.delivery (
    id              bigint generated always as identity primary key,
    subscription_id uuid not null,
    kind            text not null,
    position        bigint,
    message_id      text not null,
    type            text not null,
    attempt         int not null,
    at              timestamptz not null,
    outcome         text not null,
    status          int,
    duration_ms     int not null,
    error           text,
    excerpt         text not null
  );
  create index if not exists delivery_subscription on rectrail_webhooks.delivery (subscription_id, id);
  create index if not exists delivery_at on rectrail_webhooks.delivery (at);
`;

/** Makes the schema `rectrail_webhooks` where it is missing: subscriptions as their events have them, their keys, the delivery log. */
export const setUpWebhookTables = (database: Database): Promise<void> => database.transaction(async (query) => {
  await query(`select pg_advisory_xact_lock(hashtextextended('rectrail_webhooks', 0))`);
  await query(tables);
});

/** What is resumed begins its retries anew; where it stands in the log is the delivery's to say. */
const upsertSql = `
  insert into rectrail_webhooks.subscription as kept (id, org_id, terms, status, cause, keys, stream_version, created_at, position)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
  on conflict (id) do update set
    org_id = excluded.org_id, terms = excluded.terms, cause = excluded.cause, keys = excluded.keys, stream_version = excluded.stream_version, status = excluded.status,
    failures = case when kept.status <> 'ACTIVE' then 0 else kept.failures end,
    next_attempt_at = case when kept.status <> 'ACTIVE' then null else kept.next_attempt_at end,
    stopped = case when kept.status <> 'ACTIVE' then null else kept.stopped end`;

const columns = `
  terms, status, cause, keys, stream_version::float8 as "streamVersion", position::float8 as position, failures, generation, stopped,
  to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "createdAt",
  to_char(next_attempt_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "nextAttemptAt"`;

/** Whatever was recorded. */
export const everything = { atPosition: position(Number.MAX_SAFE_INTEGER), knownAt: instant('9999-12-31T00:00:00Z') };
const pageEvents = 500;

export interface SubscriptionRegistryOptions {
  readonly database: Database;
  readonly store: Pick<EventStore, 'head' | 'readAll' | 'readStreams'>;
  readonly codec: EventCodec;
}

/** The subscriptions of the log, kept in a table by whichever process looks; a look sees every event recorded before it. */
export class SubscriptionRegistry {
  readonly #options: SubscriptionRegistryOptions;

  constructor(options: SubscriptionRegistryOptions) {
    this.#options = options;
  }

  /** By id, in the order of creation. `owners`: those of which are asked for; null for all, the administrator's own included. */
  async list({ owners, after, limit }: { readonly owners: readonly OrgId[] | null; readonly after: string | null; readonly limit: number }): Promise<readonly SubscriptionRow[]> {
    await this.#catchUp();
    const { rows } = await this.#options.database.query<SubscriptionRow>(`
      select ${columns} from rectrail_webhooks.subscription
      where status <> 'DELETED' and ($1::text[] is null or org_id = any($1)) and ($2::uuid is null or id > $2) order by id limit $3`, [owners, after, limit]);
    return rows;
  }

  async find(id: SubscriptionId): Promise<SubscriptionRow | null> {
    await this.#catchUp();
    const { rows } = await this.#options.database.query<SubscriptionRow>(`select ${columns} from rectrail_webhooks.subscription where id = $1 and status <> 'DELETED'`, [id]);
    return rows[0] ?? null;
  }

  /** Whose subscriptions there are; null for the administrator's. */
  async owners(): Promise<readonly (OrgId | null)[]> {
    await this.#catchUp();
    const { rows } = await this.#options.database.query<{ orgId: OrgId | null }>(`select distinct org_id as "orgId" from rectrail_webhooks.subscription where status <> 'DELETED'`);
    return rows.map(({ orgId }) => orgId);
  }

  /** Of all that are not deleted, but for these. */
  async count(but: readonly SubscriptionId[]): Promise<number> {
    await this.#catchUp();
    const { rows } = await this.#options.database.query<{ count: number }>(`
      select count(*)::int as count from rectrail_webhooks.subscription where status <> 'DELETED' and id <> all($1::uuid[])`, [but]);
    return rows[0]?.count ?? 0;
  }

  /** Those that are to be delivered now. */
  async active(): Promise<readonly SubscriptionRow[]> {
    await this.#catchUp();
    const { rows } = await this.#options.database.query<SubscriptionRow>(`select ${columns} from rectrail_webhooks.subscription where status = 'ACTIVE'`);
    return rows;
  }

  /** Without a look at the log, for a probe that asks every few seconds. */
  async stopped(limit: number): Promise<readonly StoppedSubscription[]> {
    const { rows } = await this.#options.database.query<StoppedSubscription>(`
      select id::text as "subscriptionId", position::float8 as position, stopped as reason
      from rectrail_webhooks.subscription where status = 'ACTIVE' and stopped is not null order by position, id limit $1`, [limit]);
    return rows;
  }

  async #catchUp(): Promise<void> {
    const { database, store } = this.#options;
    const { position: head } = await store.head();
    const { rows } = await database.query<{ position: number }>('select position::float8 as position from rectrail_webhooks.registry');
    for (let at = position(rows[0]?.position ?? 0); at < head;) at = await this.#page(at);
  }

  /** One page of the log; of several that bring the same one the first writes it. Read before the transaction: the log may be numbered over the same connections. */
  async #page(after: Position): Promise<Position> {
    const { database, store, codec } = this.#options;
    const { events, scannedTo } = await store.readAll({ after, filter: { streamPrefix: prefix }, limit: pageEvents });
    const streams = await store.readStreams([...new Set(events.map(({ streamId }) => streamId))], scannedTo);
    return database.transaction(async (query) => {
      const { rows } = await query<{ position: number }>('select position::float8 as position from rectrail_webhooks.registry for update');
      const at = position(rows[0]?.position ?? 0);
      if (at !== after) return at;
      for (const [id, { events: stored, version }] of streams) {
        await this.#keep(query, id, stored.map((event) => codec.decode(event) as Fact<SubscriptionEvent | FactsRetracted>), version);
      }
      await query('update rectrail_webhooks.registry set position = $1', [scannedTo]);
      return scannedTo;
    });
  }

  async #keep(query: Database['query'], stream: StreamId, facts: readonly Fact<SubscriptionEvent | FactsRetracted>[], version: number): Promise<void> {
    const { terms, status, cause, keys } = countingOnAnyDay(facts, everything).reduce(evolveSubscription, initialSubscriptionState);
    const [first] = facts;
    const id = stream.slice(prefix.length);
    if (terms === null || status === 'DELETED') {
      // A creation that was retracted may count again later; its keys do not come back.
      await query(`update rectrail_webhooks.subscription set status = 'DELETED' where id = $1`, [id]);
      await query('delete from rectrail_webhooks.key where subscription_id = $1', [id]);
    } else if (first !== undefined) {
      await query(upsertSql, [id, terms.orgId, JSON.stringify(terms), status, cause, JSON.stringify(keys), version, first.recordedAt, terms.after ?? first.position]);
    }
  }
}
