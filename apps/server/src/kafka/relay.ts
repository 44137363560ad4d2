import { messageTopicPlans, openKafkaPublisher, runKafkaRelay, topicNames, tracedPublisher, type KafkaSettings, type LogCheckpointData, type MessageFeed } from '@rectrail/messaging';
import type { Configuration, Leadership, Logger, Metrics, Tracing } from '@rectrail/platform';
import { kafkaLog } from './settings.ts';

export interface RelayOptions {
  readonly configuration: Pick<Configuration, 'kafkaAudience'>;
  readonly settings: KafkaSettings;
  readonly feed: MessageFeed;
  /** The newest signed head of the log. */
  readonly logCheckpoint: () => Promise<LogCheckpointData | null>;
  readonly leadership: Leadership;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
}

/** While brokers stay away, one line a minute or so: attempts come every two seconds then. */
const failuresALine = 30;

/** Messages go to Kafka while this process leads. `close`: the batch on its way is finished and the checkpoint moved. */
export const startKafkaRelay = ({ configuration, settings, feed, logCheckpoint, leadership, logger, metrics, tracing }: RelayOptions): { close(): Promise<void> } => {
  const stop = new AbortController();
  const running = runKafkaRelay({
    feed, leadership, logCheckpoint, audience: configuration.kafkaAudience, topics: topicNames(settings.topicPrefix),
    openPublisher: async (mayWrite) => tracedPublisher(await openKafkaPublisher({ settings, log: kafkaLog(logger), topics: messageTopicPlans(settings), mayWrite }), tracing),
    observer: {
      onSent: (messages) => { metrics.relayMessages.inc(messages); },
      onFailure: (error, inARow) => {
        metrics.relayFailures.inc();
        if (inARow % failuresALine === 1) logger.warn({ err: error, attempts: inARow }, 'the relay cannot send to Kafka and tries again');
      },
      onRecovery: (failures) => { logger.info({ attempts: failures }, 'the relay sends to Kafka again'); },
    },
  }, stop.signal);
  return {
    close: () => {
      stop.abort();
      return running;
    },
  };
};
