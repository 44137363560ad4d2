import { nouns, topicNames } from '@rectrail/messaging';
import { KafkaBroker, kafkaMissing, kafkaVersion } from '@rectrail/messaging/testing';
import { BenchProcess } from '../process.ts';
import type { Figure, FigureRow } from '../results.ts';
import { eventsKey, labelOf, type Dataset, type DatasetPlan } from '../scale/datasets.ts';
import type { BenchRow } from '../scale/rows.ts';
import { plansOf, writtenPlans, type ScaleOptions, type Stage } from '../scale/stage.ts';
import { latenciesOf, type Latencies } from '../statistics.ts';
import type { AppendMethods } from './append-worker.ts';
import type { KafkaMethods } from './kafka-worker.ts';
import type { RelayMethods } from './relay-worker.ts';

const commandsPerSecond = 500;
/** Until then broker, relay, producer and consumer are compiled and their caches filled: seen second by second, nothing falls any more after 15 to 20. */
const warmUpSeconds = 20;
/** Of the bare relay, whose broker, producer and consumer are warm by then. */
const floorWarmUpSeconds = 5;
/** Of the bare producer: about as many as the relay's 900 kB of a history that waits; with more, one partition's share may be more than a broker takes. */
const batchRecords = 600;
const bareSuffix = '.bare';
/** design.md section 10, and the issue. */
const aims = { latency: { atMost: 2 }, throughput: { atLeast: 0.5 } } as const;

const plain = (label: string, value: number, unit: string): Figure => ({ label, value, unit, aim: null });
const messageTopics = (prefix: string): readonly string[] => nouns.map((noun) => topicNames(prefix).messages[noun]);
const bareTopics = (prefix: string): readonly string[] => messageTopics(prefix).map((topic) => `${topic}${bareSuffix}`);

/** What a row about Kafka works with, each in a process of its own beside the broker. */
interface Workers {
  readonly address: string;
  readonly relay: BenchProcess<RelayMethods>;
  readonly commands: BenchProcess<AppendMethods>;
  readonly consumer: BenchProcess<KafkaMethods>;
  readonly producer: BenchProcess<KafkaMethods>;
}

/** One broker for all rows of a run, so that it is warm; ended with the bench. */
let shared: Promise<KafkaBroker> | null = null;

const withWorkers = async <T>(work: (workers: Workers) => Promise<T>): Promise<T> => {
  shared ??= KafkaBroker.open();
  const { address } = await shared;
  const { youngHeapOption } = await import('@rectrail/server');
  const processes = {
    relay: new BenchProcess<RelayMethods>('feeds/relay-worker', [youngHeapOption]), commands: new BenchProcess<AppendMethods>('feeds/append-worker'),
    consumer: new BenchProcess<KafkaMethods>('feeds/kafka-worker'), producer: new BenchProcess<KafkaMethods>('feeds/kafka-worker'),
  };
  try {
    return await work({ address, ...processes });
  } finally {
    for (const process of Object.values(processes)) process.kill();
  }
};

const between = (beganAt: ReadonlyMap<string, number>, arrivedAt: ReadonlyMap<string, number>): Latencies =>
  latenciesOf([...arrivedAt].flatMap(([id, at]) => {
    const began = beganAt.get(id);
    return began === undefined ? [] : [at - began];
  }));

interface Paced { readonly latencies: Latencies; readonly afterwards: Latencies; readonly pace: number; readonly messages: number; readonly tailFrom: number }

type TailPlace = Pick<Dataset, 'url' | 'tailFile' | 'tailFrom'>;

/** Commands at the pace, from before their appends to a consumer's hands. The relay runs before and goes on afterwards. */
const commanded = async ({ commands, consumer, relay }: Workers, from: TailPlace, count: number, before: number): Promise<Paced> => {
  const { beganAt, acknowledgedAt, tailFrom, pace } = await commands.ask('append', { ...from, perSecond: commandsPerSecond, commands: count });
  const { messages } = await relay.ask('caughtUp');
  const arrivedAt = await consumer.ask('arrived', messages);
  return { latencies: between(beganAt, arrivedAt), afterwards: between(acknowledgedAt, arrivedAt), pace, messages: messages - before, tailFrom };
};

