import { instantOfMs, position, streamVersion, type CommandId, type StreamId, type StreamVersion } from '@rectrail/kernel';
import { ExpectedVersionConflict, type AppendEntry, type AppendRequest, type AppendResult, type ExpectedVersion } from '@rectrail/event-store';
import { int4Array, textArray, uuidArray } from './binary-arrays.ts';

interface KnownStream { readonly no: number; readonly version: number }

/** Streams to which this process has appended: their number, and a version that they surely have reached. The one used longest ago goes first. */
export class KnownStreams {
  readonly #known = new Map<StreamId, KnownStream>();

  get(id: StreamId): KnownStream | null {
    return this.#known.get(id) ?? null;
  }

  set(id: StreamId, stream: KnownStream): void {
    this.#known.delete(id);
    if (this.#known.size >= knownStreamsMax) for (const oldest of this.#known.keys()) { this.#known.delete(oldest); break; }
    this.#known.set(id, stream);
  }

  clear(): void {
    this.#known.clear();
  }
}

/** About 30 MB in one process. */
const knownStreamsMax = 200_000;
const any = -1;

/** `any` stands as −1 on the wire. */
export const expectedNumber = (expected: ExpectedVersion): number => (expected === 'any' ? any : expected === 'none' ? 0 : expected);

/** The command of a part; null for a part of a large append that is not its last. `eventsBefore` were written by the parts before. */
export interface PartCommand { readonly commandId: CommandId; readonly fingerprint: string | null; readonly eventsBefore: number }
export interface BatchPart { readonly entries: readonly AppendEntry[]; readonly command: PartCommand | null }

interface BatchStream { readonly id: StreamId; expected: number; events: number }
interface PlacedPart { readonly first: number; readonly last: number; readonly entries: readonly { readonly stream: number; readonly eventsSoFar: number }[] }

/**
 * What `append_batch` takes: each stream once with the version that all parts expect it to have before the batch, and each
 * event with its distance from there. Null where the parts contradict each other, so that they must go one by one.
 */
export class Batch {
  readonly streams: BatchStream[] = [];
  readonly parts: PlacedPart[] = [];
  readonly #indexes = new Map<StreamId, number>();
  readonly #eventStreams: number[] = [];
  readonly #eventDeltas: number[] = [];
  readonly #types: string[] = [];
  readonly #contents: string[] = [];
  readonly #commands: PartCommand[] = [];
  readonly #firsts: number[] = [];
  readonly #lasts: number[] = [];

