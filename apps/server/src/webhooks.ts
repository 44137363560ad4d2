import { Webhooks, type AddressGuard, type MessageFeed } from '@rectrail/messaging';
import type { Clock, OrgId } from '@rectrail/kernel';
import type { Configuration, Leadership, Logger, Metrics, Tracing } from '@rectrail/platform';
import type { TrackingQueries } from '@rectrail/tracking-read';
import type { Storage } from './storage.ts';

export interface ServerWebhooksOptions {
  readonly configuration: Pick<Configuration, 'roles' | 'webhookRequestsMax'>;
  readonly storage: Storage;
  readonly feed: MessageFeed;
  readonly guard: AddressGuard;
  readonly queries: TrackingQueries;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
}

/** Whether an organisation is known and lies in the subtree of another, by the administrative tree as it is now. */
export const isOrgWithin = async (queries: TrackingQueries, orgId: OrgId, within: OrgId): Promise<boolean> => {
  try {
    await queries.organisation(orgId, { within });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'outside-jurisdiction' || error.code === 'unknown-organisation')) return false;
    throw error;
  }
};

/** Every process may be asked about webhooks; one of those with the role `relay` delivers them. `close`: the answers under way are waited for a little. */
export const openServerWebhooks = async (options: ServerWebhooksOptions): Promise<{ readonly webhooks: Webhooks; close(): Promise<void> }> => {
  const { configuration, storage: { database, store, codec, runner, leadership }, feed, guard, queries, clock, logger, metrics, tracing } = options;
  const webhooks = await Webhooks.open({
    database, store, codec, runner, feed, guard, clock, tracing, requestsMax: configuration.webhookRequestsMax,
    isWithin: (orgId, within) => isOrgWithin(queries, orgId, within),
    onAttempt: (outcome) => { metrics.webhookDeliveries.inc({ outcome }); },
    onFailure: (error) => { logger.warn({ err: error }, 'a subscription could not be worked on'); },
    onStopped: (subscriptions) => { metrics.webhookSubscriptionsStopped.set(subscriptions); },
  });
  const stop = new AbortController();
  const leading = configuration.roles.includes('relay') ? lead(webhooks, leadership, logger, stop.signal) : Promise.resolve();
  return {
    webhooks,
    close: async () => {
      stop.abort();
      await leading;
      webhooks.close();
    },
  };
};

const lead = (webhooks: Webhooks, leadership: Pick<Leadership, 'lead'>, logger: Logger, signal: AbortSignal): Promise<void> => leadership.lead({
  name: 'webhooks', signal, work: (lease) => webhooks.work(lease),
  onFailure: (error) => { if (!signal.aborted) logger.warn({ err: error }, 'the delivery of webhooks was broken off and begins again'); },
});