const measureLatency = async (stage: Stage, seconds: number): Promise<FigureRow> => {
  await stage.servers.only([]);
  const [plan] = writtenPlans(stage.options);
  const dataset = await stage.datasets.log(plan);
  const { url, tailFile } = dataset;
  const prefix = `latency${Date.now()}`;
  const { live, bare, floor } = await withWorkers(async (workers) => {
    const { address, relay, commands, consumer, producer } = workers;
    await relay.ask('start', { url, address, prefix, from: 'head' });
    await consumer.ask('listen', { address, topics: messageTopics(prefix), from: 'beginning', keep: false });
    const warm = await commanded(workers, { url, tailFile, tailFrom: dataset.tailFrom }, warmUpSeconds * commandsPerSecond, 0);
    const live = await commanded(workers, { url, tailFile, tailFrom: warm.tailFrom }, seconds * commandsPerSecond, warm.messages);
    await relay.ask('stop');
    await stage.datasets.written(dataset, live.tailFrom);
    await producer.ask('listen', { address, topics: messageTopics(prefix), from: 'beginning', keep: true });
    await producer.ask('arrived', warm.messages + live.messages);
    await producer.ask('makeTopics', { address, topics: bareTopics(prefix) });
    await consumer.ask('listen', { address, topics: bareTopics(prefix), from: 'beginning', keep: false });
    await producer.ask('connectProducer', address);
    await producer.ask('sendPaced', { suffix: bareSuffix, perSecond: live.messages / seconds, from: 0, to: warm.messages });
    const beganAt = await producer.ask('sendPaced', { suffix: bareSuffix, perSecond: live.messages / seconds, from: warm.messages, to: warm.messages + live.messages });
    const bare = between(beganAt, await consumer.ask('arrived', warm.messages + live.messages));
    const { head } = await stage.datasets.log(plan);
    await producer.ask('relayBare', { url, suffix: bareSuffix, after: head });
    let { tailFrom } = live;
    let arrivals = warm.messages + live.messages;
    const commandedBarely = async (commandsSent: number): Promise<Latencies> => {
      const appended = await commands.ask('append', { url, tailFile, tailFrom, perSecond: commandsPerSecond, commands: commandsSent });
      ({ tailFrom } = appended);
      arrivals += appended.beganAt.size;
      return between(appended.beganAt, await consumer.ask('arrived', arrivals));
    };
    await commandedBarely(floorWarmUpSeconds * commandsPerSecond);
    const floor = await commandedBarely(seconds * commandsPerSecond);
    await producer.ask('endBareRelay');
    await stage.datasets.written(await stage.datasets.log(plan), tailFrom);
    return { live, bare, floor };
  });
  const { latencies, afterwards } = live;
  return {
    kind: 'figures', key: 'kafka-latency', title: `command to Kafka consumer, ${commandsPerSecond} commands/s, ${labelOf(plan)}`, raw: { live, bare, floor },
    figures: [
      plain('pace that was reached', live.pace, 'commands/s'), plain('messages', live.messages, ''),
      plain('from before the append to the consumer, p50', latencies.p50Ms, 'ms'), plain('p99', latencies.p99Ms, 'ms'), plain('greatest', latencies.maxMs, 'ms'),
      plain('of it from the acknowledgement of the append on, p50', afterwards.p50Ms, 'ms'), plain('p99', afterwards.p99Ms, 'ms'),
      plain('bare kafkajs producer to consumer, same records, same pace, p50', bare.p50Ms, 'ms'), plain('p99', bare.p99Ms, 'ms'),
      plain('bare relay: the append, its notification, a read by position, a kafkajs send; no state, no checkpoint, no order: the floor of any relay behind a log, p50', floor.p50Ms, 'ms'), plain('p99', floor.p99Ms, 'ms'),
      { label: 'p50 over bare', value: latencies.p50Ms / bare.p50Ms, unit: '×', aim: aims.latency }, { label: 'p99 over bare', value: latencies.p99Ms / bare.p99Ms, unit: '×', aim: aims.latency },
      plain('p50 over the bare relay', latencies.p50Ms / floor.p50Ms, '×'), plain('p99 over the bare relay', latencies.p99Ms / floor.p99Ms, '×'),
    ],
  };
};

