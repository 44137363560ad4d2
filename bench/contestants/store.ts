import { deriveEventId, newCommandId, type AppendRequest, type EventToAppend } from '@rectrail/event-store';
import { PostgresEventStore } from '@rectrail/event-store-postgres';
import { instantOfMs, position, streamId, streamVersion, type CommandId, type EventId, type StreamId } from '@rectrail/kernel';
import { benchCodec, payloadsOf, realFacts } from '../payloads.ts';
import { rotating, Turns, type Contestant, type Task, type Turn } from './contestant.ts';

interface Ids { readonly commandId: CommandId; readonly eventIds: readonly EventId[] }

const newIds = (events: number): Ids => {
  const commandId = newCommandId(instantOfMs(Date.now()));
  return { commandId, eventIds: Array.from({ length: events }, (_, i) => deriveEventId(commandId, i)) };
};

/** A content names its ids, so they are there before the content is: they are made outside the measured time. */
class IdSupply {
  readonly #events: number;
  #ready: Ids[] = [];
  #taken = 0;

  constructor(events: number) {
    this.#events = events;
  }

  /** Half as many again as the last run took. */
  refill(): void {
    const wanted = Math.max(Math.ceil(20_000 / this.#events), Math.ceil(this.#taken * 1.5));
    this.#taken = 0;
    while (this.#ready.length < wanted) this.#ready.push(newIds(this.#events));
  }

  take(): Ids {
    this.#taken += 1;
    return this.#ready.pop() ?? newIds(this.#events);
  }
}

const nameOf = ({ streams }: Task, stream: number): StreamId => streamId((typeof streams === 'object' ? streams[stream]?.id : undefined) ?? `issue-${stream}`);

const requestOf = (task: Task, ids: Ids, turns: readonly Turn[], eventOf: (ids: Ids, index: number) => EventToAppend): AppendRequest => {
  let index = 0;
  return {
    commandId: ids.commandId,
    entries: turns.map(({ stream, version, events }) => ({
      streamId: nameOf(task, stream), expectedVersion: version === null ? 'any' : streamVersion(version), events: Array.from({ length: events }, () => eventOf(ids, index++)),
    })),
  };
};

const eventIdAt = ({ eventIds }: Ids, index: number): EventId => {
  const eventId = eventIds[index];
  if (eventId === undefined) throw new RangeError(`the command has no event ${index}`);
  return eventId;
};

/** Appends of contents that are there as text, as the peers get theirs. */
export const openStore = async (task: Task): Promise<Contestant> => {
  const store = await PostgresEventStore.open({ connectionString: task.url });
  const turns = new Turns(task);
  const next = rotating(payloadsOf(task.payload));
  const ids = new IdSupply(task.appendEvents);
  const eventOf = (of: Ids, index: number): EventToAppend => {
    const { type, content } = next();
    return { eventId: eventIdAt(of, index), type, content };
  };
  return {
    prepare: () => { ids.refill(); },
    call: async (caller) => {
      await store.append(requestOf(task, ids.take(), turns.of(caller), eventOf));
      return task.appendEvents;
    },
    close: () => store.close(),
  };
};

/** The same with all that a command's facts go through before: ids, schema, salt, canonical JSON. */
export const openStoreWithCodec = async (task: Task): Promise<Contestant> => {
  const store = await PostgresEventStore.open({ connectionString: task.url });
  const turns = new Turns(task);
  const codec = benchCodec();
  const next = rotating(realFacts());
  const eventOf = (of: Ids, index: number): EventToAppend => codec.encode({ ...next(), eventId: eventIdAt(of, index), commandId: of.commandId, correlationId: of.commandId });
  return {
    call: async (caller) => {
      await store.append(requestOf(task, newIds(task.appendEvents), turns.of(caller), eventOf));
      return task.appendEvents;
    },
    close: () => store.close(),
  };
};

/** Reads and decodes the log page by page and begins anew at its end; each position once and in order. */
export const openStoreReader = async (task: Task): Promise<Contestant> => {
  const store = await PostgresEventStore.open({ connectionString: task.url });
  const codec = benchCodec();
  let after = position(0);
  return {
    call: async () => {
      const { events } = await store.readAll({ after });
      let expected = after;
      for (const stored of events) {
        const fact = codec.decode(stored);
        expected = position(expected + 1);
        if (fact.position !== expected) throw new Error(`position ${fact.position} was read where ${expected} was due`);
      }
      after = events.length === 0 ? position(0) : expected;
      return events.length;
    },
    close: () => store.close(),
  };
};

/** Reads and decodes one known stream after another, each whole, as a command does before it decides. */
export const openStreamReader = async ({ url, streams }: Task): Promise<Contestant> => {
  const store = await PostgresEventStore.open({ connectionString: url });
  const codec = benchCodec();
  const next = rotating(typeof streams === 'object' ? streams : []);
  return {
    call: async () => {
      const { id, version } = next();
      const { events } = await store.readStream(streamId(id));
      const facts = events.map((stored) => codec.decode(stored));
      if (facts.length !== version) throw new Error(`stream ${id} has ${facts.length} events, not ${version}`);
      return facts.length;
    },
    close: () => store.close(),
  };
};
