import type { EventStore } from '@rectrail/event-store';
import { cloudEvent, type KafkaRelayOptions, type Message, type MessagePublisher, type OutgoingRecord } from '@rectrail/messaging';
import { scriptedMessage } from '@rectrail/messaging/testing';
import type { StoredEvent } from '@rectrail/event-store';
import type { EventId } from '@rectrail/kernel';
import type { SimulatedProcess } from './virtual-time.ts';

/** Events that a slice of the feed has at most: small, so that a crash falls between two. */
const sliceEventsMax = 4;

const idOf = ({ content }: StoredEvent): EventId => (JSON.parse(content) as { readonly eventId: EventId }).eventId;

/** One message an event. */
export const messageOf = (event: StoredEvent): Message => ({
  ...scriptedMessage(event.position, event.streamId), id: idOf(event), recordedAt: event.recordedAt,
  data: { change: { name: 'counted', on: null, byOrgId: null, retracts: 0 }, state: { version: event.streamVersion, content: event.content } },
});

export const feedOf = (store: EventStore): KafkaRelayOptions['feed'] => ({
  source: async () => {
    const { logId, epoch } = await store.identity();
    return `urn:rectrail:${logId}:${epoch}`;
  },
  async *follow({ after, signal }) {
    for await (const { events, scannedTo } of store.subscribeAll({ after, batchEventsMax: sliceEventsMax, signal })) yield { messages: events.map(messageOf), scannedTo };
  },
});

/** What a record of the message must be, as text. */
export const recordText = (message: Message, source: string): string => {
  const { id, sequence } = cloudEvent(message, source);
  return JSON.stringify([message.subject, source, sequence, id, JSON.stringify(message.data)]);
};
const textOf = ({ key, headers, value }: OutgoingRecord): string =>
  JSON.stringify([String(key), headers['ce_source'], headers['ce_sequence'], headers['ce_id'], String(value)]);

/** Keeps what publishers send, and reads it as a consumer that drops what it has by (source, sequence). */
export class Broker {
  /** By the consumer, in the order of arrival. */
  readonly consumed: string[] = [];
  repeated = 0;
  readonly #byKey = new Map<string, string>();
  readonly #topic: string;

  /** `topic`: the only one that is looked at. */
  constructor(topic: string) {
    this.#topic = topic;
  }

  /** As one process reaches it; one that has failed sends no more. */
  publisher(process: SimulatedProcess, mayWrite: () => boolean): MessagePublisher {
    let failed: unknown = null;
    return {
      send: async (records) => {
        if (failed !== null) throw new Error('this publisher has failed before', { cause: failed });
        if (!mayWrite()) throw new Error('not written');
        const sequences = records.map(({ headers }) => Number(headers['ce_sequence']));
        await process.call(`send ${sequences.join(' ')}`, () => { this.#take(records); }, { failure: () => new Error('no answer from the broker'), mayRepeat: true })
          .catch((error: unknown) => { failed = error; throw error; });
      },
      close: () => Promise.resolve(),
    };
  }

  #take(records: readonly OutgoingRecord[]): void {
    for (const record of records) {
      if (record.topic !== this.#topic) continue;
      const key = `${record.headers['ce_source'] ?? ''} ${record.headers['ce_sequence'] ?? ''}`;
      const text = textOf(record);
      const earlier = this.#byKey.get(key);
      if (earlier === undefined) {
        this.#byKey.set(key, text);
        this.consumed.push(text);
      } else if (earlier === text) {
        this.repeated += 1;
      } else {
        throw new Error(`two records are ${key}: ${earlier} and ${text}`);
      }
    }
  }
}
