import { mkdir, open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { GrowingTree, treeHashBytes, type Frontier, type TreeHash } from '@rectrail/transparency';
import { BundleError, bundleFormat, eventsPerFile, fileNames, manifestName, entriesIn, type BundleManifest, type BundlePart } from './bundle-format.ts';
import { manifestBytesMax, readIfThere, sha256OfFile } from './bundle.ts';
import { contentType, purgeOf, sha256OfBytes, type LogEntry } from './entry.ts';

/** What an export is of, fixed when it is begun. */
export interface BundleHeader extends Pick<BundleManifest, 'logId' | 'after' | 'last' | 'audience' | 'keys' | 'checkpoints'> {
  readonly frontier: Frontier;
}

/** Written while an export is under way, one line a finished part; gone once the manifest is there. */
const progressName = 'export.ndjson';

/** Contents that are not public: whoever exports them hands them on on purpose. */
const [directoryMode, fileMode] = [0o700, 0o600];

/** Puts a whole file in the place of what is there, so that it is still whole after a loss of power. */
export type ReplaceFile = (file: string, bytes: string | Uint8Array, mode: number) => Promise<void>;

/** Of a part: how many contents are withheld, positions of those that are purged, and of those that its events say were purged. */
interface Lacks { readonly withheld: number; readonly purged: readonly number[]; readonly named: readonly number[] }
interface Progress { readonly part: BundlePart; readonly lacks: Lacks }

const lacksIn = (entries: readonly LogEntry[]): Lacks => ({
  withheld: entries.filter(({ lacks }) => lacks === 'withheld').length,
  purged: entries.filter(({ lacks }) => lacks === 'purged').map(({ position }) => position),
  named: entries.flatMap(({ content }) => {
    const target = content === null ? null : purgeOf(contentType(content.toString('latin1')), content);
    return target === null ? [] : [target.position];
  }),
});

const progressLine = (progress: Progress): string => `${JSON.stringify(progress)}\n`;
const headerLine = ({ frontier, ...rest }: BundleHeader): string => `${JSON.stringify({ ...rest, frontier: frontier.hashes.map((hash) => hash.toString('hex')) })}\n`;

/** Lines that were written whole. */
const wholeLines = (text: string): readonly string[] => text.split('\n').slice(0, -1);

/** Our own file: a line that is none of ours ends what is gone on from. */
const progressOf = (lines: readonly string[]): readonly Progress[] => {
  const parts: Progress[] = [];
  for (const line of lines) {
    try {
      parts.push(JSON.parse(line) as Progress);
    } catch {
      break;
    }
  }
  return parts;
};

/**
 * Writes a bundle part by part. One that was killed is gone on with: finished files are kept where they are what was written, and what the export is of stays what it was.
 */
export class BundleWriter {
  readonly #directory: string;
  readonly #tree: GrowingTree;
  readonly #done: Progress[] = [];
  readonly #replaceFile: ReplaceFile;
  #header: BundleHeader;
  #progress: FileHandle | null = null;

  private constructor(directory: string, header: BundleHeader, replaceFile: ReplaceFile) {
    [this.#directory, this.#header, this.#replaceFile, this.#tree] = [directory, header, replaceFile, new GrowingTree(header.frontier)];
  }

  /** What an unfinished export in this directory is of; null where there is none. @throws BundleError where a finished one is there */
  static async unfinished(directory: string): Promise<Omit<BundleHeader, 'frontier'> | null> {
    if (await readIfThere(join(directory, manifestName), manifestBytesMax) !== null) throw new BundleError(`${directory} holds a finished bundle. Potential solutions: another directory`);
    const text = await readIfThere(join(directory, progressName), manifestBytesMax);
    const [first] = text === null ? [] : wholeLines(text.toString('utf8'));
    return first === undefined ? null : JSON.parse(first) as Omit<BundleHeader, 'frontier'>;
  }

  static async begin(directory: string, header: BundleHeader, replaceFile: ReplaceFile): Promise<BundleWriter> {
    for (const name of ['events', 'leaves']) await mkdir(join(directory, name), { recursive: true, mode: directoryMode });
    const [first, ...rest] = wholeLines((await readIfThere(join(directory, progressName), manifestBytesMax))?.toString('utf8') ?? '');
    const writer = new BundleWriter(directory, header, replaceFile);
    if (first !== undefined && `${first}\n` === headerLine(header)) {
      for (const progress of progressOf(rest)) if (!(await writer.#keep(progress))) break;
    }
    await writer.#writeProgress();
    return writer;
  }

  /** The events so far. */
  get position(): number {
    return this.#tree.size;
  }

  get root(): TreeHash {
    return this.#tree.root;
  }

  get header(): BundleHeader {
    return this.#header;
  }

  /** Contents that are gone though no event so far says so: they were purged while this was written, by an event behind its end. Unknown, and none, where contents are withheld. */
  get unnamedPurges(): readonly number[] {
    if (this.#done.some(({ lacks }) => lacks.withheld > 0)) return [];
    const named = new Set(this.#done.flatMap(({ lacks }) => lacks.named));
    return this.#done.flatMap(({ lacks }) => lacks.purged).filter((position) => !named.has(position));
  }

  /** It is to go as far as a later checkpoint, of `last` events. */
  async goOnTo(last: number, checkpoint: string): Promise<void> {
    this.#header = { ...this.#header, last, checkpoints: [...this.#header.checkpoints, checkpoint] };
    await this.#writeProgress();
  }

  /**
   * The next events, as the server sent them: lines of at most `eventsPerFile` events.
   *
   * @throws BundleError where they are not those that come next, or a content is not that of its leaf; nothing is written then
   */
  async add(lines: Buffer): Promise<void> {
    const first = this.position + 1;
    const bytes = Buffer.from(lines);
    const { entries, finding } = entriesIn(lines, this.#header.logId, first);
    if (finding !== null) throw new BundleError(`what came of the server is no part of this log: ${finding.detail}`);
    const wrong = entries.find(({ position }, i) => position !== first + i);
    if (wrong !== undefined || entries.length === 0 || entries.length > eventsPerFile) {
      throw new BundleError(`the server sent ${wrong === undefined ? `${entries.length} events` : `the event at ${wrong.position}`}, expected those from ${first} on`);
    }
    const last = first + entries.length - 1;
    const names = fileNames(first);
    const leaves = Buffer.concat(entries.map(({ leafHash: hash }) => hash));
    await Promise.all([this.#write(names.events, bytes), this.#write(names.leaves, leaves)]);
    const part: BundlePart = {
      first, last,
      events: { name: names.events, bytes: bytes.length, sha256: sha256OfBytes(bytes) },
      leaves: { name: names.leaves, bytes: leaves.length, sha256: sha256OfBytes(leaves) },
    };
    const progress: Progress = { part, lacks: lacksIn(entries) };
    await this.#progress?.appendFile(progressLine(progress));
    await this.#progress?.sync();
    this.#take(progress, leaves);
  }

  /** The manifest comes last: without it the directory is no bundle. */
  async finish(): Promise<BundleManifest> {
    const { frontier, ...header } = this.#header;
    const lacks = this.#done.map((progress) => progress.lacks);
    if (this.position !== header.last) throw new BundleError(`the export has the events to ${this.position}, and is of ${header.last}`);
    const manifest: BundleManifest = {
      format: bundleFormat, ...header, frontier: frontier.hashes.map((hash) => hash.toString('hex')), withheld: lacks.reduce((sum, { withheld }) => sum + withheld, 0),
      purged: lacks.reduce((sum, { purged }) => sum + purged.length, 0), parts: this.#done.map(({ part }) => part),
    };
    await this.#write(manifestName, `${JSON.stringify(manifest, null, 1)}\n`);
    await this.close();
    await rm(join(this.#directory, progressName));
    return manifest;
  }

  /** What is finished stays; it can be gone on with. */
  async close(): Promise<void> {
    await this.#progress?.close();
    this.#progress = null;
  }

  /** What is to be gone on from, without what was not kept. */
  async #writeProgress(): Promise<void> {
    await this.close();
    await this.#write(progressName, [headerLine(this.#header), ...this.#done.map(progressLine)].join(''));
    this.#progress = await open(join(this.#directory, progressName), 'a');
  }

  #write(name: string, bytes: string | Uint8Array): Promise<void> {
    return this.#replaceFile(join(this.#directory, name), bytes, fileMode);
  }

  async #keep(progress: Progress): Promise<boolean> {
    const { part: { first, events, leaves } } = progress;
    const file = (name: string): string => join(this.#directory, name);
    if (first !== this.position + 1 || await sha256OfFile(file(events.name)) !== events.sha256 || await sha256OfFile(file(leaves.name)) !== leaves.sha256) return false;
    this.#take(progress, await readFile(file(leaves.name)));
    return true;
  }

  #take(progress: Progress, leaves: Buffer): void {
    for (let at = 0; at < leaves.length; at += treeHashBytes) this.#tree.append(leaves.subarray(at, at + treeHashBytes));
    this.#done.push(progress);
  }
}