const measureThroughput = async (stage: Stage, plan: DatasetPlan): Promise<FigureRow> => {
  await stage.servers.only([]);
  const { url, head } = await stage.datasets.log(plan);
  const prefix = `throughput${Date.now()}`;
  const { relayed, messages, peakMiB, bare } = await withWorkers(async ({ address, relay, producer }) => {
    await relay.ask('start', { url, address, prefix, from: 'beginning' });
    const { messages, seconds: relayed, peakMiB } = await relay.ask('caughtUp');
    await relay.ask('stop');
    await producer.ask('listen', { address, topics: messageTopics(prefix), from: 'beginning', keep: true });
    await producer.ask('arrived', messages);
    await producer.ask('makeTopics', { address, topics: bareTopics(prefix) });
    await producer.ask('connectProducer', address);
    return { relayed, messages, peakMiB, bare: await producer.ask('sendAll', { suffix: bareSuffix, batchRecords }) };
  });
  return {
    kind: 'figures', key: `kafka-throughput-${eventsKey(plan.events)}`, title: `relay of ${labelOf(plan)} to Kafka`, raw: { relayed, messages, peakMiB, bare },
    figures: [
      plain('relay, from the log to the acknowledgement', messages / relayed, 'messages/s'), plain('events', head / relayed, 'events/s'), plain('mean record', bare.bytes / bare.records, 'bytes'),
      plain('most memory that the relay took', peakMiB, 'MiB'),
      plain(`bare kafkajs producer, the same records in batches of up to ${batchRecords}`, bare.records / bare.seconds, 'messages/s'),
      { label: 'relay over bare', value: (messages / relayed) / (bare.records / bare.seconds), unit: '×', aim: aims.throughput },
    ],
  };
};

const measureFeed = async (stage: Stage, plan: DatasetPlan): Promise<FigureRow> => {
  await stage.servers.only([]);
  const { url } = await stage.datasets.log(plan);
  const worker = new BenchProcess<RelayMethods>('feeds/relay-worker');
  try {
    const { events, messages, seconds } = await worker.ask('read', { url });
    return {
      kind: 'figures', key: `feed-${eventsKey(plan.events)}`, title: `feed read from the beginning, ${labelOf(plan)}`, raw: { events, messages, seconds },
      figures: [plain('read, folded and told', events / seconds, 'events/s'), plain('messages', messages / seconds, 'messages/s')],
    };
  } finally {
    worker.kill();
  }
};

/** Says so where no broker can run. */
const onKafka = (row: BenchRow): BenchRow => {
  const missing = kafkaMissing();
  return missing === null ? row : { ...row, measure: ({}) => Promise.resolve({ kind: 'figures', key: row.key, title: row.title, figures: [plain(`NOT RUN: ${missing}`, 0, '')], raw: { missing } }) };
};

/** What leaves: to Kafka beside its bare client, and the feed that all ways out read. */
export const feedRows = (options: ScaleOptions): readonly BenchRow[] => {
  const [small] = plansOf(options);
  if (small === undefined) throw new RangeError('no history is there');
  const seconds = Math.ceil((2 * options.paceMs) / 1_000);
  return [
    { key: `feed-${eventsKey(small.events)}`, title: 'feed read from the beginning', seconds: 10, measure: (stage) => measureFeed(stage, small) },
    onKafka({ key: 'kafka-latency', title: `command to Kafka consumer (Kafka ${kafkaVersion})`, seconds: 30 + 2 * warmUpSeconds + floorWarmUpSeconds + 4 * seconds, measure: (stage) => measureLatency(stage, seconds) }),
    onKafka({ key: `kafka-throughput-${eventsKey(small.events)}`, title: `relay to Kafka (Kafka ${kafkaVersion})`, seconds: 40, measure: (stage) => measureThroughput(stage, small) }),
  ];
};

/** Ends the broker, if a row has started one. */
export const closeFeeds = async (): Promise<void> => { await (await shared)?.close(); };
