import { createRequire } from 'node:module';
import type * as grpcTypes from '@grpc/grpc-js';
import type * as featureMessages from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/serverfeatures_pb.js';
import type * as sharedMessages from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/shared_pb.js';
import type * as statusMessages from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/status_pb.js';
import type * as readMessages from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_pb.js';
import type * as appendMessages from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v2/streams/streams_pb.js';
import type * as errorMessages from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v2/streams/errors_pb.js';
import type * as anyMessages from 'google-protobuf/google/protobuf/any_pb.js';
import { KurrentLogError, type LogFilter, type LogPosition, type LogRecord } from '../kurrent-log.ts';
import type { FakeKurrentServer } from './fake-kurrent-server.ts';

// The client's own copies of gRPC and of the protocol, so that both ends speak the same and nothing has to be declared twice.
const require = createRequire(createRequire(import.meta.url).resolve('@kurrent/kurrentdb-client'));
const protocols = '@kurrent/kurrentdb-client/generated/kurrentdb/protocols';
const grpc = require('@grpc/grpc-js') as typeof grpcTypes;
const { ReadReq, ReadResp } = require(`${protocols}/v1/streams_pb`) as typeof readMessages;
const shared = require(`${protocols}/v1/shared_pb`) as typeof sharedMessages;
const features = require(`${protocols}/v1/serverfeatures_pb`) as typeof featureMessages;
const { Status } = require(`${protocols}/v1/status_pb`) as typeof statusMessages;
const { AppendRecordsResponse, StreamRevision } = require(`${protocols}/v2/streams/streams_pb`) as typeof appendMessages;
const errors = require(`${protocols}/v2/streams/errors_pb`) as typeof errorMessages;
const { Any } = require('google-protobuf/google/protobuf/any_pb.js') as typeof anyMessages;
const service = (file: string, name: string): grpcTypes.ServiceDefinition => (require(`${protocols}/${file}`) as Record<string, grpcTypes.ServiceDefinition>)[name]!;

type ReadCall = grpcTypes.ServerWritableStream<readMessages.ReadReq, readMessages.ReadResp>;

const ticksPerMs = 10_000n;
const isBackwards = (options: readMessages.ReadReq.Options): boolean => options.getReadDirection() === ReadReq.Options.ReadDirection.BACKWARDS;

const responseOf = (record: LogRecord): readMessages.ReadResp => {
  const recorded = new ReadResp.ReadEvent.RecordedEvent();
  const [commit, prepare] = [record.position.commit.toString(), record.position.prepare.toString()];
  recorded.setId(new shared.UUID().setString(record.eventId));
  recorded.setStreamIdentifier(new shared.StreamIdentifier().setStreamName(Buffer.from(record.stream)));
  recorded.setStreamRevision(String(record.revision)).setCommitPosition(commit).setPreparePosition(prepare).setData(record.data);
  recorded.getMetadataMap().set('type', record.type).set('created', (BigInt(record.createdMs) * ticksPerMs + 9_999n).toString())
    .set('content-type', record.type.startsWith('$') ? 'application/json' : 'application/octet-stream');
  return new ReadResp().setEvent(new ReadResp.ReadEvent().setEvent(recorded).setCommitPosition(commit));
};

const filterOf = (filter: readMessages.ReadReq.Options.FilterOptions | undefined): LogFilter | undefined => {
  const [stream, type] = [filter?.getStreamIdentifier(), filter?.getEventType()];
  if (stream !== undefined) return { streamPattern: stream.getRegex() };
  return type === undefined ? undefined : { typePrefixes: type.getPrefixList() };
};

const placeOf = (at: readMessages.ReadReq.Options.Position | undefined): LogPosition | undefined =>
  (at === undefined ? undefined : { commit: BigInt(at.getCommitPosition()), prepare: BigInt(at.getPreparePosition()) });

const failure = (code: grpcTypes.status, message: string, metadata = new grpc.Metadata()): grpcTypes.ServiceError =>
  Object.assign(new Error(message), { code, details: message, metadata });

const withDetails = (name: string, bytes: Uint8Array): grpcTypes.Metadata => {
  const metadata = new grpc.Metadata();
  const any = new Any();
  any.setTypeUrl(`type.googleapis.com/kurrentdb.protocol.v2.streams.errors.${name}`);
  any.setValue(bytes);
  metadata.set('grpc-status-details-bin', Buffer.from(new Status().setDetails(any).serializeBinary()));
  return metadata;
};

/** As the server's second protocol tells of a stream that was deleted for good: a check that found no revision. */
const deletedViolation = (stream: string): Uint8Array => {
  const state = new errors.ConsistencyViolation.StreamStateViolation().setStream(stream).setExpectedState('0').setActualState('-6');
  const details = new errors.AppendConsistencyViolationErrorDetails();
  details.addViolations(new errors.ConsistencyViolation().setStreamState(state));
  return details.serializeBinary();
};

const failureOf = (error: unknown): grpcTypes.ServiceError => {
  const { status } = grpc;
  if (!(error instanceof KurrentLogError)) return failure(status.INTERNAL, String(error));
  switch (error.code) {
    case 'check-failed':
      return failure(status.FAILED_PRECONDITION, error.message, withDetails('AppendConsistencyViolationErrorDetails', new errors.AppendConsistencyViolationErrorDetails().serializeBinary()));
    case 'too-large':
      return failure(status.ABORTED, error.message, withDetails('AppendTransactionSizeExceededErrorDetails', new errors.AppendTransactionSizeExceededErrorDetails().serializeBinary()));
    case 'stream-deleted': {
      const metadata = new grpc.Metadata();
      metadata.set('exception', 'stream-deleted');
      metadata.set('stream-name', error.message);
      return failure(status.FAILED_PRECONDITION, error.message, metadata);
    }
    case 'refused':
      return failure(status.INVALID_ARGUMENT, error.message);
    case 'unavailable':
    case 'outcome-unknown':
      return failure(status.UNAVAILABLE, error.message);
  }
};

