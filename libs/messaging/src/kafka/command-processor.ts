import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandGateway, CommandReply, CommandRequest, NotARequest, RecordPlace } from './command-gateway.ts';
import { deadLetterRecord, readCommandRecord, replyRecord, type ReceivedRecord } from './command-records.ts';
import type { OutgoingRecord } from './publisher.ts';

/** Keys whose commands run beside each other; the store puts their appends together. */
const lanesMax = 16;
/** A defect may be one of the moment; after some seven seconds the record is put aside, so that it does not hold up all others. */
const defectAttemptsMax = 8;
const retryMsMin = 100;
const retryMsMax = 2_000;

export type CommandRecordOutcome = 'accepted' | 'refused' | 'dead-lettered';

export interface CommandProcessorOptions {
  readonly gateway: CommandGateway;
  readonly repliesTopic: string;
  readonly deadLettersTopic: string;
  /** Largest value of a record, bytes. */
  readonly bytesMax: number;
  /** Told of every attempt that came to nothing. `willRetry` false: the record becomes a dead letter. */
  readonly onFailure: (error: unknown, place: RecordPlace, willRetry: boolean) => void;
  readonly nowMs: () => number;
  /** First pause before another attempt, ms; it doubles. Default 100. */
  readonly retryMs?: number;
}

/** A record and what came of it: its reply, or its dead letter. */
export interface ProcessedRecord { readonly outcome: CommandRecordOutcome; readonly send: OutgoingRecord }

const isReply = (answer: CommandReply | NotARequest): answer is CommandReply => 'status' in answer;

/** The records of each key, in order and with their indices; a record without a key is a lane of its own. */
const lanesOf = (records: readonly ReceivedRecord[]): Iterable<readonly (readonly [number, ReceivedRecord])[]> =>
  Map.groupBy(records.entries(), ([index, { key }]) => (key === null ? index : key.toString('latin1'))).values();

/** Records to replies and dead letters: each comes to exactly one of them, and those of one key are worked one after the other. */
export class CommandProcessor {
  readonly #options: CommandProcessorOptions;

  constructor(options: CommandProcessorOptions) {
    this.#options = options;
  }

  /**
   * What came of each record, in their order. Nothing is sent here: what was carried out and not sent is carried out again with the same answer.
   *
   * @throws the signal's reason once it aborts.
   */
  async process(records: readonly ReceivedRecord[], signal: AbortSignal): Promise<readonly ProcessedRecord[]> {
    const processed: ProcessedRecord[] = [];
    // One iterator for all: each worker takes the next lane that nobody has.
    const lanes = Iterator.from(lanesOf(records));
    const work = async (): Promise<void> => {
      for (const lane of lanes) for (const [index, record] of lane) processed[index] = await this.#processOne(record, signal);
    };
    await Promise.all(Array.from({ length: Math.min(lanesMax, records.length) }, work));
    return processed;
  }

  async #processOne(record: ReceivedRecord, signal: AbortSignal): Promise<ProcessedRecord> {
    const { repliesTopic, deadLettersTopic, bytesMax, nowMs } = this.#options;
    const request = readCommandRecord(record, bytesMax);
    const answer = 'reason' in request ? request : await this.#answer(request, signal);
    if (!isReply(answer)) return { outcome: 'dead-lettered', send: deadLetterRecord(deadLettersTopic, record, answer, nowMs()) };
    return { outcome: 'problem' in answer ? 'refused' : 'accepted', send: replyRecord(repliesTopic, record, answer) };
  }

  /** Tries for as long as the commands are away, and a defect a few times. */
  async #answer(request: CommandRequest, signal: AbortSignal): Promise<CommandReply | NotARequest> {
    const { gateway, onFailure, retryMs = retryMsMin } = this.#options;
    for (let [attempt, defects] = [0, 0]; ; attempt++) {
      signal.throwIfAborted();
      try {
        return await gateway.answer(request);
      } catch (error) {
        const isAway = error instanceof Error && 'code' in error && error.code === 'commands-unavailable';
        if (!isAway) defects++;
        onFailure(error, request.place, defects < defectAttemptsMax);
        if (defects === defectAttemptsMax) return { reason: 'internal', detail: 'the server could not carry it out; its log holds the cause under the place' };
      }
      await sleep(Math.min(retryMs * 2 ** attempt, retryMsMax), undefined, { signal });
    }
  }
}
