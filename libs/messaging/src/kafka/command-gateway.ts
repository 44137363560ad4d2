export interface RecordPlace { readonly topic: string; readonly partition: number; readonly offset: string }

/** A command that came as a record: token and key are there, the body is not read yet. */
export interface CommandRequest {
  /** Where it lies in Kafka. */
  readonly place: RecordPlace;
  /** As sent: `Bearer …`, or the ticket of a replay. */
  readonly authorization: string;
  readonly idempotencyKey: string;
  /** As sent; null without one. */
  readonly correlationId: string | null;
  readonly traceparent: string | null;
  /** JSON: one command, or `{commands: […]}`. */
  readonly body: Buffer;
  /** Of the record, ms since 1970: the same however often the record is delivered. */
  readonly sentAtMs: number;
}

/** What the requester is told: as over HTTP, the answer's body as `outcome`, or a problem. */
export type CommandReply = { readonly correlationId: string; readonly status: number } & ({ readonly outcome: unknown } | { readonly problem: unknown });

/** Why a record is no request, by a code of the problem table. `detail` holds nothing of what was sent. */
export interface NotARequest { readonly reason: string; readonly detail: string }

/** The command layer as messaging sees it; it knows neither commands nor tokens. */
export interface CommandGateway {
  /**
   * Carries a request out and answers it; refusals are answers. The same request again, whenever, has the same answer and writes nothing.
   *
   * @throws CommandsUnavailable where it has to be tried again; anything else is a defect.
   */
  answer(request: CommandRequest): Promise<CommandReply | NotARequest>;
}

/** The database or what follows it is away: nothing is wrong with the request. */
export class CommandsUnavailable extends Error {
  readonly code = 'commands-unavailable';

  constructor(cause: unknown) {
    super('commands cannot be carried out now', { cause });
    this.name = 'CommandsUnavailable';
  }
}
