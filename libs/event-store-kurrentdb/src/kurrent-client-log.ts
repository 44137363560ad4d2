import { once } from 'node:events';
import {
  AccessDeniedError, AppendConsistencyViolationError, AppendRecordSizeExceededError, BACKWARDS, binaryEvent, END, eventTypeFilter, isCommandError, KurrentDBClient,
  MaxAppendSizeExceededError, NO_STREAM, NotLeaderError, START, STREAM_STATE, streamNameFilter, StreamDeletedError, StreamNotFoundError, StreamTombstonedError,
  TransactionMaxSizeExceededError, UnknownError, UnsupportedError, WrongExpectedVersionError, type AllStreamResolvedEvent, type AllStreamSubscription, type Filter,
  type ResolvedEvent,
} from '@kurrent/kurrentdb-client';
import {
  KurrentLogError, type FollowLogOptions, type KurrentLog, type KurrentLogErrorCode, type LogFilter, type LogRecord, type ReadLogOptions, type RecordToAppend, type ServerFacts,
  type StreamCheck, type Truncation,
} from './kurrent-log.ts';

/** What the client knows of its server; it keeps it from its users. */
interface ServerFeatures { readonly serverVersion: string; supports(method: { readonly path: string }): boolean }

const appendRecordsPath = '/kurrentdb.protocol.v2.streams.StreamsService/AppendRecords';
/** The client asks for the features without a deadline of its own. */
const connectTimeoutMs = 15_000;
const batchRecordsMax = 500;
/** The server tells after so many times 32 events that a filter passed over how far it is; nobody here listens. */
const checkpointInterval = 1_000;

/** Another client is made at most so often: each keeps connections of its own. */
const reconnectMs = 1_000;
/** Of gRPC, as the numbers that they are on the wire. */
const invalidArgument: number = 3;
const permissionDenied: number = 7;
const resourceExhausted: number = 8;
const failedPrecondition: number = 9;
/** What a check found instead of a revision, deleted or tombstoned; the client hands the server's numbers on. */
const deletedStates: readonly unknown[] = [-5n, -6n];

/** Some of the client's errors say nothing but what kind they are. */
const messageOf = (error: unknown): string => {
  if (error instanceof StreamDeletedError) return `stream ${error.streamName} is deleted`;
  if (!(error instanceof Error)) return String(error);
  return error.message === '' ? error.constructor.name : error.message;
};

const verdicts: readonly (readonly [new (...args: never[]) => Error, KurrentLogErrorCode])[] = [
  [WrongExpectedVersionError, 'check-failed'], [StreamTombstonedError, 'stream-deleted'], [StreamDeletedError, 'stream-deleted'],
  [MaxAppendSizeExceededError, 'too-large'], [TransactionMaxSizeExceededError, 'too-large'], [AppendRecordSizeExceededError, 'too-large'], [NotLeaderError, 'unavailable'],
  [AccessDeniedError, 'unavailable'], [UnsupportedError, 'unavailable'],
];

const appendErrorCode = (error: unknown): KurrentLogErrorCode => {
  if (error instanceof AppendConsistencyViolationError) return error.violations.some(({ actualState }) => deletedStates.includes(actualState)) ? 'stream-deleted' : 'check-failed';
  const verdict = verdicts.find(([type]) => error instanceof type)?.[1];
  if (verdict !== undefined) return verdict;
  // The client turns every answer to an append into one of its own errors: another came before anything was sent.
  if (!(error instanceof Error) || !isCommandError(error)) return 'unavailable';
  const status: number | undefined = error.code;
  if (status === invalidArgument) return 'refused';
  // The limit of the server, or of the client that sends; a stream that was reset to calm its client has this status, too, and may have been carried out.
  if (status === resourceExhausted && /Received message exceeds|Attempted to send message/i.test(error.message)) return 'too-large';
  // In the second protocol of the server the refusals of a follower and for want of rights come in forms that the client does not know.
  if (status === failedPrecondition || status === permissionDenied || /No connection established/i.test(error.message)) return 'unavailable';
  return 'outcome-unknown';
};

/**
 * The native reader has one name for everything but a few errors, a connection that broke among it; what the server refuses is an invalid argument, which its text tells: a place
 * in `$all` where no event begins.
 */
const readErrorCode = (error: unknown): KurrentLogErrorCode => {
  if (error instanceof StreamDeletedError) return 'stream-deleted';
  return error instanceof UnknownError && /invalid (argument|position)/i.test(error.message) ? 'refused' : 'unavailable';
};

const readError = (error: unknown): KurrentLogError => new KurrentLogError(readErrorCode(error), messageOf(error), { cause: error });

const recordOf = ({ event, commitPosition = 0n }: ResolvedEvent | AllStreamResolvedEvent): LogRecord | null => (event === undefined ? null : {
  position: event.position ?? { commit: commitPosition, prepare: commitPosition }, stream: event.streamId, revision: Number(event.revision), eventId: event.id, type: event.type,
  data: event.data instanceof Uint8Array ? event.data : Buffer.from(JSON.stringify(event.data), 'utf8'), createdMs: event.created.getTime(),
});

const collect = async (events: AsyncIterable<ResolvedEvent | AllStreamResolvedEvent>): Promise<readonly LogRecord[]> => {
  const records: LogRecord[] = [];
  try {
    for await (const resolved of events) {
      const record = recordOf(resolved);
      if (record !== null) records.push(record);
    }
  } catch (error) {
    if (error instanceof StreamNotFoundError) return [];
    throw readError(error);
  }
  return records;
};

const picking = (filter: LogFilter | undefined): { readonly filter?: Filter } => {
  if (filter === undefined) return {};
  return { filter: 'streamPattern' in filter ? streamNameFilter({ regex: filter.streamPattern }) : eventTypeFilter({ prefixes: [...filter.typePrefixes] }) };
};

