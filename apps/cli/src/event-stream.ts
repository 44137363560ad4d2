import { setTimeout as sleep } from 'node:timers/promises';

/** A server-sent event with its data, which are JSON; `id` null where it has none of its own. */
export interface ServerEvent { readonly id: string | null; readonly name: string; readonly data: unknown }

/** What the lines of a block come to; null for comments and settings alone. */
const eventOf = (block: string): ServerEvent | null => {
  const values = (field: string): readonly string[] => block.split('\n').filter((line) => line.startsWith(`${field}:`)).map((line) => line.slice(field.length + 1).replace(/^ /, ''));
  const data = values('data');
  return data.length === 0 ? null : { id: values('id').at(-1) ?? null, name: values('event').at(-1) ?? 'message', data: JSON.parse(data.join('\n')) };
};

/** How an event stream is opened behind an event (null: at its beginning), and which failures are answers, which no other attempt would change. */
export interface Resumable {
  readonly open: (after: string | null) => AsyncGenerator<ServerEvent>;
  readonly isRefusal: (error: unknown) => boolean;
  readonly retryMs: number;
  /** Attempts one after the other that bring nothing; default 5. */
  readonly attemptsMax?: number;
}

/**
 * The events of a stream up to its `end`, also across connections that break: it goes on behind the last event seen that has an id. False where it could not be taken up again.
 * What fails before the first such event is thrown.
 */
export const resumed = async function* ({ open, isRefusal, retryMs, attemptsMax = 5 }: Resumable): AsyncGenerator<ServerEvent, boolean> {
  let seen: string | null = null;
  const taken = async (events: AsyncGenerator<ServerEvent>): Promise<ServerEvent | null> => {
    try {
      const next: IteratorResult<ServerEvent, unknown> = await events.next();
      return next.done === true ? null : next.value;
    } catch (error) {
      if (seen === null || isRefusal(error)) throw error;
      return null;
    }
  };
  for (let attempts = attemptsMax; attempts > 0; attempts -= 1) {
    const events = open(seen);
    for (let event = await taken(events); event !== null; event = await taken(events)) {
      yield event;
      if (event.name === 'end') return true;
      [seen, attempts] = [event.id ?? seen, attemptsMax];
    }
    await sleep(retryMs);
  }
  return false;
};

/** The events of a text/event-stream as they come; what is cut off at its end is none. */
export const serverEvents = async function* (chunks: AsyncIterable<string>): AsyncGenerator<ServerEvent> {
  let rest = '';
  for await (const chunk of chunks) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = eventOf(block);
      if (event !== null) yield event;
    }
  }
};
