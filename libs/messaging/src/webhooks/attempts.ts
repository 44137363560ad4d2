import { msOfInstant, type Clock, type Position } from '@rectrail/kernel';
import type { TraceSpan, Tracing } from '@rectrail/platform';
import type { SubscriptionTerms } from '@rectrail/tracking-domain';
import { cloudEvent } from '../cloud-event.ts';
import type { Message } from '../message.ts';
import type { DeliveryKind, DeliveryRecord } from './delivery-log.ts';
import type { KeyStore } from './key-store.ts';
import { WebhookSigner } from './signing.ts';
import type { SubscriptionRow } from './subscription-registry.ts';
import type { Attempt, WebhookSender } from './webhook-sender.ts';

/** A message as it is sent; the same for every attempt, which differ by their time and so their signature. */
export interface Envelope {
  readonly messageId: string;
  readonly type: string;
  readonly position: Position | null;
  /** Of the event; null for what is none. */
  readonly correlationId: string | null;
  readonly body: string;
}

export const envelopeOf = (message: Message, source: string): Envelope =>
  ({ messageId: message.id, type: message.type, position: message.position, correlationId: message.correlationId, body: JSON.stringify(cloudEvent(message, source)) });

const mediaType = 'application/cloudevents+json; charset=utf-8';

export interface AttemptOptions { readonly signer: WebhookSigner; readonly kind: DeliveryKind; readonly attempt: number; readonly signal: AbortSignal }
export interface MadeAttempt { readonly outcome: Attempt['outcome']; readonly retryAfterMs: number | null; readonly record: DeliveryRecord }

export interface AttemptsOptions {
  readonly keys: KeyStore;
  readonly sender: WebhookSender;
  readonly clock: Clock;
  readonly tracing: Tracing;
  readonly onAttempt: (outcome: Attempt['outcome']) => void;
}

/** Signs and sends. */
export class Attempts {
  readonly #options: AttemptsOptions;

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  /** With the keys that the row names. */
  async signerOf({ terms: { subscriptionId }, keys }: SubscriptionRow): Promise<WebhookSigner> {
    return new WebhookSigner(await this.#options.keys.keysOf(subscriptionId, keys));
  }

  /** One attempt at a message; throws only where the signal aborts. */
  async make({ subscriptionId, endpoint }: SubscriptionTerms, envelope: Envelope, { signer, kind, attempt, signal }: AttemptOptions): Promise<MadeAttempt> {
    const { messageId, type, position, body } = envelope;
    const { clock, sender, onAttempt } = this.#options;
    const at = clock.now();
    const span = this.#spanOf(envelope);
    const traced = span?.traceparent == null ? {} : { traceparent: span.traceparent };
    const headers = { ...signer.headers(messageId, msOfInstant(at), body), 'content-type': mediaType, ...traced };
    const { retryAfterMs, ...told } = await sender.send({ endpoint, headers, body, signal });
    span?.end(undefined, { 'rectrail.outcome': told.outcome });
    onAttempt(told.outcome);
    return { outcome: told.outcome, retryAfterMs, record: { ...told, subscriptionId, kind, position, messageId, type, attempt, at } };
  }

  /** In the trace in which the event was made; no endpoint stands in it. */
  #spanOf({ messageId, type, correlationId }: Envelope): TraceSpan | null {
    if (correlationId === null) return null;
    return this.#options.tracing.sending({ id: messageId, correlationId }, {
      name: 'send webhook', attributes: { 'messaging.operation.name': 'send', 'messaging.operation.type': 'send', 'messaging.message.id': messageId, 'cloudevents.event_type': type },
    });
  }
}
