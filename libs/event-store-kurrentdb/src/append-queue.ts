import { instantOfMs, maxInstant, position, type CommandId } from '@rectrail/kernel';
import { EventStoreError, type AppendRequest, type AppendResult, type Head, type Wake } from '@rectrail/event-store';
import { planAppends, type AppendPlan } from './append-plan.ts';
import { KurrentLogError, type KurrentLog } from './kurrent-log.ts';
import type { Numbering } from './numbering.ts';
import { receiptStreamOf } from './stream-names.ts';

export interface AppendQueueOptions {
  readonly log: KurrentLog;
  readonly numbering: Numbering;
  readonly wake: Wake;
  /** Of one request to the server, by our own reckoning. */
  readonly requestBytesMax: number;
  /** From the server's word that it was written to its number, ms. */
  readonly numberingTimeoutMs: number;
}

interface Pending {
  readonly request: AppendRequest;
  readonly events: number;
  readonly bytes: number;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Events of one merged request: they bound what neighbours wait for each other. */
const batchEventsMax = 500;
/** Appends waiting in this process; beyond them the store is refused rather than memory filled. */
const waitingMax = 20_000;
/** Between two looks at the numbering while it does not move, ms; a notification comes first as a rule. */
const lookMs = 100;
/** From then on a check that failed is looked into append by append: one stream with events of others must not hold up the rest, ms. */
const togetherMsMax = 1_000;
/** How long the numbering may stay behind a check that failed on the server, and others wait for that, at most, ms. */
const behindMsMax = 10_000;

const neverAborted = new AbortController().signal;
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const appendFailed = (cause: unknown): EventStoreError => {
  if (cause instanceof EventStoreError) return cause;
  const message = messageOf(cause);
  const code = cause instanceof KurrentLogError ? cause.code : 'outcome-unknown';
  if (code === 'too-large') {
    return new EventStoreError('append-too-large', `KurrentDB takes less in one append than it was said to: ${message}. Potential solutions: set RECTRAIL_EVENT_STORE_APPEND_BYTES_MAX to the server's MaxAppendSize, and leave its MaxAppendEventSize as it is`, { cause });
  }
  if (code === 'outcome-unknown') {
    return new EventStoreError('append-outcome-unknown', `KurrentDB did not answer the append: ${message}. Potential solutions: send the same command again, it is carried out once`, { cause });
  }
  if (code === 'stream-deleted') {
    return new EventStoreError('event-store-unavailable', `KurrentDB has deleted a stream of the append: ${message}. Potential solutions: restore the server's backup; docs/how-to/kurrentdb.md`, { cause });
  }
  return new EventStoreError('event-store-unavailable', `KurrentDB did not take the append: ${message}. Potential solutions: see whether its leader can be reached; try again`, { cause });
};

/**
 * The appends of this process, in the order in which they came: those that wait at the same time go as one request, whose checks make it right for all or
 * void. An append is answered once it is numbered.
 */
export class AppendQueue {
  readonly #options: AppendQueueOptions;
  #waiting: Pending[] = [];
  #isSending = false;

  constructor(options: AppendQueueOptions) {
    this.#options = options;
  }

