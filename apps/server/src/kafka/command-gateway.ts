import { setTimeout as sleep } from 'node:timers/promises';
import { AccessError, type AccessControl, type Principal } from '@rectrail/access';
import { hashedCommandId } from '@rectrail/event-store';
import type { CommandId } from '@rectrail/kernel';
import { CommandsUnavailable, type CommandGateway, type CommandReply, type CommandRequest, type NotARequest } from '@rectrail/messaging';
import { inSpan, isTraceId, parseTraceparent, type Database, type Logger, type Metrics, type ProblemPlace, type SpanStart, type Tracing } from '@rectrail/platform';
import { CommandRejected, readCommandMessage, type CommandMessage, type CommandOutcome, type CommandService } from '@rectrail/tracking-app';
import { parseJson } from '../http/body-parsers.ts';
import { batchAnswer, commandAnswer, commandSpan, timed } from '../http/command.routes.ts';
import { correlationIdOf } from '../http/correlation-id.ts';
import { HttpProblem } from '../http/http-problem.ts';
import { problemFor, refusalOf } from '../http/problem.filter.ts';
import { apiPath } from '../http/table-routes.ts';
import { etagOf, writeSha256, type WriteRequests } from '../http/write-request.ts';
import { isReplay, recordSha256Of, type ReplayTickets } from './replay-tickets.ts';

export interface CommandGatewayOptions {
  readonly commands: CommandService;
  readonly writes: WriteRequests;
  readonly access: AccessControl;
  readonly tickets: ReplayTickets;
  readonly database: Pick<Database, 'query'>;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  readonly logger: Logger;
}

/** Who asks, whose the key is, and the command's id where the key is new: the same at every delivery, also once the key is forgotten. */
interface Caller { readonly principal: Principal; readonly keyOwner: string; readonly commandId: CommandId }

/** A command, or why it is refused; `body` as parsed. */
interface Read { readonly body: unknown; readonly message: CommandMessage | null; readonly refused: unknown }

/** Keys that are worked on beside each other may all concern one stream, such as the tree of organisations. */
const conflictAttemptsMax = 30;
const conflictPauseMs = 5;
/** Of a dead letter's detail. */
const detailCharactersMax = 500;

/** @throws HttpProblem or CommandRejected for what is no request at all. */
const read = (bytes: Buffer): Read => {
  const body = parseJson(bytes);
  try {
    return { body, message: readCommandMessage(body), refused: null };
  } catch (error) {
    // What is a command, but one that there is not, is answered, once its sender is known.
    if (error instanceof CommandRejected && error.code !== 'validation-failed') return { body, message: null, refused: error };
    throw error;
  }
};

const notARequest = (error: unknown): NotARequest => {
  if (error instanceof HttpProblem) return { reason: error.code, detail: error.message };
  if (!(error instanceof CommandRejected)) throw error;
  return { reason: error.code, detail: error.errors.map(({ pointer, detail }) => `${pointer ?? ''}: ${detail}`).join('; ').slice(0, detailCharactersMax) };
};

/** The path that the same command has over HTTP. */
const pathOf = (message: CommandMessage | null): string => {
  const [call] = message?.calls ?? [];
  return `${apiPath}${call === undefined || message?.isBatch === true ? '/commands' : call.definition.path.replace(':id', call.target.id ?? '')}`;
};

/** The same command over HTTP has the same hash, so a retry may take another way than the first attempt. */
const sha256Of = (message: CommandMessage, body: unknown): string => {
  const [call] = message.calls;
  if (call === undefined || message.isBatch) return writeSha256('POST', pathOf(message), null, body);
  return writeSha256('POST', pathOf(message), call.target.ifMatch === null ? null : etagOf(call.target.ifMatch), call.body);
};

const placesOf = (_code: string, status: number, detail: string): readonly ProblemPlace[] => (status === 401 ? [{ header: 'authorization', detail }] : []);

/**
 * Where others are first again and again, it is the turn of this one later: behind a topic nobody sees a conflict and tries once more. A caller who named a version is told (412).
 */
const outlastingOthers = async <T>(work: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const { code, problem: { status } } = refusalOf(error);
      if (code !== 'stream-version-conflict' || status !== 409 || attempt === conflictAttemptsMax) throw error;
    }
    await sleep(Math.random() * attempt * conflictPauseMs);
  }
};

/** The command layer for records of Kafka, with the tokens, keys, schemas and problems of HTTP. */
class KafkaCommandGateway implements CommandGateway {
  readonly #options: CommandGatewayOptions;

