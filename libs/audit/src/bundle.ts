import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { GrowingTree, LogFormatError, parseCheckpointText, parseNote, treeHashBytes, type Frontier } from '@rectrail/transparency';
import { BundleError, entriesIn, manifestName, parseManifest, type BundleFile, type BundleManifest, type BundlePart, type EntriesRead } from './bundle-format.ts';
import { finding, type Finding } from './findings.ts';
import type { LogBatch, LogSource } from './log-source.ts';

const isMissing = (error: unknown): boolean => typeof error === 'object' && error !== null && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

/** What may stand where a file should: a pipe or a device has no end, and opening one must not wait. */
const openFlags = constants.O_RDONLY | constants.O_NONBLOCK;

/** Reads a plain file; null where none is there. */
const withFile = async <T>(file: string, read: (handle: FileHandle, bytes: number) => Promise<T>): Promise<T | null> => {
  let handle: FileHandle;
  try {
    handle = await open(file, openFlags);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  try {
    const found = await handle.stat();
    return found.isFile() ? await read(handle, found.size) : null;
  } finally {
    await handle.close();
  }
};

/** Null where no plain file is there, or one of more than `bytesMax`. */
export const readIfThere = (file: string, bytesMax: number): Promise<Buffer | null> =>
  withFile(file, async (handle, bytes) => (bytes > bytesMax ? null : handle.readFile()));

/** SHA-256 of a file of any size; null where no plain file is there. */
export const sha256OfFile = (file: string): Promise<string | null> => withFile(file, async (handle) => {
  const hash = createHash('sha256');
  for await (const chunk of handle.createReadStream({ highWaterMark: 1 << 20, autoClose: false })) hash.update(chunk as Buffer);
  return hash.digest('hex');
});

/** The size that a note claims, for its place among events; what is none is read first, and refused there. */
const claimedSize = (note: string): number => {
  try {
    return parseCheckpointText(parseNote(note).text).size;
  } catch (error) {
    if (error instanceof LogFormatError) return 0;
    throw error;
  }
};

/** As much more than the manifest says is read of a file, so that what was put in between is told by its place. */
const moreBytesMax = 32 << 20;
/** Of 10 million events it has some 2 MB. */
export const manifestBytesMax = 256 << 20;

/** Few enough that what is made of them is forgotten while it is young. */
const eventsOfBatch = 500;

/** A bundle in a directory (docs/reference/bundle.md), read file by file. */
export class Bundle implements LogSource {
  readonly manifest: BundleManifest;
  readonly mayTrail = false;
  readonly #directory: string;
  readonly #notes: readonly { readonly size: number; readonly note: string }[];
  /** Files that are not those that the manifest names, as far as they were looked at. */
  readonly #damaged = new Map<string, Finding>();

  private constructor(directory: string, manifest: BundleManifest) {
    [this.#directory, this.manifest] = [directory, manifest];
    this.#notes = manifest.checkpoints.map((note) => ({ size: claimedSize(note), note })).toSorted((a, b) => a.size - b.size);
  }

  /** @throws BundleError where there is none, or one that was not finished */
  static async open(directory: string): Promise<Bundle> {
    const text = await readIfThere(join(directory, manifestName), manifestBytesMax);
    if (text === null) throw new BundleError(`${directory} holds no ${manifestName}: it is no bundle, or one whose export was not finished`);
    return new Bundle(directory, parseManifest(text.toString('utf8')));
  }

  get logId(): string {
    return this.manifest.logId;
  }

  get after(): number {
    return this.manifest.after;
  }

  get last(): number {
    return this.manifest.last;
  }

  async frontier(size: number): Promise<Frontier> {
    const { after, frontier, parts } = this.manifest;
    if (size < after || size > this.last) throw new BundleError(`the bundle holds the events from ${after + 1} to ${this.last}: it does not go on from ${size}`);
    const tree = new GrowingTree({ size: after, hashes: frontier.map((hex) => Buffer.from(hex, 'hex')) });
    for (const { first, leaves } of parts) {
      if (first > size) break;
      const hashes = await this.#file(leaves);
      if (hashes === null) throw new BundleError(`${leaves.name} is missing, or not the file that the manifest names`);
      for (let at = 0; at + treeHashBytes <= hashes.length && tree.size < size; at += treeHashBytes) tree.append(hashes.subarray(at, at + treeHashBytes));
    }
    return tree.frontier;
  }

  async* batches(after: number): AsyncGenerator<LogBatch> {
    const parts = this.manifest.parts.filter(({ last }) => last > after);
    // The next file is read while one is being hashed.
    let next = parts[0] === undefined ? null : this.#read(parts[0]);
    for (const [i, part] of parts.entries()) {
      const read = await next;
      const following = parts[i + 1];
      next = following === undefined ? null : this.#read(following);
      // Whoever stops early leaves it unread.
      next?.catch(() => undefined);
      if (read !== null) yield* this.#batches(part, read, after);
    }
    if (parts.length === 0) yield { entries: [], hashes: null, notes: this.#notes.filter(({ size }) => size >= after).map(({ note }) => note) };
  }

  checkStretch(): Promise<readonly Finding[]> {
    return Promise.resolve([]);
  }

  /** Whether the files at hand are those that the export finished: says whether the bundle or the log was changed. */
  async check(position: number | null): Promise<readonly Finding[]> {
    const part = position === null ? undefined : this.manifest.parts.find(({ first, last }) => first <= position && position <= last);
    if (part !== undefined) {
      for (const { name, sha256 } of [part.events, part.leaves]) if (await sha256OfFile(join(this.#directory, name)) !== sha256) this.#damage(part, name);
    }
    return [...this.#damaged.values()];
  }

  #damage({ first, last }: Pick<BundlePart, 'first' | 'last'>, name: string): void {
    this.#damaged.set(name, finding('bundle-damaged', first, `${name} is not the file that the manifest names: the bundle was changed or copied wrongly`, last));
  }

  #file({ name, bytes }: BundleFile): Promise<Buffer | null> {
    return readIfThere(join(this.#directory, name), bytes + moreBytesMax);
  }

  async #read(part: BundlePart): Promise<{ readonly events: Buffer | null; readonly leaves: Buffer | null }> {
    const [events, leaves] = await Promise.all([this.#file(part.events), this.#file(part.leaves)]);
    if (events?.length !== part.events.bytes) this.#damage(part, part.events.name);
    if (leaves?.length !== part.leaves.bytes || leaves.length !== (part.last - part.first + 1) * treeHashBytes) this.#damage(part, part.leaves.name);
    return { events, leaves };
  }

  *#batches(part: BundlePart, { events, leaves }: { readonly events: Buffer | null; readonly leaves: Buffer | null }, after: number): Generator<LogBatch> {
    const { first, last, events: file } = part;
    const from = Math.max(first, after + 1);
    const hashes = leaves?.length === (last - first + 1) * treeHashBytes ? leaves.subarray((from - first) * treeHashBytes) : null;
    const isFirst = from === after + 1;
    // Earlier ones say nothing of what is read; one from before the bundle begins is refused.
    const isDue = (size: number): boolean => size >= from || (isFirst && (size === after || size < Math.max(this.after, 1)));
    const notes = this.#notes.filter(({ size }) => isDue(size) && (size <= last || last === this.last)).map(({ note }) => note);
    if (events === null) {
      yield { entries: [], hashes, notes, finding: finding('bundle-damaged', from, `${file.name} is missing, or much larger than the manifest says`, last) };
      return;
    }
    for (let [at, rest] = [first, events]; at <= last; at += eventsOfBatch) {
      const to = Math.min(at + eventsOfBatch - 1, last);
      const { entries, finding: unread, bytesRead } = this.#entries(rest, part, at, to);
      rest = rest.subarray(bytesRead);
      if (to < from && unread === null) continue;
      const begin = Math.max(at, from);
      // Behind what cannot be read, only the hashes go on.
      const kept = hashes?.subarray((begin - from) * treeHashBytes, unread === null ? (to + 1 - from) * treeHashBytes : undefined) ?? null;
      yield { entries: entries.slice(begin - at), hashes: kept, notes: begin === from ? notes : [], finding: unread };
      if (unread !== null) return;
    }
  }

  /** Those from `at` to `to` of a part, of which `rest` is not read yet. */
  #entries(rest: Buffer, { last, events: { name } }: BundlePart, at: number, to: number): EntriesRead {
    const count = to - at + 1;
    // One more than the last is looked for, and must not be there.
    const read = entriesIn(rest, this.logId, at, to === last ? count + 1 : count);
    const found = read.entries.length;
    const unread = found < count ? finding('event-missing', at + found, `${name} ends before the event at ${at + found}`)
      : found > count ? finding('position-out-of-order', last + 1, `${name} holds more events than the manifest says`) : null;
    return { ...read, entries: read.entries.slice(0, count), finding: read.finding ?? unread };
  }
}
