import { contentIds, contentType, type LogEntry } from '@rectrail/audit';
import { contentPurged, deriveEventId, hashedUuid } from '@rectrail/event-store';
import type { CommandId } from '@rectrail/kernel';

/** A command of which something is left, and how many events it has at most: what is known of it, and the purged ones beside and between. */
interface KnownCommand { readonly id: string; eventsMax: number }

/** A content that is gone, between the commands of those next to it that are known; `eventId` as its `ContentPurged` says. */
interface PurgedContent { readonly before: KnownCommand | null; after: KnownCommand | null; eventId: string | null }

/** An event's id begins with the time of its command. */
const timeDigits = 13;

const isOf = ({ id, eventsMax }: KnownCommand, eventId: string): boolean => {
  if (id.slice(0, timeDigits) !== eventId.slice(0, timeDigits)) return false;
  // It was proved a UUID when the log was verified.
  for (let index = 0; index < eventsMax; index += 1) if (deriveEventId(id as CommandId, index) === eventId) return true;
  return false;
};

const commandOf = ({ before, after, eventId }: PurgedContent): string | null => {
  if (before !== null && before === after) return before.id;
  return eventId === null ? null : [before, after].find((one) => one !== null && isOf(one, eventId))?.id ?? null;
};

/** Of which commands the purged events of a log were: their contents said so, and are gone; the ids of the events are kept by what purged them. */
export class PurgedCommands {
  readonly #purged = new Map<number, PurgedContent>();
  #last: KnownCommand | null = null;
  /** Those behind the last event whose command is known. */
  #waiting: PurgedContent[] = [];

  /** Every event, in order. */
  add(entries: readonly LogEntry[]): void {
    for (const { position, content } of entries) {
      if (content === null) this.#addPurged(position);
      else this.#addKnown(content);
    }
  }

  /** By position. That of a command of which nothing is left is one that nobody ever gave. */
  of(logId: string): ReadonlyMap<number, string> {
    const commands = new Map<number, string>();
    let lost: { readonly last: number; readonly time: string; readonly id: string } | null = null;
    for (const [position, purged] of this.#purged) {
      const known = commandOf(purged);
      const time = purged.eventId?.slice(0, timeDigits) ?? '';
      const id: string = known ?? (lost?.last === position - 1 && lost.time === time ? lost.id : hashedUuid('rectrail.purged-command/1', logId, String(position)));
      lost = known === null ? { last: position, time, id } : null;
      commands.set(position, id);
    }
    return commands;
  }

  #addPurged(position: number): void {
    const purged: PurgedContent = { before: this.#last, after: null, eventId: null };
    this.#purged.set(position, purged);
    this.#waiting.push(purged);
    if (this.#last !== null) this.#last.eventsMax += 1;
  }

  #addKnown(content: Buffer): void {
    const text = content.toString('latin1');
    const id = contentIds(text)?.commandId ?? '';
    if (this.#last?.id !== id) this.#last = { id, eventsMax: this.#waiting.length };
    this.#last.eventsMax += 1;
    for (const purged of this.#waiting) purged.after = this.#last;
    this.#waiting = [];
    if (contentType(text) === contentPurged) this.#name(content);
  }

  /** Keeps the id that a `ContentPurged` gives for what it names. */
  #name(content: Buffer): void {
    const { data: { position, eventId } } = JSON.parse(content.toString('utf8')) as { readonly data: { readonly position: number; readonly eventId?: unknown } };
    const purged = this.#purged.get(position);
    if (purged !== undefined && typeof eventId === 'string') purged.eventId = eventId;
  }
}
