import type { PayloadName } from '../payloads.ts';

export type ContestantName = 'store' | 'store-encode' | 'store-read' | 'store-stream' | 'emmett' | 'raw' | 'raw-read';

/** A stream that is in the log when the row begins, and its version then. */
export interface KnownStream { readonly id: string; readonly version: number }

/** What one process of a contestant does. */
export interface Task {
  readonly contestant: ContestantName;
  readonly url: string;
  readonly payload: PayloadName;
  /** Of this process. */
  readonly callers: number;
  /** Of a contestant that needs one a caller. */
  readonly connections: number;
  /** Which of how many processes this is. */
  readonly processIndex: number;
  readonly processes: number;
  /** `hot`: one stream takes all; else so many new ones, or those known, each used by one caller alone, who so knows its version. */
  readonly streams: number | 'hot' | readonly KnownStream[];
  /** Events of one append: one, or hundreds in groups of `bulkGroup` a stream. */
  readonly appendEvents: number;
}

export interface Contestant {
  /** Answers the number of events that are surely stored, or were read and decoded. */
  call(caller: number): Promise<number>;
  /** Not measured: what stands ready before a run. */
  prepare?(): void;
  close(): Promise<void>;
}

/** Events that a bulk append writes into one stream: an issue with its measures and states. */
export const bulkGroup = 10;

/** Some events in a row of one stream. `version` is the stream's before them, null on the hot stream, where nobody knows it. */
export interface Turn { readonly stream: number; readonly version: number | null; readonly events: number }

/** Which stream comes next, and what version it has. Streams are dealt out to the callers of all processes. */
export class Turns {
  readonly #task: Task;
  readonly #callers: readonly { readonly streams: readonly number[]; readonly versions: number[]; next: number }[];

  constructor(task: Task) {
    this.#task = task;
    const all = task.callers * task.processes;
    const { streams } = task;
    const count = streams === 'hot' ? 0 : typeof streams === 'number' ? Math.max(streams, all) : streams.length;
    this.#callers = Array.from({ length: task.callers }, (_, caller) => {
      const own: number[] = [];
      for (let stream = caller * task.processes + task.processIndex; stream < count; stream += all) own.push(stream);
      return { streams: own, versions: own.map((stream) => (typeof streams === 'object' ? streams[stream]?.version : undefined) ?? 0), next: 0 };
    });
  }

  of(caller: number): readonly Turn[] {
    const turns: Turn[] = [];
    for (let left = this.#task.appendEvents; left > 0;) {
      const turn = this.#turn(caller, Math.min(left, this.#task.appendEvents === 1 ? 1 : bulkGroup));
      left -= turn.events;
      turns.push(turn);
    }
    return turns;
  }

  #turn(caller: number, events: number): Turn {
    if (this.#task.streams === 'hot') return { stream: 0, version: null, events };
    const own = this.#callers[caller];
    const index = own === undefined ? 0 : own.next % own.streams.length;
    const [stream, version] = [own?.streams[index], own?.versions[index]];
    if (own === undefined || stream === undefined || version === undefined) throw new RangeError(`caller ${caller} has no stream`);
    own.next += 1;
    own.versions[index] = version + events;
    return { stream, version, events };
  }
}

/** The next contents, one after another for all callers of the process. */
export const rotating = <T>(values: readonly T[]): (() => T) => {
  let next = 0;
  return () => {
    const value = values[next % values.length];
    if (value === undefined) throw new RangeError('nothing to take');
    next += 1;
    return value;
  };
};
