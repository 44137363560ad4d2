import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds: from an in-memory answer to the longest import. */
const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300];
/** Seconds: from a small installation to ten million events on a slow disk. */
const rebuildBuckets = [1, 5, 15, 60, 300, 900, 3_600, 14_400];

export interface Metrics {
  readonly registry: Registry;
  readonly httpRequestSeconds: Histogram<'method' | 'route' | 'status'>;
  readonly commandSeconds: Histogram<'command' | 'outcome'>;
  readonly appendSeconds: Histogram<'outcome'>;
  readonly headPosition: Gauge;
  readonly logSize: Gauge;
  readonly clockJumped: Gauge;
  readonly clockAheadSeconds: Gauge;
  readonly followerPosition: Gauge<'follower'>;
  readonly followerLagEvents: Gauge<'follower'>;
  readonly followerLagSeconds: Gauge<'follower'>;
  readonly followerLed: Gauge<'follower'>;
  readonly followerEpoch: Gauge<'follower'>;
  readonly feedMessages: Counter<'way'>;
  readonly feedReaders: Gauge;
  readonly relayMessages: Counter;
  readonly relayFailures: Counter;
  readonly webhookDeliveries: Counter<'outcome'>;
  readonly webhookSubscriptionsStopped: Gauge;
  readonly remindersIssued: Counter<'colour'>;
  readonly remindersEvaluatedDay: Gauge;
  readonly remindersSeconds: Histogram;
  readonly kafkaCommands: Counter<'outcome'>;
  readonly kafkaCommandFailures: Counter;
  readonly projectionPosition: Gauge<'projection'>;
  readonly projectionLagEvents: Gauge<'projection'>;
  readonly projectionLagSeconds: Gauge<'projection'>;
  readonly projectionStopped: Gauge<'projection'>;
  readonly projectionFailurePosition: Gauge<'projection'>;
  readonly projectionBuildPosition: Gauge<'projection'>;
  readonly projectionBuildTarget: Gauge<'projection'>;
  readonly projectionRebuildSeconds: Histogram<'projection' | 'outcome'>;
}

