import { deriveEventId } from '@rectrail/event-store';
import type { CommandId } from '@rectrail/kernel';
import type { ContentIds } from './entry.ts';
import { finding, type Finding } from './findings.ts';
import { UuidTable, uuidChars } from './uuid-table.ts';

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
  readonly first: number;
  last: number;
  /** Events whose ids are those that come first of the command, in their order. */
  inOrder: number;
  /** From the first on that is another. */
  readonly others: { readonly id: string; readonly position: number }[];
  unknown: number;
}

const take = (run: OpenRun, position: number, id: string): void => {
  if (run.others.length === 0 && id === deriveEventId(run.commandId, run.inOrder)) run.inOrder += 1;
  else run.others.push({ id, position });
};

/** Whether each of the others is an id of the command that no event has yet; `unknown` events may have some of them. */
const wrongWith = ({ commandId, inOrder, others }: OpenRun, unknown: number): Finding | null => {
  if (others.length === 0) return null;
  const seen = new Set<string>(Array.from({ length: inOrder }, (_, index) => deriveEventId(commandId, index)));
  for (const { id, position } of others) {
    if (seen.has(id)) return finding('event-id-wrong', position, `event ${id} stands in the log twice`);
    seen.add(id);
  }
  const left = new Map(others.map(({ id, position }) => [id, position]));
  const count = inOrder + others.length;
  for (let index = inOrder; left.size > 0 && index < count + unknown; index += 1) left.delete(deriveEventId(commandId, index));
  const [wrong] = left;
  return wrong === undefined ? null : finding('event-id-wrong', wrong[1], `${wrong[0]} is no id of an event of command ${commandId}, which has ${count} here`);
};

/**
 * Checks that the events of a command stand together, that no command comes twice, and that the ids of its events are those that its id gives them, each once: so no event
 * stands in the log twice. Contents that lack may be of any command next to them.
 */
export class CommandRuns {
  readonly #seen = new UuidTable();
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
      run.last = position;
      take(run, position, eventId);
      return null;
    }
    const ended = this.end();
    if (ended !== null && 'code' in ended) return ended;
    const before = this.#seen.size;
    if (commandId.length !== uuidChars || this.#seen.place(commandId) < 0) return finding('event-id-wrong', position, 'the content names no command');
    if (this.#seen.size === before) return finding('command-repeated', position, `events of command ${commandId} stand further up, with others between them`);
    this.#run = { commandId: commandId as CommandId, first: position, last: position, inOrder: 0, others: [], unknown: this.#unknown };
    this.#unknown = 0;
    take(this.#run, position, eventId);
    return ended;
  }

  /** Ends the run at hand. `mayGoOn`: what follows is not there. */
  end(mayGoOn = false): Finding | CommandRun | null {
    const run = this.#run;
    if (run === null) return null;
    this.#run = null;
    const { commandId, first, last } = run;
    const unknown = mayGoOn ? eventsOfCommandMax : Math.min(run.unknown + this.#unknown, eventsOfCommandMax);
    return wrongWith(run, unknown) ?? { commandId, first, last, isWhole: unknown === 0 };
  }
}
