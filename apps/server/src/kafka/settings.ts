import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { KafkaLog, KafkaSettings } from '@rectrail/messaging';
import type { Configuration, Logger } from '@rectrail/platform';

const pem = async (file: string | undefined): Promise<string | null> => (file === undefined ? null : readFile(file, 'utf8'));

const tlsOf = async ({ kafkaTls, kafkaTlsCaFile, kafkaTlsCertFile, kafkaTlsKeyFile }: Configuration): Promise<KafkaSettings['tls']> =>
  (kafkaTls ? { ca: await pem(kafkaTlsCaFile), cert: await pem(kafkaTlsCertFile), key: await pem(kafkaTlsKeyFile) } : null);

/** How the cluster is reached; null where none is configured. @throws Error for a file that cannot be read. */
export const readKafkaSettings = async (configuration: Configuration): Promise<KafkaSettings | null> => {
  const { kafkaBrokers, kafkaSaslMechanism: mechanism, kafkaSaslUsername: username, kafkaSaslPassword: password } = configuration;
  if (kafkaBrokers === undefined) return null;
  return {
    brokers: kafkaBrokers,
    clientId: `rectrail-${hostname()}-${process.pid}`,
    topicPrefix: configuration.kafkaTopicPrefix,
    partitions: configuration.kafkaTopicPartitions,
    replicationFactor: configuration.kafkaReplicationFactor,
    tls: await tlsOf(configuration),
    sasl: mechanism === undefined || username === undefined || password === undefined ? null : { mechanism, username, password },
  };
};

/** What the client says of each attempt is for who looks closely; failures that matter are told by whoever met them. */
export const kafkaLog = (logger: Logger): KafkaLog => (level, message, about) => { logger.debug({ kafka: { level, ...about } }, message); };
