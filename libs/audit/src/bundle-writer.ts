import { open, mkdir, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GrowingTree, treeHashBytes, type Frontier, type TreeHash } from '@rectrail/transparency';
import { BundleError, bundleFormat, eventsPerFile, fileNames, manifestName, entriesIn, type BundleManifest, type BundlePart } from './bundle-format.ts';
import { readIfThere, sha256OfFile } from './bundle.ts';
import { sha256OfBytes } from './entry.ts';

/** What an export is of, fixed when it is begun. */
export interface BundleHeader extends Pick<BundleManifest, 'logId' | 'after' | 'last' | 'audience' | 'keys' | 'checkpoints'> {
  readonly frontier: Frontier;
}

/** Written while an export is under way, one line a finished part; gone once the manifest is there. */
const progressName = 'export.ndjson';

/** What is there is there after a power cut. */
const syncDirectory = async (directory: string): Promise<void> => {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Written beside and moved into place: a file of this name is a whole one. */
const writeWhole = async (file: string, bytes: string | Uint8Array): Promise<void> => {
  const beside = `${file}.part`;
  const handle = await open(beside, 'w');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(beside, file);
  await syncDirectory(dirname(file));
};

interface Lacks { readonly withheld: number; readonly purged: number }
interface Progress { readonly part: BundlePart; readonly lacks: Lacks }

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
  readonly header: BundleHeader;
  readonly #directory: string;
  readonly #progress: FileHandle;
  readonly #tree: GrowingTree;
  readonly #parts: BundlePart[] = [];
  #withheld = 0;
  #purged = 0;

  private constructor(directory: string, header: BundleHeader, progress: FileHandle) {
    [this.#directory, this.header, this.#progress, this.#tree] = [directory, header, progress, new GrowingTree(header.frontier)];
  }

  /** What an unfinished export in this directory is of; null where there is none. @throws BundleError where a finished one is there */
  static async unfinished(directory: string): Promise<Omit<BundleHeader, 'frontier'> | null> {
    if (await readIfThere(join(directory, manifestName)) !== null) throw new BundleError(`${directory} holds a finished bundle. Potential solutions: another directory`);
    const text = await readIfThere(join(directory, progressName));
    const [first] = text === null ? [] : wholeLines(text.toString('utf8'));
    return first === undefined ? null : JSON.parse(first) as Omit<BundleHeader, 'frontier'>;
  }

  static async begin(directory: string, header: BundleHeader): Promise<BundleWriter> {
    for (const name of ['events', 'leaves']) await mkdir(join(directory, name), { recursive: true });
    const file = join(directory, progressName);
    const [first, ...rest] = wholeLines((await readIfThere(file))?.toString('utf8') ?? '');
    if (first === undefined || `${first}\n` !== headerLine(header)) {
      await writeWhole(file, headerLine(header));
      rest.length = 0;
    }
    const writer = new BundleWriter(directory, header, await open(file, 'a'));
    for (const progress of progressOf(rest)) if (!(await writer.#keep(progress))) break;
    return writer;
  }

  /** The events so far. */
  get position(): number {
    return this.#tree.size;
  }

  get root(): TreeHash {
    return this.#tree.root;
  }

  /**
   * The next events, as the server sent them: lines of at most `eventsPerFile` events.
   *
   * @throws BundleError where they are not those that come next, or a content is not that of its leaf; nothing is written then
   */
  async add(lines: Buffer): Promise<void> {
    const first = this.position + 1;
    const bytes = Buffer.from(lines);
    const { entries, finding } = entriesIn(lines, this.header.logId, first);
    if (finding !== null) throw new BundleError(`what came of the server is no part of this log: ${finding.detail}`);
    const wrong = entries.find(({ position }, i) => position !== first + i);
    if (wrong !== undefined || entries.length === 0 || entries.length > eventsPerFile) {
      throw new BundleError(`the server sent ${wrong === undefined ? `${entries.length} events` : `the event at ${wrong.position}`}, expected those from ${first} on`);
    }
    const last = first + entries.length - 1;
    const names = fileNames(first);
    const leaves = Buffer.concat(entries.map(({ leafHash: hash }) => hash));
    await Promise.all([writeWhole(join(this.#directory, names.events), bytes), writeWhole(join(this.#directory, names.leaves), leaves)]);
    const part: BundlePart = {
      first, last,
      events: { name: names.events, bytes: bytes.length, sha256: sha256OfBytes(bytes) },
      leaves: { name: names.leaves, bytes: leaves.length, sha256: sha256OfBytes(leaves) },
    };
    const lacks = { withheld: entries.filter((entry) => entry.lacks === 'withheld').length, purged: entries.filter((entry) => entry.lacks === 'purged').length };
    await this.#progress.appendFile(`${JSON.stringify({ part, lacks } satisfies Progress)}\n`);
    await this.#progress.sync();
    this.#count({ part, lacks }, leaves);
  }

  /** The manifest comes last: without it the directory is no bundle. */
  async finish(): Promise<BundleManifest> {
    const { frontier, ...header } = this.header;
    if (this.position !== header.last) throw new BundleError(`the export has the events to ${this.position}, and is of ${header.last}`);
    const manifest: BundleManifest = {
      format: bundleFormat, ...header, frontier: frontier.hashes.map((hash) => hash.toString('hex')), withheld: this.#withheld, purged: this.#purged, parts: this.#parts,
    };
    await writeWhole(join(this.#directory, manifestName), `${JSON.stringify(manifest, null, 1)}\n`);
    await this.close();
    await rm(join(this.#directory, progressName));
    return manifest;
  }

  /** What is finished stays; it can be gone on with. */
  async close(): Promise<void> {
    await this.#progress.close();
  }

  async #keep(progress: Progress): Promise<boolean> {
    const { part: { first, events, leaves } } = progress;
    const file = (name: string): string => join(this.#directory, name);
    if (first !== this.position + 1 || await sha256OfFile(file(events.name)) !== events.sha256 || await sha256OfFile(file(leaves.name)) !== leaves.sha256) return false;
    this.#count(progress, await readFile(file(leaves.name)));
    return true;
  }

  #count({ part, lacks }: Progress, leaves: Buffer): void {
    for (let at = 0; at < leaves.length; at += treeHashBytes) this.#tree.append(leaves.subarray(at, at + treeHashBytes));
    this.#parts.push(part);
    this.#withheld += lacks.withheld;
    this.#purged += lacks.purged;
  }
}
