import type { Instant, Position, SubscriptionId } from '@rectrail/kernel';
import type { Database } from '@rectrail/platform';
import type { Attempt } from './webhook-sender.ts';

/** delivery: in its turn; redelivery: by hand; ping: a test that is no event. */
export type DeliveryKind = 'delivery' | 'redelivery' | 'ping';

/** One attempt as it is kept. */
export interface DeliveryRecord extends Omit<Attempt, 'retryAfterMs'> {
  readonly subscriptionId: SubscriptionId;
  readonly kind: DeliveryKind;
  /** Of the message; null for a ping. */
  readonly position: Position | null;
  /** `webhook-id`. */
  readonly messageId: string;
  readonly type: string;
  /** From 1, counted anew with each message. */
  readonly attempt: number;
  readonly at: Instant;
}

export interface LoggedDelivery extends DeliveryRecord { readonly deliveryId: number }

/** How long an attempt is remembered. */
const keptDays = 30;

const fields = `
  subscription_id uuid, kind text, position bigint, message_id text, type text, attempt int, at timestamptz, outcome text, status int, duration_ms int, error text, excerpt text`;
const names = 'subscription_id, kind, position, message_id, type, attempt, at, outcome, status, duration_ms, error, excerpt';

const rowOf = ({ subscriptionId, messageId, durationMs, ...same }: DeliveryRecord): object =>
  ({ ...same, subscription_id: subscriptionId, message_id: messageId, duration_ms: durationMs });

/** Adds attempts in the order given, in one statement; answers their ids. */
export const logDeliveries = async (query: Database['query'], records: readonly DeliveryRecord[]): Promise<readonly number[]> => {
  const { rows } = await query<{ id: number }>(`
    insert into rectrail_webhooks.delivery (${names}) select ${names} from jsonb_to_recordset($1::jsonb) as given(${fields}) returning id::float8 as id`, [JSON.stringify(records.map(rowOf))]);
  return rows.map(({ id }) => id);
};

/** The newest first; `before`: the `deliveryId` behind which the page begins. */
export const deliveriesOf = async (
  query: Database['query'], subscriptionId: SubscriptionId, { before, limit }: { readonly before: number | null; readonly limit: number },
): Promise<readonly LoggedDelivery[]> => {
  const { rows } = await query<LoggedDelivery>(`
    select id::float8 as "deliveryId", subscription_id as "subscriptionId", kind, position::float8 as position, message_id as "messageId", type, attempt,
      to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at, outcome, status, duration_ms as "durationMs", error, excerpt
    from rectrail_webhooks.delivery where subscription_id = $1 and ($2::bigint is null or id < $2) order by id desc limit $3`, [subscriptionId, before, limit]);
  return rows;
};

/** Taken away by one statement: it is answered well within the time that any may take. */
const prunedAtOnce = 10_000;

/** True where there may be more to take away. */
export const pruneDeliveries = async (query: Database['query']): Promise<boolean> => {
  const { rowCount } = await query(`
    delete from rectrail_webhooks.delivery where id in (select id from rectrail_webhooks.delivery where at < now() - $1 * interval '1 day' order by at limit $2)`, [keptDays, prunedAtOnce]);
  return rowCount === prunedAtOnce;
};
