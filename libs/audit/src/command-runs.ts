import { deriveEventId } from '@rectrail/event-store';
import { isUuid, type CommandId } from '@rectrail/kernel';
import type { ContentIds } from './entry.ts';
import { finding, type Finding } from './findings.ts';
import { UuidSet } from './uuid-set.ts';

/** The largest append that any adapter takes: a command has no more events. */
const eventsOfCommandMax = 200_000;

/** Consecutive events of one command. */
export interface CommandRun {
  readonly commandId: string;
  readonly first: number;
  readonly last: number;
  /** Whether all of its events are known: none beside them or between them lacks its content. */
  readonly isWhole: boolean;
}

interface OpenRun {
  readonly commandId: CommandId;
  readonly ids: string[];
  readonly positions: number[];
  unknown: number;
}

/**
 * Checks that the events of a command stand together, that no command comes twice, and that the ids of its events are those that its id gives them, each once: so no event
 * stands in the log twice. Contents that lack may be of any command next to them.
 */
export class CommandRuns {
  readonly #seen = new UuidSet();
  #run: OpenRun | null = null;
  #unknown: number;

  /** `unknownBefore`: how many events lie before the first that is read. */
  constructor(unknownBefore = 0) {
    this.#unknown = Math.min(unknownBefore, eventsOfCommandMax);
  }

  get commands(): number {
    return this.#seen.size;
  }

  /** An event whose content is not there. */
  addUnknown(): void {
    this.#unknown = Math.min(this.#unknown + 1, eventsOfCommandMax);
  }

  /** What is wrong, or the run that it ends, if it ends one. */
  add(position: number, { eventId, commandId }: ContentIds): Finding | CommandRun | null {
    const run = this.#run;
    if (run?.commandId === commandId) {
      run.unknown += this.#unknown;
      this.#unknown = 0;
      run.ids.push(eventId);
      run.positions.push(position);
      return null;
    }
    const ended = this.end();
    if (ended !== null && 'code' in ended) return ended;
    if (!isUuid(commandId)) return finding('event-id-wrong', position, 'the content names no command');
    if (!this.#seen.add(commandId)) return finding('command-repeated', position, `events of command ${commandId} stand further up, with others between them`);
    this.#run = { commandId: commandId as CommandId, ids: [eventId], positions: [position], unknown: this.#unknown };
    this.#unknown = 0;
    return ended;
  }

  /** Ends the run at hand. `mayGoOn`: what follows is not there. */
  end(mayGoOn = false): Finding | CommandRun | null {
    const run = this.#run;
    if (run === null) return null;
    this.#run = null;
    const { commandId, ids, positions } = run;
    const unknown = mayGoOn ? eventsOfCommandMax : Math.min(run.unknown + this.#unknown, eventsOfCommandMax);
    const [first = 0] = positions;
    const left = new Set(ids);
    if (left.size < ids.length) {
      const twice = ids.findIndex((id, i) => ids.indexOf(id) !== i);
      return finding('event-id-wrong', positions[twice] ?? first, `event ${ids[twice]} stands in the log twice`);
    }
    for (let index = 0; left.size > 0 && index < ids.length + unknown; index += 1) left.delete(deriveEventId(commandId, index));
    const [wrong] = left;
    if (wrong !== undefined) return finding('event-id-wrong', positions[ids.indexOf(wrong)] ?? first, `${wrong} is no id of an event of command ${commandId}, which has ${ids.length} here`);
    return { commandId, first, last: positions.at(-1) ?? first, isWhole: unknown === 0 };
  }
}