  static of(parts: readonly BatchPart[]): Batch | null {
    const batch = new Batch();
    return parts.every((part) => batch.#add(part)) ? batch : null;
  }

  params(known: KnownStreams, recordedMs: number | null): unknown[] {
    const nos = this.streams.map((s) => known.get(s.id)?.no ?? null);
    const fingerprints = this.#commands.map((c) => c.fingerprint);
    return [
      int4Array(nos), nos.includes(null) ? textArray(this.streams.map((s, i) => (nos[i] === null ? s.id : null))) : null, int4Array(this.streams.map((s) => s.expected)),
      int4Array(this.#eventStreams), int4Array(this.#eventDeltas), textArray(this.#types), textArray(this.#contents),
      uuidArray(this.#commands.map((c) => c.commandId)), int4Array(this.#firsts), int4Array(this.#lasts),
      fingerprints.every((f) => f === null) ? null : textArray(fingerprints), recordedMs,
    ];
  }

  /** The result of each part, given where the batch was put and which versions its streams had before. */
  results(headBefore: number, recordedMs: number, versionsBefore: readonly number[]): AppendResult[] {
    const recordedAt = instantOfMs(recordedMs);
    return this.parts.map(({ first, last, entries }, i) => ({
      first: position(headBefore + first),
      last: position(headBefore + last),
      recordedAt,
      versions: new Map(entries.map(({ stream, eventsSoFar }) => [this.#stream(stream).id, streamVersion((versionsBefore[stream] ?? 0) + eventsSoFar)])),
      repeated: false,
      fingerprint: this.#commands[i]?.fingerprint ?? null,
    }));
  }

  #stream(index: number): BatchStream {
    const stream = this.streams[index];
    if (stream === undefined) throw new Error(`the batch has no stream ${index}`);
    return stream;
  }

  #indexOf(id: StreamId): number {
    const known = this.#indexes.get(id);
    if (known !== undefined) return known;
    this.#indexes.set(id, this.streams.length);
    return this.streams.push({ id, expected: any, events: 0 }) - 1;
  }

  #add({ entries, command }: BatchPart): boolean {
    const first = this.#types.length + 1;
    const placed: { stream: number; eventsSoFar: number }[] = [];
    for (const entry of entries) {
      if (entry.events.length === 0 && entry.expectedVersion === 'any') continue;
      const index = this.#indexOf(entry.streamId);
      const stream = this.#stream(index);
      if (!expectBefore(stream, expectedNumber(entry.expectedVersion))) return false;
      for (const event of entry.events) {
        stream.events += 1;
        this.#eventStreams.push(index + 1);
        this.#eventDeltas.push(stream.events);
        this.#types.push(event.type);
        this.#contents.push(event.content);
      }
      if (entry.events.length > 0) placed.push({ stream: index, eventsSoFar: stream.events });
    }
    const last = this.#types.length;
    this.parts.push({ first, last, entries: placed });
    if (command !== null && last >= first) {
      this.#commands.push(command);
      this.#firsts.push(first - command.eventsBefore);
      this.#lasts.push(last);
    }
    return true;
  }
}

/** What an expectation says of the version before the batch, in which the stream may have got events of earlier parts. */
const expectBefore = (stream: BatchStream, expected: number): boolean => {
  if (expected === any) return true;
  const before = expected - stream.events;
  if (before < 0 || (stream.expected !== any && stream.expected !== before)) return false;
  stream.expected = before;
  return true;
};

/** The parameters of `append_each`. */
export const eachParams = (requests: readonly AppendRequest[]): unknown[] => {
  const entries = requests.flatMap((r, i) => r.entries.map((entry) => ({ append: i + 1, entry })));
  const events = requests.flatMap((r, i) => r.entries.flatMap((entry, e) => entry.events.map((event, d) => ({ append: i + 1, entry: e + 1, delta: d + 1, event }))));
  return [
    uuidArray(requests.map((r) => r.commandId)), textArray(requests.map((r) => r.fingerprint ?? null)),
    int4Array(entries.map((e) => e.append)), textArray(entries.map((e) => e.entry.streamId)), int4Array(entries.map((e) => expectedNumber(e.entry.expectedVersion))),
    int4Array(entries.map((e) => e.entry.events.length)),
    int4Array(events.map((e) => e.append)), int4Array(events.map((e) => e.entry)), int4Array(events.map((e) => e.delta)),
    textArray(events.map((e) => e.event.type)), textArray(events.map((e) => e.event.content)),
  ];
};

/** A row of `append_each`: outcome, first, last, recorded_ms, versions before, number of the entry in conflict. */
export type EachRow = readonly [outcome: string, first: number, last: number, recordedMs: number, versions: readonly number[], entry: number | null];

/** The result of one append of `append_each`, its conflict, or null where it is a repeated one. */
export const eachOutcome = (request: AppendRequest, row: EachRow): AppendResult | ExpectedVersionConflict | null => {
  const [outcome, first, last, recordedMs, versions, conflicting] = row;
  if (outcome === 'repeated') return null;
  if (outcome === 'conflict' && conflicting !== null) {
    const entry = request.entries[conflicting - 1];
    if (entry === undefined) throw new Error(`the append has no entry ${conflicting}`);
    return new ExpectedVersionConflict(entry.streamId, entry.expectedVersion, streamVersion(versions[conflicting - 1] ?? 0));
  }
  const after = request.entries.flatMap((entry, i): [StreamId, StreamVersion][] =>
    entry.events.length === 0 ? [] : [[entry.streamId, streamVersion((versions[i] ?? 0) + entry.events.length)]]);
  return { first: position(first), last: position(last), recordedAt: instantOfMs(recordedMs), versions: new Map(after), repeated: false, fingerprint: request.fingerprint ?? null };
};