export interface StandIn {
  readonly url: string;
  /** The next append is answered with this status instead of being carried out. */
  refuseAppend(code: keyof typeof grpcTypes.status, message: string): void;
  stop(): void;
}

/** A fake server behind the protocol, so that Kurrent's client talks to it: reads and subscriptions of the first protocol, AppendRecords of the second. */
export const serveOverGrpc = async (fake: FakeKurrentServer): Promise<StandIn> => {
  const log = fake.connect();
  let refusal: grpcTypes.ServiceError | null = null;

  const readStream = async (call: ReadCall, options: readMessages.ReadReq.Options): Promise<void> => {
    const asked = options.getStream()!;
    const name = Buffer.from(asked.getStreamIdentifier()!.getStreamName_asU8()).toString('utf8');
    const there = await log.readStream(name, 0, Infinity);
    if (!fake.records.some((r) => r.stream === name)) call.write(new ReadResp().setStreamNotFound(new ReadResp.StreamNotFound().setStreamIdentifier(asked.getStreamIdentifier())));
    const from = asked.hasRevision() ? Number(asked.getRevision()) : 0;
    const found = isBackwards(options) ? there.toReversed() : there.filter((r) => r.revision >= from);
    for (const record of found.slice(0, Number(options.getCount()))) call.write(responseOf(record));
  };

  const readAll = async (call: ReadCall, options: readMessages.ReadReq.Options): Promise<void> => {
    const from = placeOf(options.getAll()!.getPosition());
    const filter = filterOf(options.getFilter());
    const count = Number(options.getCount());
    const last = isBackwards(options) ? await log.last(filter) : null;
    const found = isBackwards(options) ? (last === null ? [] : [last]) : await log.readAll({ ...(from && { from }), count, ...(filter && { filter }) });
    for (const record of found) call.write(responseOf(record));
  };

  const subscribe = async (call: ReadCall, options: readMessages.ReadReq.Options): Promise<void> => {
    const stop = new AbortController();
    call.on('cancelled', () => { stop.abort(); });
    call.write(new ReadResp().setConfirmation(new ReadResp.SubscriptionConfirmation().setSubscriptionId('s')));
    const after = placeOf(options.getAll()!.getPosition()) ?? null;
    const filter = filterOf(options.getFilter()) as { readonly streamPattern: string };
    for await (const batch of log.follow({ after, filter, signal: stop.signal })) for (const record of batch) call.write(responseOf(record));
  };

  const read = (call: ReadCall): void => {
    const options = call.request.getOptions()!;
    const answer = options.hasSubscription() ? subscribe : options.hasStream() ? readStream : readAll;
    answer(call, options).then(() => { call.end(); }, (error: unknown) => { call.emit('error', failureOf(error)); });
  };

  const appendRecords = ({ request }: { readonly request: appendMessages.AppendRecordsRequest }, done: grpcTypes.sendUnaryData<appendMessages.AppendRecordsResponse>): void => {
    if (refusal !== null) {
      done(refusal);
      refusal = null;
      return;
    }
    const records = request.getRecordsList().map((r) => ({ stream: r.getStream(), eventId: r.getRecordId()!, type: r.getSchema()!.getName(), data: r.getData_asU8() }));
    const checks = request.getChecksList().map((c) => {
      const { stream, expectedState } = c.getStreamState()!.toObject();
      return { stream, revision: expectedState === '-1' ? 'none' as const : Number(expectedState) };
    });
    log.append(records, checks).then(() => {
      const response = new AppendRecordsResponse().setPosition(String(fake.records.at(-1)!.position.commit));
      for (const stream of new Set(records.map((r) => r.stream))) response.addRevisions(new StreamRevision().setStream(stream).setRevision('0'));
      done(null, response);
    }, (error: unknown) => {
      const isDeleted = error instanceof KurrentLogError && error.code === 'stream-deleted';
      done(isDeleted ? failure(grpc.status.FAILED_PRECONDITION, error.message, withDetails('AppendConsistencyViolationErrorDetails', deletedViolation(error.message))) : failureOf(error));
    });
  };

  const getSupportedMethods = (_: unknown, done: grpcTypes.sendUnaryData<featureMessages.SupportedMethods>): void => {
    log.server().then(({ version, appendsRecords }) => {
      const methods = new features.SupportedMethods().setEventStoreServerVersion(version);
      if (appendsRecords) methods.addMethods(new features.SupportedMethod().setServiceName('kurrentdb.protocol.v2.streams.streamsservice').setMethodName('appendrecords'));
      done(null, methods);
    }, (error: unknown) => { done(failureOf(error)); });
  };

  const server = new grpc.Server({ 'grpc.max_receive_message_length': 17 << 20 });
  server.addService(service('v1/streams_grpc_pb', 'StreamsService'), { read });
  server.addService(service('v2/streams/streams_grpc_pb', 'StreamsServiceService'), { appendRecords });
  server.addService(service('v1/serverfeatures_grpc_pb', 'ServerFeaturesService'), { getSupportedMethods });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) => { if (error === null) resolve(bound); else reject(error); });
  });
  return {
    url: `kurrentdb://127.0.0.1:${port}?tls=false`,
    refuseAppend: (code, message) => { refusal = failure(grpc.status[code], message); },
    stop: () => { server.forceShutdown(); },
  };
};
