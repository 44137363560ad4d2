import { setTimeout as sleep } from 'node:timers/promises';
import { EventStoreError, type StoredEvent } from '@rectrail/event-store';
import { instantOfMs } from '@rectrail/kernel';
import { KurrentLogError, type KurrentLog, type LogRecord } from './kurrent-log.ts';
import type { NumberedEvent } from './numbering.ts';
import { onlyEventStreams, streamNameOf } from './stream-names.ts';

/** Requests under way at once for one read. */
const requestsMax = 8;
/** Events asked of the server at once; a page of it has to fit into memory beside the answer. */
const readEventsMax = 1_000;
/** A page whose events lie closer than this many to one is read as a stretch of the log, others stream by stream. */
const denseUpTo = 4;
/** Between two reads of what is numbered and does not come: the node that answers may be behind the one that was numbered from. */
const retryMs = [20, 100, 500] as const;

/** Versions of one stream that follow each other. */
interface Run { readonly stream: string; readonly from: number; readonly count: number }

const runsOf = (events: readonly NumberedEvent[]): readonly Run[] => {
  const byStream = Map.groupBy(events, (e) => e.streamId);
  return [...byStream].flatMap(([id, ofStream]) => {
    const stream = streamNameOf(id);
    const versions = ofStream.map((e) => e.streamVersion).sort((a, b) => a - b);
    const runs: Run[] = [];
    for (const version of versions) {
      const last = runs.at(-1);
      if (last !== undefined && last.from + last.count === version - 1 && last.count < readEventsMax) runs[runs.length - 1] = { ...last, count: last.count + 1 };
      else runs.push({ stream, from: version - 1, count: 1 });
    }
    return runs;
  });
};

const textOf = (data: Uint8Array): string => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8');

/** Brings the contents of numbered events from the server. Rejects with EventStoreError `event-store-unavailable`, also where the server no longer has one. */
export class LogContents {
  readonly #log: KurrentLog;

  constructor(log: KurrentLog) {
    this.#log = log;
  }

  async read(events: readonly NumberedEvent[]): Promise<readonly StoredEvent[]> {
    try {
      const contents = new Map<string, string>();
      const missing = (): readonly NumberedEvent[] => events.filter((e) => !contents.has(e.eventId));
      const keep = (records: readonly LogRecord[]): void => { for (const { eventId, data } of records) contents.set(eventId, textOf(data)); };
      await this.#stretch(events.toSorted((a, b) => a.position - b.position), keep);
      for (const ms of [0, ...retryMs]) {
        if (missing().length === 0) break;
        if (ms > 0) await sleep(ms);
        await this.#runs(runsOf(missing()), keep);
      }
      return events.map((event) => stored(event, contents.get(event.eventId)));
    } catch (cause) {
      if (!(cause instanceof KurrentLogError)) throw cause;
      throw new EventStoreError('event-store-unavailable', `KurrentDB cannot be read: ${cause.message}. Potential solutions: see whether it can be reached; docs/how-to/kurrentdb.md`, { cause });
    }
  }

  /** Events, in the order of positions, that lie close together: by pages of the log. What a page does not bring is brought stream by stream. */
  async #stretch(events: readonly NumberedEvent[], keep: (records: readonly LogRecord[]) => void): Promise<void> {
    const [first, last] = [events[0], events.at(-1)];
    if (first === undefined || last === undefined || events.length < 3 || last.position - first.position >= denseUpTo * events.length) return;
    for (let i = 0; i < events.length;) {
      const from = events[i];
      if (from === undefined) return;
      const end = Math.min(from.position + readEventsMax - 1, last.position);
      keep(await this.#log.readAll({ from: from.logPosition, count: end - from.position + 1, filter: { streamPattern: onlyEventStreams } }));
      while (i < events.length && (events[i]?.position ?? 0) <= end) i += 1;
    }
  }

  async #runs(runs: readonly Run[], keep: (records: readonly LogRecord[]) => void): Promise<void> {
    const waiting = [...runs];
    await Promise.all(Array.from({ length: Math.min(requestsMax, runs.length) }, async () => {
      for (let run = waiting.pop(); run !== undefined; run = waiting.pop()) keep(await this.#log.readStream(run.stream, run.from, run.count));
    }));
  }
}

const stored = ({ position, recordedMs, streamId, streamVersion, type, eventId }: NumberedEvent, content: string | undefined): StoredEvent => {
  if (content === undefined) {
    throw new EventStoreError('event-store-unavailable', `KurrentDB no longer has event ${eventId} (position ${position}, version ${streamVersion} of stream ${streamId}). Potential solutions: undo what deleted or truncated the stream, or restore the server's backup; docs/how-to/kurrentdb.md`);
  }
  return { position, recordedAt: instantOfMs(recordedMs), streamId, streamVersion, type, content };
};