  constructor(options: CommandGatewayOptions) {
    this.#options = options;
  }

  async answer(request: CommandRequest): Promise<CommandReply | NotARequest> {
    const { tracing } = this.#options;
    let received: Read;
    try {
      received = read(request.body);
    } catch (error) {
      return notARequest(error);
    }
    const { place: { topic, partition, offset }, sentAtMs, idempotencyKey, correlationId: given, traceparent } = request;
    const correlationId = correlationIdOf({
      given: given ?? undefined, traceparent: traceparent ?? undefined, tracing,
      made: () => hashedCommandId(sentAtMs, 'rectrail.kafka-record/1', topic, String(partition), offset, idempotencyKey),
    });
    const span = (): SpanStart => ({
      name: `process ${topic}`, kind: 'consumer', parent: parseTraceparent(traceparent ?? undefined), ...(isTraceId(correlationId) && { traceId: correlationId }),
      attributes: {
        'messaging.system': 'kafka', 'messaging.operation.name': 'process', 'messaging.operation.type': 'process', 'messaging.destination.name': topic,
        'messaging.destination.partition.id': String(partition), 'messaging.kafka.offset': Number(offset),
      },
    });
    return inSpan(tracing, span, () => this.#answer(request, received, correlationId));
  }

  async #answer(request: CommandRequest, received: Read, correlationId: string): Promise<CommandReply> {
    try {
      return await this.#carryOut(request, received, correlationId);
    } catch (error) {
      const { code, problem: { status } } = refusalOf(error);
      if (status === 503 || code === 'idempotency-key-in-use' || (status === 500 && await this.#isDatabaseAway())) throw new CommandsUnavailable(error);
      if (status === 500) throw error;
      const { document } = problemFor(error, { instance: pathOf(received.message), correlationId, places: placesOf }, this.#options.logger);
      return { correlationId, status, problem: document };
    }
  }

  async #carryOut(request: CommandRequest, { body, message, refused }: Read, correlationId: string): Promise<CommandReply> {
    const { commands, writes, metrics, tracing } = this.#options;
    const { principal: { actor }, keyOwner, commandId: fresh } = await this.#callerOf(request);
    if (message === null) throw refused;
    const name = message.isBatch ? 'Batch' : message.calls[0]?.definition.name ?? 'Batch';
    const run = (commandId: CommandId): Promise<CommandOutcome> => {
      const identity = { commandId, correlationId, actor, dryRun: false };
      return inSpan(tracing, () => commandSpan(name, identity), () => outlastingOthers(() => commands.executeMessage(message, identity)));
    };
    const keyed = { owner: keyOwner, key: request.idempotencyKey, requestSha256: sha256Of(message, body), commandId: fresh };
    const outcome = await timed(metrics, name, () => writes.carryOutKeyed(keyed, run));
    if (message.isBatch) return { correlationId, status: 200, outcome: batchAnswer(outcome) };
    return { correlationId, status: outcome.results[0]?.created === true ? 201 : 200, outcome: commandAnswer(outcome) };
  }

  async #callerOf({ authorization, idempotencyKey, body, sentAtMs }: CommandRequest): Promise<Caller> {
    const { access, tickets } = this.#options;
    if (!isReplay(authorization)) {
      const principal = await access.authenticate(authorization);
      return { principal, keyOwner: principal.tokenId, commandId: hashedCommandId(sentAtMs, 'rectrail.kafka-command/1', principal.tokenId, idempotencyKey) };
    }
    const ticket = await tickets.redeem(authorization, recordSha256Of(idempotencyKey, body));
    if (ticket === null) throw new AccessError('token-invalid', 'the ticket of the replay is unknown, too old, or for another record');
    // The letter names the command: however often and by whomever it is replayed, it is carried out once.
    return { principal: await access.recall(ticket.tokenId), keyOwner: `dead letter ${ticket.letter}`, commandId: hashedCommandId(ticket.letterAtMs, 'rectrail.dead-letter/1', ticket.letter) };
  }

  /** A lost database that no code tells must not be taken for a defect: the whole backlog would become dead letters. */
  async #isDatabaseAway(): Promise<boolean> {
    try {
      await this.#options.database.query('select 1');
      return false;
    } catch {
      // That it cannot be asked is the answer.
      return true;
    }
  }
}

export const createCommandGateway = (options: CommandGatewayOptions): CommandGateway => new KafkaCommandGateway(options);
