import { readFile } from 'node:fs/promises';
import type { AppendRequest, EventToAppend } from '@rectrail/event-store';
import type { RecordedEvent } from '@rectrail/generator';
import { streamId, streamVersion, type CommandId, type EventId } from '@rectrail/kernel';

/** An event of the tail of a history, as a line of its file holds it. */
type TailEvent = readonly [commandId: CommandId, streamId: string, streamVersion: number, type: string, content: string];

export const tailLine = ({ commandId, streamId: id, streamVersion: version, type, content }: Omit<RecordedEvent, 'position' | 'recordedAt'>): string =>
  `${JSON.stringify([commandId, id, version, type, content] satisfies TailEvent)}\n`;

const eventOf = ([, , , type, content]: TailEvent): EventToAppend => ({ eventId: (JSON.parse(content) as { eventId: EventId }).eventId, type, content });

const requestOf = (commandId: CommandId, events: readonly TailEvent[]): AppendRequest => ({
  commandId,
  entries: [...Map.groupBy(events, ([, id]) => id)].map(([id, ofStream]) => ({
    streamId: streamId(id), expectedVersion: streamVersion((ofStream[0]?.[2] ?? 1) - 1), events: ofStream.map(eventOf),
  })),
});

/** An append, and where in the text the next begins. */
export interface TailRequest { readonly request: AppendRequest; readonly end: number }

/** What a tail tells, append by append, as the commands of the history made them. */
export function* tailRequests(text: string, from: number): Generator<TailRequest, void, void> {
  let events: TailEvent[] = [];
  for (let at = from; at < text.length;) {
    const end = text.indexOf('\n', at);
    const event = JSON.parse(text.slice(at, end)) as TailEvent;
    const commandId = events[0]?.[0];
    if (commandId !== undefined && commandId !== event[0]) {
      yield { request: requestOf(commandId, events), end: at };
      events = [];
    }
    events.push(event);
    at = end + 1;
  }
  if (events[0] !== undefined) yield { request: requestOf(events[0][0], events), end: text.length };
}

/** A string of V8 holds half a gibibyte; a longer tail is taken up to there. */
const tailBytesMax = 500_000_000;

/** The text of a tail, whole lines. */
export const readTail = async (file: string): Promise<string> => {
  const bytes = await readFile(file);
  return bytes.toString('utf8', 0, bytes.length <= tailBytesMax ? bytes.length : bytes.lastIndexOf('\n', tailBytesMax) + 1);
};

/** The first events of a history, whole commands, and then the rest; a batch holds whole commands. */
export class SplitHistory {
  readonly #batches: Iterator<readonly RecordedEvent[]>;
  #rest: readonly RecordedEvent[] = [];

  constructor(batches: Iterable<readonly RecordedEvent[]>) {
    this.#batches = batches[Symbol.iterator]();
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what loads a history takes what is made elsewhere, too
  async *head(events: number, onBatch: (done: number) => void): AsyncGenerator<readonly RecordedEvent[], void, void> {
    let done = 0;
    for (let next = this.#batches.next(); next.done !== true; next = this.#batches.next()) {
      const batch = next.value;
      const wanted = events - done;
      const cut = wanted > batch.length ? batch.length : batch.findIndex((event, i) => i >= wanted && event.commandId !== batch[i - 1]?.commandId);
      const head = cut === -1 ? batch : batch.slice(0, cut);
      done += head.length;
      yield head;
      onBatch(done);
      if (done < events) continue;
      this.#rest = batch.slice(head.length);
      return;
    }
  }

  *tail(): Generator<readonly RecordedEvent[], void, void> {
    yield this.#rest;
    for (let next = this.#batches.next(); next.done !== true; next = this.#batches.next()) yield next.value;
  }
}