  append(request: AppendRequest, size: { readonly events: number; readonly bytes: number }): Promise<AppendResult> {
    if (this.#waiting.length >= waitingMax) return Promise.reject(new EventStoreError('event-store-unavailable', `${waitingMax} appends are waiting already. Potential solutions: try again later`));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, ...size, resolve, reject });
      if (this.#isSending) return;
      this.#isSending = true;
      // Once the callers of this turn have all come, so that they go together.
      setImmediate(() => void this.#send());
    });
  }

  async #send(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#take();
      try {
        await this.#settle(batch);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isSending = false;
  }

  #take(): readonly Pending[] {
    let count = 0;
    let events = 0;
    let bytes = 0;
    for (const pending of this.#waiting) {
      events += pending.events;
      bytes += pending.bytes;
      if (count > 0 && (events > batchEventsMax || bytes > this.#options.requestBytesMax)) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  /** `aloneSince`: of one that the others no longer wait for, when it was begun. */
  async #settle(batch: readonly Pending[], aloneSince: number | null = null): Promise<void> {
    const { log, numbering, wake } = this.#options;
    const requests = batch.map((p) => p.request);
    const streams = [...new Set(requests.flatMap((r) => r.entries.map((e) => e.streamId)))];
    const begunAt = aloneSince ?? performance.now();
    for (;;) {
      const ticket = wake.ticket;
      // In this order: a command numbered in between is found, and so never takes its own events for somebody else's.
      const versions = await numbering.versions(streams);
      const commands = await numbering.commands(requests.map((r) => r.commandId));
      const plan = planAppends(requests, { versions, commands });
      try {
        if (plan.records.length > 0) await log.append(plan.records, plan.checks);
        await this.#answer(batch, plan, await this.#numbered(requests, plan));
        return;
      } catch (error) {
        if (await this.#settledOtherwise(error, batch, { begunAt, isAlone: aloneSince !== null })) return;
      }
      await wake.wait(ticket, neverAborted, lookMs);
    }
  }

  /** False where all are to be judged again at a newer numbering. @throws EventStoreError what all of them fail with */
  async #settledOtherwise(error: unknown, batch: readonly Pending[], { begunAt, isAlone }: { readonly begunAt: number; readonly isAlone: boolean }): Promise<boolean> {
    const waitedMs = performance.now() - begunAt;
    const waitMsMax = Math.min(behindMsMax, this.#options.numberingTimeoutMs);
    const code = error instanceof KurrentLogError ? error.code : null;
    if (batch.length > 1 && (code === 'too-large' || code === 'stream-deleted' || code === 'refused')) {
      await this.#settleEach(batch);
      return true;
    }
    if (code !== 'check-failed') throw appendFailed(error);
    if (!isAlone && waitedMs > Math.min(togetherMsMax, waitMsMax / 2)) {
      // Those that come after them go on meanwhile; the checks keep the order of each stream.
      for (const pending of batch) void this.#settle([pending], begunAt).catch(pending.reject);
      return true;
    }
    if (waitedMs <= waitMsMax) return false;
    if ((await Promise.all(batch.map((pending) => this.#mayBeWritten(pending)))).includes(true)) throw notYetNumbered(messageOf(error), error);
    throw new EventStoreError('event-store-unavailable', `the numbering is behind KurrentDB: ${messageOf(error)}. Potential solutions: see the log of the server that numbers; docs/how-to/kurrentdb.md`, { cause: error });
  }

  /** Whether the server has the command from an earlier attempt, or does not say. */
  async #mayBeWritten({ request: { commandId } }: Pending): Promise<boolean> {
    return this.#options.log.readStream(receiptStreamOf(commandId), 0, 1).then((receipt) => receipt.length > 0, () => true);
  }

  async #settleEach(batch: readonly Pending[]): Promise<void> {
    for (const pending of batch) await this.#settle([pending]).catch((error: unknown) => { pending.reject(error); });
  }

  /** Waits until every command that was sent is numbered, which it is for good. */
  async #numbered(requests: readonly AppendRequest[], { outcomes }: AppendPlan): Promise<ReadonlyMap<CommandId, AppendResult>> {
    const { numbering, wake, numberingTimeoutMs } = this.#options;
    const sent = requests.filter((_, i) => outcomes[i]?.kind === 'sent').map((r) => r.commandId);
    if (sent.length === 0) return new Map();
    const givenUpAt = performance.now() + numberingTimeoutMs;
    for (;;) {
      const ticket = wake.ticket;
      const found = await numbering.commands(sent).catch((cause: unknown) => { throw notYetNumbered(messageOf(cause), cause); });
      if (found.size === sent.length) return found;
      if (performance.now() > givenUpAt) throw notYetNumbered(`no number within ${numberingTimeoutMs} ms`);
      await wake.wait(ticket, neverAborted, lookMs);
    }
  }

  async #answer(batch: readonly Pending[], { outcomes }: AppendPlan, numbered: ReadonlyMap<CommandId, AppendResult>): Promise<void> {
    const firstSent = batch.map(({ request }) => numbered.get(request.commandId)).find((result) => result !== undefined);
    let head: Head = firstSent === undefined
      ? await this.#options.numbering.head()
      : { position: position(firstSent.first - 1), recordedAt: firstSent.recordedAt };
    for (const [i, { request, resolve, reject }] of batch.entries()) {
      const outcome = outcomes[i];
      const result = numbered.get(request.commandId);
      if (outcome?.kind === 'conflict') reject(outcome.conflict);
      else if (outcome?.kind === 'numbered') resolve(outcome.result);
      else if (outcome?.kind === 'holds') resolve(checkedAt(head, request));
      else if (result !== undefined) {
        if (outcome?.kind === 'sent') head = { position: result.last, recordedAt: result.recordedAt };
        resolve({ ...result, repeated: outcome?.kind !== 'sent' });
      }
    }
  }
}

const notYetNumbered = (why: string, cause?: unknown): EventStoreError => new EventStoreError(
  'append-outcome-unknown',
  `KurrentDB has the append, but it is not numbered yet: ${why}. Potential solutions: see whether a server can reach KurrentDB and PostgreSQL; send the same command again, it is carried out once`,
  { cause });

const checkedAt = (head: Head, request: AppendRequest): AppendResult => {
  const now = instantOfMs(Date.now());
  return {
    first: position(head.position + 1), last: head.position, recordedAt: head.recordedAt === null ? now : maxInstant(head.recordedAt, now),
    versions: new Map(), repeated: false, fingerprint: request.fingerprint ?? null,
  };
};
