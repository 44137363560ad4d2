import { cloudEvent, sequenceOf, type Message, type MessageFeed, type MessageSlice, type ReadMessages } from '@rectrail/messaging';
import type { FeedStarted } from '../openapi/answer-types.ts';
import { eventText, heartbeatMsDefault, heartbeatText, pause, retryText, type Ending } from './event-stream.ts';

/**
 * A message has the default name of an event, so that `onmessage` of a browser hears it; its id goes on behind it. Where one event makes several messages, the last of them has
 * the id: a reader who saw some of them gets them all again.
 */
const messageTexts = function* (messages: readonly Message[], source: string): Generator<string> {
  for (const [i, message] of messages.entries()) {
    const id = message.position === messages[i + 1]?.position ? '' : `id: ${sequenceOf(message.position)}\n`;
    yield `${id}data: ${JSON.stringify(cloudEvent(message, source))}\n\n`;
  }
};

export interface Following {
  readonly feed: MessageFeed;
  readonly options: ReadMessages;
  /** Aborted with the reason of the end. */
  readonly signal: AbortSignal;
  /** Throws where the reader may not hear any more; asked at every heartbeat, and before what a slow reader takes later than that. */
  readonly check: () => Promise<unknown>;
  readonly onMessages: (count: number) => void;
  /** The problem that a failure is told as. */
  readonly problemOf: (error: unknown) => unknown;
  /** Longest silence, and longest time between two checks, milliseconds; default 15,000. */
  readonly heartbeatMs?: number;
}

/**
 * The feed as server-sent events: `start`, then every message in order as far as it is read, until the reader goes or the server stops (`end`), or it fails (`problem`).
 * Where nothing was for this reader, a heartbeat's id tells how far the log was looked through.
 */
export const feedEvents = async function* (following: Following): AsyncGenerator<string> {
  const { feed, options, signal, check, onMessages, problemOf, heartbeatMs = heartbeatMsDefault } = following;
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const slices = feed.follow({ ...options, signal: either })[Symbol.asyncIterator]();
  const isOver = (): boolean => signal.aborted;
  const beatLater = (): Promise<null> => pause(heartbeatMs, either).then(() => null);
  let [told, scanned] = [options.after, options.after];
  let askedMs = performance.now();
  const ask = async (): Promise<void> => {
    await check();
    askedMs = performance.now();
  };
  const asking = async function* (texts: Iterable<string>): AsyncGenerator<string> {
    for (const text of texts) {
      if (performance.now() - askedMs > heartbeatMs) await ask();
      yield text;
    }
  };
  try {
    const source = await feed.source();
    const started: FeedStarted = { source, after: options.after, head: await feed.head() };
    yield `${retryText}${eventText('start', started, sequenceOf(options.after))}`;
    let [beat, next] = [beatLater(), slices.next()];
    while (!isOver()) {
      const slice: IteratorResult<MessageSlice> | null = await Promise.race([beat, next]);
      if (isOver() || slice?.done === true) break;
      if (slice === null) {
        await ask();
        beat = beatLater();
        yield scanned > told ? `id: ${sequenceOf(scanned)}\n\n` : heartbeatText;
        told = scanned;
      } else {
        const { messages, scannedTo } = slice.value;
        yield* asking(messageTexts(messages, source));
        onMessages(messages.length);
        scanned = scannedTo;
        told = messages.at(-1)?.position ?? told;
        next = slices.next();
      }
    }
    yield eventText('end', { reason: signal.reason as Ending }, sequenceOf(scanned));
  } catch (error) {
    yield eventText('problem', problemOf(error));
  } finally {
    ended.abort();
    await slices.return?.();
  }
};
