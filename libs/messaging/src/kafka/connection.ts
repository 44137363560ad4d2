import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Kafka, logLevel, type Admin, type ISocketFactory, type LogEntry, type SASLOptions } from 'kafkajs';

/** PEM texts; all null: TLS with the certification authorities that the system trusts. */
export interface KafkaTls { readonly ca: string | null; readonly cert: string | null; readonly key: string | null }
export interface KafkaSasl { readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; readonly username: string; readonly password: string }

export interface KafkaSettings {
  /** `host:port` of some brokers of the cluster. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly topicPrefix: string;
  /** Of topics that are made here. */
  readonly partitions: number;
  /** Of topics that are made here; -1: the broker's default. */
  readonly replicationFactor: number;
  readonly tls: KafkaTls | null;
  readonly sasl: KafkaSasl | null;
}

export type KafkaLogLevel = 'error' | 'warn' | 'info' | 'debug';
/** What the client tells of itself; never the contents of requests. */
export type KafkaLog = (level: KafkaLogLevel, message: string, about: Readonly<Record<string, string | number>>) => void;

/** Short, so that a broker that is away is noticed and one that is back is used within a second or two; who calls tries again for as long as it takes. */
export const kafkaRetry = { initialRetryTime: 100, multiplier: 2, factor: 0.2, maxRetryTime: 1_000, retries: 3 };
const connectionTimeoutMs = 3_000;
const requestTimeoutMs = 15_000;
const keepAliveMs = 60_000;

const levels = new Map<logLevel, KafkaLogLevel>([[logLevel.ERROR, 'error'], [logLevel.WARN, 'warn'], [logLevel.INFO, 'info']]);
/** Of an entry's fields those that cannot hold what was sent, a password least of all. */
const fieldsTold = ['broker', 'clientId', 'groupId', 'topic', 'partition', 'retryCount', 'error'];

const told = ({ log }: LogEntry): Record<string, string | number> =>
  Object.fromEntries(fieldsTold.flatMap((name) => {
    const value: unknown = log[name];
    return typeof value === 'string' || typeof value === 'number' ? [[name, value]] : [];
  }));

/**
 * Sockets that write only while `mayWrite` says so, asked at each write: what the client has queued or tries again by itself
 * does not leave a process that leads no more.
 */
const guardedSockets = (mayWrite: () => boolean): ISocketFactory => ({ host, port, ssl, onConnect }) => {
  // Without TLS the client passes null, against its types.
  const tls = ssl as typeof ssl | null;
  const socket: Socket = tls === null ? connectTcp({ host, port }, onConnect) : connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }), ...tls }, onConnect);
  socket.setKeepAlive(true, keepAliveMs);
  socket.setNoDelay(true);
  const write = socket.write.bind(socket) as (chunk: Buffer | string, encoding?: BufferEncoding) => boolean;
  socket.write = ((chunk: Buffer | string, encoding?: BufferEncoding) => {
    if (mayWrite()) return write(chunk, encoding);
    socket.destroy(new Error('nothing is written any more: this process leads no longer'));
    return false;
  }) as typeof socket.write;
  return socket;
};

/** A client; nothing is connected yet. `mayWrite`: see `guardedSockets`. */
export const kafkaClient = (settings: KafkaSettings, log: KafkaLog, mayWrite: () => boolean = () => true): Kafka => {
  const { tls, sasl } = settings;
  return new Kafka({
    brokers: [...settings.brokers],
    clientId: settings.clientId,
    ...(tls !== null && { ssl: { ...(tls.ca !== null && { ca: tls.ca }), ...(tls.cert !== null && { cert: tls.cert }), ...(tls.key !== null && { key: tls.key }) } }),
    // The client has a type for each mechanism; they are of one shape.
    ...(sasl !== null && { sasl: sasl as SASLOptions }),
    connectionTimeout: connectionTimeoutMs,
    requestTimeout: requestTimeoutMs,
    retry: kafkaRetry,
    socketFactory: guardedSockets(mayWrite),
    logLevel: logLevel.INFO,
    logCreator: () => (entry) => { log(levels.get(entry.level) ?? 'debug', entry.log.message, told(entry)); },
  });
};

/** Runs `work` with a connected administrator, which is closed again. */
export const withAdmin = async <T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> => {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
};
