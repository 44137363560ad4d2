import type { EventId, Instant, SubscriptionId } from '@rectrail/kernel';
import type { Database } from '@rectrail/platform';
import { newKeyMaterial, type KeyMaterial } from './signing.ts';

interface KeyRow extends KeyMaterial { readonly id: EventId; readonly isShown: boolean }

export interface KeptKey { readonly keyId: EventId; readonly since: Instant; readonly material: KeyMaterial; readonly isShown: boolean }

/**
 * The signing keys, outside the log. A key is named by the event that asked for it and made by whoever needs it first, so that neither a
 * repeated command nor two processes at once can give an event two keys.
 */
export class KeyStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** In the order of `keys`. */
  async keysOf(subscriptionId: SubscriptionId, keys: readonly { readonly keyId: EventId; readonly since: Instant }[]): Promise<readonly KeptKey[]> {
    const ids = keys.map(({ keyId }) => keyId);
    const kept = await this.#find(ids);
    for (const id of ids.filter((one) => !kept.has(one))) {
      const { hmac, ed25519 } = newKeyMaterial();
      await this.#database.query(`
        insert into rectrail_webhooks.key (id, subscription_id, hmac, ed25519)
        select $1, id, $3, $4 from rectrail_webhooks.subscription where id = $2 and status <> 'DELETED' on conflict do nothing`, [id, subscriptionId, hmac, ed25519]);
    }
    const all = kept.size === ids.length ? kept : await this.#find(ids);
    return keys.flatMap(({ keyId, since }) => {
      const row = all.get(keyId);
      return row === undefined ? [] : [{ keyId, since, material: { hmac: row.hmac, ed25519: row.ed25519 }, isShown: row.isShown }];
    });
  }

  /** True for the one who asks first, over all processes. */
  async markShown(keyId: EventId): Promise<boolean> {
    const { rowCount } = await this.#database.query('update rectrail_webhooks.key set shown_at = now() where id = $1 and shown_at is null', [keyId]);
    return rowCount === 1;
  }

  async #find(ids: readonly EventId[]): Promise<ReadonlyMap<EventId, KeyRow>> {
    const { rows } = await this.#database.query<KeyRow>('select id, hmac, ed25519, shown_at is not null as "isShown" from rectrail_webhooks.key where id = any($1::uuid[])', [ids]);
    return new Map(rows.map((row) => [row.id, row]));
  }
}