/** One registry a server, so that several servers in one process do not count together. No label holds an organisation, a person or an issue. */
export const createMetrics = (): Metrics => {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: 'rectrail_' });
  return {
    registry,
    httpRequestSeconds: new Histogram({ name: 'rectrail_http_request_duration_seconds', help: 'Time to answer a request.', labelNames: ['method', 'route', 'status'], buckets: durationBuckets, registers }),
    commandSeconds: new Histogram({ name: 'rectrail_command_duration_seconds', help: 'Time to carry out a command, its append included.', labelNames: ['command', 'outcome'], buckets: durationBuckets, registers }),
    appendSeconds: new Histogram({ name: 'rectrail_append_duration_seconds', help: 'Time of an append to the event store.', labelNames: ['outcome'], buckets: durationBuckets, registers }),
    headPosition: new Gauge({ name: 'rectrail_head_position', help: 'Position of the newest event.', registers }),
    logSize: new Gauge({ name: 'rectrail_log_size', help: 'Leaves in the tree of the newest signed checkpoint of the log.', registers }),
    clockJumped: new Gauge({ name: 'rectrail_clock_jumped', help: '1 where the clock that stamps the events has leapt ahead, so that nothing is stored.', registers }),
    clockAheadSeconds: new Gauge({ name: 'rectrail_clock_ahead_seconds', help: 'How far that clock is beyond what this process expects of it; less than 0 where it is behind.', registers }),
    followerPosition: new Gauge({ name: 'rectrail_follower_position', help: 'Position that a follower of the log has reached, in whichever process it works; projections are followers too.', labelNames: ['follower'], registers }),
    followerLagEvents: new Gauge({ name: 'rectrail_follower_lag_events', help: 'Events that a follower has yet to read.', labelNames: ['follower'], registers }),
    followerLagSeconds: new Gauge({ name: 'rectrail_follower_lag_seconds', help: 'Age of the oldest event that a follower has yet to read; 0 where there is none.', labelNames: ['follower'], registers }),
    followerLed: new Gauge({ name: 'rectrail_follower_led', help: '1 where some process holds the lease of a follower of which one works at a time.', labelNames: ['follower'], registers }),
    followerEpoch: new Gauge({ name: 'rectrail_follower_epoch', help: 'How often the lease of a follower has changed hands.', labelNames: ['follower'], registers }),
    feedMessages: new Counter({ name: 'rectrail_feed_messages_total', help: 'Messages of the feed that were served over HTTP, as pages or in streams.', labelNames: ['way'], registers }),
    feedReaders: new Gauge({ name: 'rectrail_feed_readers', help: 'Streams, waiting pages and digests of the feed that are open.', registers }),
    relayMessages: new Counter({ name: 'rectrail_relay_messages_total', help: 'Messages that Kafka acknowledged to this process.', registers }),
    relayFailures: new Counter({ name: 'rectrail_relay_failures_total', help: 'Attempts of this process to send to Kafka that failed.', registers }),
    webhookDeliveries: new Counter({ name: 'rectrail_webhook_deliveries_total', help: 'Webhooks that this process has sent or tried to: `delivered`, `failed`, `gone`, `timeout` or `refused` (no address to send to).', labelNames: ['outcome'], registers }),
    webhookSubscriptionsStopped: new Gauge({ name: 'rectrail_webhook_subscriptions_stopped', help: 'Subscriptions that stand before an event that cannot be read; told by the process that delivers.', registers }),
    remindersIssued: new Counter({ name: 'rectrail_reminders_issued_total', help: 'Notices that this process issued.', labelNames: ['colour'], registers }),
    remindersEvaluatedDay: new Gauge({ name: 'rectrail_reminders_evaluated_day_timestamp_seconds', help: 'Where the last day begins whose deadlines this process evaluated; 0 where it has evaluated none.', registers }),
    remindersSeconds: new Histogram({ name: 'rectrail_reminders_evaluation_duration_seconds', help: 'Time to evaluate the deadlines of a day and to issue what is due.', buckets: rebuildBuckets, registers }),
    kafkaCommands: new Counter({ name: 'rectrail_kafka_commands_total', help: 'Command records of Kafka that this process is done with: `accepted`, `refused` or `dead-lettered`.', labelNames: ['outcome'], registers }),
    kafkaCommandFailures: new Counter({ name: 'rectrail_kafka_command_failures_total', help: 'Attempts at a command record, or at reading them, that failed and were repeated or given up.', registers }),
    projectionPosition: new Gauge({ name: 'rectrail_projection_position', help: 'Position that a projection has reached.', labelNames: ['projection'], registers }),
    projectionLagEvents: new Gauge({ name: 'rectrail_projection_lag_events', help: 'Events that a projection has yet to read.', labelNames: ['projection'], registers }),
    projectionLagSeconds: new Gauge({ name: 'rectrail_projection_lag_seconds', help: 'Age of the oldest event that a projection has yet to read; 0 where there is none.', labelNames: ['projection'], registers }),
    projectionStopped: new Gauge({ name: 'rectrail_projection_stopped', help: '1 where a projection stands stopped at an event that it cannot apply.', labelNames: ['projection'], registers }),
    projectionFailurePosition: new Gauge({ name: 'rectrail_projection_failure_position', help: 'Position of the event at which a projection stands stopped.', labelNames: ['projection'], registers }),
    projectionBuildPosition: new Gauge({ name: 'rectrail_projection_build_position', help: 'Position that a rebuild has reached, by whichever process.', labelNames: ['projection'], registers }),
    projectionBuildTarget: new Gauge({ name: 'rectrail_projection_build_target', help: 'Head of the log when a rebuild began.', labelNames: ['projection'], registers }),
    projectionRebuildSeconds: new Histogram({ name: 'rectrail_projection_rebuild_duration_seconds', help: 'Time that this process worked on a rebuild until it was swapped in, stopped or failed.', labelNames: ['projection', 'outcome'], buckets: rebuildBuckets, registers }),
  };
};

/** Of Node.js and the process, as prom-client names them. */
const ofProcess = /^rectrail_(nodejs|process)_/;

const labelsOf = (metric: object): readonly string[] => ('labelNames' in metric && Array.isArray(metric.labelNames) ? metric.labelNames.map(String) : []);

/** docs/reference/metrics.md, made from the metrics themselves. */
export const metricsPage = (): string => {
  const own = createMetrics().registry.getMetricsAsArray().filter(({ name }) => !ofProcess.test(name));
  return [
    '# Metrics',
    '',
    'Every process answers `GET /metrics` in the text format of Prometheus to whoever has a token, whatever its roles. Units are in the names: seconds, events, positions. No label holds an',
    'organisation, a person or an issue. Beside these come those of the process and of Node.js (`rectrail_process_…`, `rectrail_nodejs_…`). This page is generated from `libs/platform/src/metrics.ts`; a test fails where they differ.',
    '',
    'Histograms and counters are of the process that answers; add them up. What stands in the database (`rectrail_head_position`, `rectrail_log_size`, `rectrail_follower_…`, `rectrail_projection_…` save the duration of rebuilds) is the same',
    'whichever process answers: take `max by (follower)` or `max by (projection)`. [Alert rules to begin with](../how-to/prometheus.md).',
    '',
    '| metric | type | labels | meaning |',
    '| --- | --- | --- | --- |',
    // The library keeps the type of a metric as a word at run time, though it declares an enumeration.
    ...own.map((metric) => `| \`${metric.name}\` | ${String(metric.type)} | ${labelsOf(metric).map((label) => `\`${label}\``).join(', ')} | ${metric.help} |`),
    '',
  ].join('\n');
};