/** The log of a KurrentDB server or cluster, through Kurrent's client. */
export class KurrentClientLog implements KurrentLog {
  readonly #url: string;
  readonly #reads: KurrentDBClient;
  /** Another client than for reads, so that it can be replaced while they go on. */
  #appends: KurrentDBClient;
  #connectedAt = performance.now();

  /** Connects when first asked. @throws Error where the connection string cannot be read, without showing it: it may hold a password */
  static connect(url: string): KurrentClientLog {
    try {
      return new KurrentClientLog(url);
    } catch {
      throw new Error('the connection string of KurrentDB cannot be read. Potential solutions: kurrentdb://user:password@host:2113?tls=true; docs/how-to/kurrentdb.md');
    }
  }

  private constructor(url: string) {
    this.#url = url;
    this.#reads = KurrentDBClient.connectionString(url);
    this.#appends = KurrentDBClient.connectionString(url);
  }

  async server(): Promise<ServerFacts> {
    // Protected in the client's types; there is no other way to the version.
    const { capabilities } = this.#reads as unknown as { readonly capabilities: Promise<ServerFeatures> };
    const timeout = once(AbortSignal.timeout(connectTimeoutMs), 'abort').then(() => { throw new KurrentLogError('unavailable', `no answer within ${connectTimeoutMs} ms`); });
    try {
      const features = await Promise.race([capabilities, timeout]);
      return { version: features.serverVersion, appendsRecords: features.supports({ path: appendRecordsPath }) };
    } catch (error) {
      throw new KurrentLogError('unavailable', `KurrentDB cannot be reached: ${messageOf(error)}`, { cause: error });
    }
  }

  async append(records: readonly RecordToAppend[], checks: readonly StreamCheck[]): Promise<void> {
    const client = this.#appends;
    try {
      await client.appendRecords(
        records.map(({ stream, eventId, type, data }) => ({ streamName: stream, record: binaryEvent({ id: eventId, type, data }) })),
        checks.map(({ stream, revision }) => ({ type: STREAM_STATE, streamName: stream, expectedState: revision === 'none' ? NO_STREAM : BigInt(revision) })));
    } catch (error) {
      const code = appendErrorCode(error);
      if (code === 'unavailable' || code === 'outcome-unknown') this.#leave(client);
      throw new KurrentLogError(code, messageOf(error), { cause: error });
    }
  }

  /**
   * A node that leads no longer would be asked for ever. The client has no way to close a channel (its `dispose` ends streams, of which appends open none): left alone, it
   * idles out.
   */
  #leave(client: KurrentDBClient): void {
    if (this.#appends !== client || performance.now() - this.#connectedAt < reconnectMs) return;
    this.#appends = KurrentDBClient.connectionString(this.#url);
    this.#connectedAt = performance.now();
  }

  readStream(stream: string, from: number, count: number): Promise<readonly LogRecord[]> {
    return collect(this.#reads.readStream(stream, { fromRevision: BigInt(from), maxCount: count }));
  }

  readAll({ from, count, filter }: ReadLogOptions): Promise<readonly LogRecord[]> {
    return collect(this.#reads.readAll({ fromPosition: from ?? START, maxCount: count, ...picking(filter) }));
  }

  async last(filter?: LogFilter): Promise<LogRecord | null> {
    const [record] = await collect(this.#reads.readAll({ fromPosition: END, direction: BACKWARDS, maxCount: 1, ...picking(filter) }));
    return record ?? null;
  }

  async *follow({ after, filter, signal }: FollowLogOptions): AsyncGenerator<readonly LogRecord[], void, void> {
    const subscription = this.#reads.subscribeToAll(
      { fromPosition: after ?? START, filter: streamNameFilter({ regex: filter.streamPattern, checkpointInterval }) }, { highWaterMark: batchRecordsMax });
    const ended = new AbortController();
    subscription.on('error', (error: Error) => { ended.abort(new KurrentLogError('unavailable', messageOf(error), { cause: error })); });
    for (const event of ['end', 'close'] as const) subscription.once(event, () => { ended.abort(new KurrentLogError('unavailable', 'the server ended the subscription')); });
    const either = AbortSignal.any([signal, ended.signal]);
    try {
      while (!signal.aborted) {
        const batch = drain(subscription);
        if (batch.length > 0) yield batch;
        else if (ended.signal.aborted) throw ended.signal.reason;
        else await once(subscription, 'readable', { signal: either }).catch(() => undefined);
      }
    } finally {
      // It waits for a connection that may never come.
      void subscription.unsubscribe().catch(() => undefined);
    }
  }

  async truncation(stream: string): Promise<Truncation | null> {
    try {
      const { metadata } = await this.#reads.getStreamMetadata(stream);
      const { maxCount, maxAge, truncateBefore } = metadata ?? {};
      const set = { ...(maxCount !== undefined && { maxCount }), ...(maxAge !== undefined && { maxAge }), ...(truncateBefore !== undefined && { truncateBefore }) };
      return Object.keys(set).length === 0 ? null : set;
    } catch (error) {
      throw readError(error);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#reads.dispose(), this.#appends.dispose()]);
  }
}

/** What has come and was not read yet; stops at a batch. */
const drain = (subscription: AllStreamSubscription): readonly LogRecord[] => {
  const records: LogRecord[] = [];
  while (records.length < batchRecordsMax) {
    // A stream of objects gives `null` where nothing is there; its types say any.
    const resolved = subscription.read() as AllStreamResolvedEvent | null;
    if (resolved === null) break;
    const record = recordOf(resolved);
    if (record !== null) records.push(record);
  }
  return records;
};
