import type { Kafka, KafkaMessage } from 'kafkajs';
import { commandTopicPlans } from './command-consumer.ts';
import type { RecordPlace } from './command-gateway.ts';
import { deadLetterHeader } from './command-records.ts';
import { kafkaClient, type KafkaLog, type KafkaSettings } from './connection.ts';
import { openKafkaPublisher, type OutgoingRecord } from './publisher.ts';
import { keptRanges, readRanges, type OffsetRange } from './record-ranges.ts';
import { topicNames } from './topics.ts';

/** A record that was no request, or at which the server failed. */
export interface DeadLetter {
  readonly partition: number;
  readonly offset: string;
  /** When it was put aside, ms since 1970. */
  readonly atMs: number;
  /** A code of the problem table. */
  readonly reason: string;
  readonly detail: string;
  /** Where the record lay. */
  readonly place: RecordPlace;
  readonly key: Buffer | null;
  /** Of the record, without its token and ours. */
  readonly headers: Readonly<Record<string, string>>;
  /** Null where it was empty or too large to be kept. */
  readonly value: Buffer | null;
  /** Of the record's value. */
  readonly bytes: number;
}

/** `next`: in front of each partition's offset the page goes on; null at the end. */
export interface DeadLetterPage { readonly items: readonly DeadLetter[]; readonly next: ReadonlyMap<number, bigint> | null }

/** The brokers are away, or do not answer in time. */
export class KafkaUnavailable extends Error {
  readonly code = 'kafka-unavailable';

  constructor(cause: unknown) {
    super('Kafka cannot be reached', { cause });
    this.name = 'KafkaUnavailable';
  }
}

const letterOf = (partition: number, { offset, timestamp, key, value, headers = {} }: KafkaMessage): DeadLetter => {
  const texts = Object.fromEntries(Object.entries(headers).map(([name, header]) => [name, String(Array.isArray(header) ? header[0] : header)]));
  const ours = new Set<string>(Object.values(deadLetterHeader));
  const at = Date.parse(texts[deadLetterHeader.at] ?? '');
  return {
    partition, offset, key, value,
    atMs: Number.isNaN(at) ? Number(timestamp) : at,
    reason: texts[deadLetterHeader.reason] ?? 'internal',
    detail: texts[deadLetterHeader.detail] ?? '',
    place: { topic: texts[deadLetterHeader.topic] ?? '', partition: Number(texts[deadLetterHeader.partition] ?? 0), offset: texts[deadLetterHeader.offset] ?? '' },
    headers: Object.fromEntries(Object.entries(texts).filter(([name]) => !ours.has(name))),
    bytes: Number(texts[deadLetterHeader.bytes] ?? value?.length ?? 0),
  };
};

/** Each partition from its end on, whichever has the newest at its head: so a page ends at one offset of each. */
const newestFirst = function* (letters: readonly DeadLetter[]): Generator<DeadLetter> {
  const partitions = [...Map.groupBy(letters, ({ partition }) => partition).values()].map((own) => own.sort((a, b) => Number(BigInt(a.offset) - BigInt(b.offset))));
  for (;;) {
    const heads = partitions.flatMap((own) => own.slice(-1).map((head) => ({ own, head })));
    if (heads.length === 0) return;
    const { own, head } = heads.reduce((newest, other) => (other.head.atMs > newest.head.atMs ? other : newest));
    own.pop();
    yield head;
  }
};

/** The topic of dead letters, read where it lies: nothing of it is kept elsewhere. */
export class DeadLetters {
  readonly #settings: KafkaSettings;
  readonly #kafka: Kafka;
  readonly #log: KafkaLog;
  readonly #topic: string;

  constructor(settings: KafkaSettings, log: KafkaLog) {
    this.#settings = settings;
    this.#kafka = kafkaClient(settings, log);
    this.#log = log;
    this.#topic = topicNames(settings.topicPrefix).deadLetters;
  }

  /** The newest in front of `before`. @throws KafkaUnavailable */
  async page(limit: number, before: ReadonlyMap<number, bigint> | null): Promise<DeadLetterPage> {
    const kept = await this.#keptRanges();
    // Each partition might hold all of the page.
    const ranges = kept.map(({ partition, from, to }) => {
      const end = before?.get(partition) ?? to;
      return { topic: this.#topic, partition, from: end - BigInt(limit) > from ? end - BigInt(limit) : from, to: end < to ? end : to };
    });
    const items = newestFirst(await this.#read(ranges)).take(limit).toArray();
    const next = new Map(ranges.map(({ partition, to }) => {
      const shown = items.filter((item) => item.partition === partition).map(({ offset }) => BigInt(offset));
      return [partition, shown.reduce((least, offset) => (offset < least ? offset : least), to)] as const;
    }));
    return { items, next: kept.some(({ partition, from }) => (next.get(partition) ?? from) > from) ? next : null };
  }

  /** Null where there is none, or none any more. @throws KafkaUnavailable */
  async find(partition: number, offset: bigint): Promise<DeadLetter | null> {
    const range = (await this.#keptRanges()).find((kept) => kept.partition === partition);
    if (range === undefined || offset < range.from || offset >= range.to) return null;
    return (await this.#read([{ ...range, from: offset, to: offset + 1n }]))[0] ?? null;
  }

  /** Back to the topic of commands. @throws KafkaUnavailable */
  async putBack(record: Omit<OutgoingRecord, 'topic'>): Promise<void> {
    try {
      const publisher = await openKafkaPublisher({ settings: this.#settings, log: this.#log, topics: commandTopicPlans(this.#settings) });
      try {
        await publisher.send([{ ...record, topic: topicNames(this.#settings.topicPrefix).commands }]);
      } finally {
        await publisher.close();
      }
    } catch (error) {
      throw new KafkaUnavailable(error);
    }
  }

  async #keptRanges(): Promise<readonly OffsetRange[]> {
    try {
      return await keptRanges(this.#kafka, [this.#topic]);
    } catch (error) {
      throw new KafkaUnavailable(error);
    }
  }

  async #read(ranges: readonly OffsetRange[]): Promise<DeadLetter[]> {
    try {
      return (await readRanges(this.#kafka, `${this.#settings.topicPrefix}-dead-letters`, ranges)).map(({ partition, record }) => letterOf(partition, record));
    } catch (error) {
      throw new KafkaUnavailable(error);
    }
  }
}
