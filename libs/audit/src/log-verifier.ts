import { canonicalJson, contentPurged, type PurgeTarget } from '@rectrail/event-store';
import { GrowingTree, tileWidth, treeHashBytes, type Frontier, type HashedNode, type TreeHash } from '@rectrail/transparency';
import { CommandRuns, type CommandRun } from './command-runs.ts';
import { contentIds, contentType, purgeOf, type LogEntry } from './entry.ts';
import { finding, type Finding } from './findings.ts';
import type { LogBatch, MadeOfStretch } from './log-source.ts';
import { witnessNames, type LogKeys, type TrustedHead } from './log-keys.ts';
import { StreamVersions } from './stream-versions.ts';

export interface LogVerifierOptions {
  readonly logId: string;
  readonly keys: Pick<LogKeys, 'open'>;
  /** The tree that the first event is appended to: that of `since`, default an empty one. */
  readonly frontier?: Frontier;
  /** A checkpoint that was kept elsewhere, signed by one of the keys. */
  readonly since?: TrustedHead | null;
  readonly witnessesMin?: number;
  /** Whether events may stand behind the newest checkpoint, as in a database that is sealed while it is read. */
  readonly mayTrail?: boolean;
  /** Throws for a content that is not one of its type's schema; asked for each one that is there. */
  readonly checkContent?: ((entry: LogEntry) => void) | undefined;
}

export interface VerifiedHead { readonly origin: string; readonly size: number; readonly root: string; readonly witnesses: readonly string[] }

/** What was seen of a log, and what is wrong with it. */
export interface LogFindings {
  /** Events before the first that was read. */
  readonly after: number;
  /** Leaves of the tree. */
  readonly size: number;
  readonly root: string;
  readonly withheld: number;
  readonly purged: number;
  /** Events behind the newest checkpoint. */
  readonly unsigned: number;
  /** Checkpoints whose signature and root are right. */
  readonly checkpoints: number;
  readonly newest: VerifiedHead | null;
  /** The newest that enough witnesses have cosigned; null where none were asked for. */
  readonly witnessed: VerifiedHead | null;
  readonly commands: number;
  readonly findings: readonly Finding[];
}

/** Levels of the tree from one of tiles to the next. */
const tileHeight = Math.log2(tileWidth);

const verified = (head: TrustedHead): VerifiedHead => ({ origin: head.origin, size: head.size, root: head.root.toString('base64'), witnesses: witnessNames(head) });

/** Of hashes one after the other. */
const hashAt = (hashes: Buffer | null, i: number): Buffer | null => hashes?.subarray(i * treeHashBytes, (i + 1) * treeHashBytes) ?? null;

/** A content that is gone. `isNamed`: an event behind it, of its stream, says so. */
interface PurgedEntry { readonly contentSha256: string; readonly streamId: string; isNamed: boolean }

/** A leaf hash that differs from the one kept beside it: where, and the tree of the kept ones from there on. */
interface Suspicion { readonly position: number; readonly tree: GrowingTree }

/**
 * Checks a log event by event, in constant memory but for streams and commands: it trusts nothing but the keys. It stops at the first event that is wrong; a root that comes out
 * otherwise than it was signed is traced to its first leaf by the hashes kept beside the events, where they make the signed root.
 */
export class LogVerifier {
  readonly #options: LogVerifierOptions;
  readonly #tree: GrowingTree;
  readonly #after: number;
  readonly #versions = new StreamVersions();
  readonly #runs: CommandRuns;
  #ended: CommandRun[] = [];
  #nodes: HashedNode[] = [];
  #recordedAt = '';
  #withheld = 0;
  readonly #purged = new Map<number, PurgedEntry>();
  /** Heads that are not reached yet, the smallest first. */
  #ahead: TrustedHead[] = [];
  /** Heads of the log itself, without the one that was brought along. */
  #signed = 0;
  #checkpoints = 0;
  #newest: TrustedHead | null = null;
  #witnessed: TrustedHead | null = null;
  #suspicion: Suspicion | null = null;
  #fatal: Finding | null = null;
  readonly #findings: Finding[] = [];
  #isDone = false;

  constructor(options: LogVerifierOptions) {
    const { frontier = { size: 0, hashes: [] }, since = null } = options;
    this.#options = options;
    this.#tree = new GrowingTree(frontier);
    this.#after = frontier.size;
    this.#runs = new CommandRuns(frontier.size);
    if (since !== null) this.#await(since);
    this.#reach();
  }

  /** Nothing that follows can say more about what is wrong. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Positions that were looked at. */
  get position(): number {
    return this.#tree.size;
  }

  /** What was made of the events since the last call. */
  takeMade(): MadeOfStretch {
    const made = { runs: this.#ended, nodes: this.#nodes };
    [this.#ended, this.#nodes] = [[], []];
    return made;
  }

  add(batch: LogBatch): void {
    for (const note of batch.notes) this.#expect(note);
    this.#reach();
    const { entries, hashes, finding: stopped = null } = batch;
    const kept = (hashes?.length ?? 0) / treeHashBytes;
    const first = this.#tree.size + 1;
    for (let i = 0; i < Math.max(entries.length, kept) && !this.#isDone; i += 1) {
      const keptHash = i < kept ? hashAt(hashes, i) : null;
      if (this.#fatal === null) this.#next(entries[i], keptHash, first + i, stopped);
      else this.#trace(keptHash);
    }
    if (stopped !== null && this.#fatal === null) this.#fail(stopped);
    // Nothing is kept of what follows: whether the first that is wrong stands further up is not to be told.
    if (this.#fatal !== null && kept === 0) this.#isDone = true;
  }

  #next(entry: LogEntry | undefined, keptHash: Buffer | null, expected: number, stopped: Finding | null): void {
    if (entry !== undefined) this.#take(entry, keptHash, expected);
    else this.#stop(stopped ?? finding('event-missing', expected, `the event at ${expected} is missing; the hash of its leaf is there`), keptHash);
  }

  /** What is wrong with the log beyond its events. */
  report(more: Finding): void {
    this.#findings.push(more);
  }

  end(): LogFindings {
    const { mayTrail = false, witnessesMin = 0 } = this.#options;
    if (this.#fatal === null) this.#endRun(!mayTrail);
    this.#checkEnd(mayTrail);
    if (witnessesMin > 0 && this.#witnessed === null && this.#fatal === null) {
      this.#findings.push(finding('witnesses-missing', this.#after + 1, `no checkpoint is cosigned by ${witnessesMin} of the given witnesses`, this.#tree.size));
    }
    if (this.#fatal === null) this.#checkPurges();
    const { size, root } = this.#tree;
    const findings = [...(this.#fatal === null ? [] : [this.#fatal]), ...this.#findings].toSorted((a, b) => (a.position ?? Infinity) - (b.position ?? Infinity));
    return {
      after: this.#after, size, root: root.toString('base64'), withheld: this.#withheld, purged: this.#purged.size, unsigned: size - Math.max(this.#newest?.size ?? 0, 0),
      checkpoints: this.#checkpoints, newest: this.#newest && verified(this.#newest), witnessed: this.#witnessed && verified(this.#witnessed),
      commands: this.#runs.commands, findings,
    };
  }

  /** The heads that are vouched for end here. */
  get #trusted(): number {
    return this.#newest?.size ?? this.#after;
  }

  #expect(note: string): void {
    const head = this.#options.keys.open(note);
    if ('code' in head) {
      this.#fail(finding(head.code, this.#trusted + 1, head.detail, Math.max(this.#trusted + 1, this.#tree.size)));
    } else {
      this.#signed += 1;
      this.#await(head);
    }
  }

  #await(head: TrustedHead): void {
    if (head.logId !== this.#options.logId) this.#fail(finding('checkpoint-foreign', null, `the checkpoint of ${head.size} leaves is of the log ${head.logId}, and the events are of ${this.#options.logId}`));
    else if (head.size < this.#tree.size) this.#fail(finding('checkpoint-malformed', null, `the checkpoint of ${head.size} leaves comes after ${this.#tree.size} events: checkpoints stand in the order of their sizes`));
    else {
      const isInOrder = (this.#ahead.at(-1)?.size ?? 0) <= head.size;
      this.#ahead.push(head);
      if (!isInOrder) this.#ahead.sort((a, b) => a.size - b.size);
    }
  }

  #fail(found: Finding): void {
    this.#fatal ??= found;
    if (this.#suspicion === null) this.#isDone = true;
  }

  #stop(found: Finding, keptHash: Buffer | null): void {
    // The kept hashes, if they make the next signed root, also say that nothing further up is wrong.
    if (keptHash !== null) this.#suspicion ??= { position: this.#tree.size + 1, tree: new GrowingTree(this.#tree.frontier) };
    this.#fail(found);
    if (!this.#isDone) this.#trace(keptHash);
  }

  #take(entry: LogEntry, keptHash: Buffer | null, expected: number): void {
    const wrong = this.#wrongWith(entry, expected);
    if (wrong !== null) {
      this.#stop(wrong, keptHash);
      return;
    }
    this.#doubt(entry.leafHash, keptHash, expected);
    const completed = this.#tree.append(entry.leafHash);
    if (completed.length > tileHeight) this.#nodes.push(...completed.filter(({ level }) => level > 0 && level % tileHeight === 0));
    if (this.#ahead[0]?.size === expected) this.#reach();
  }

  #wrongWith(entry: LogEntry, expected: number): Finding | null {
    const { position, recordedAt, streamId, streamVersion } = entry;
    if (position > expected) return finding('event-missing', expected, `the event at ${expected} is missing: ${position} follows ${expected - 1}`);
    if (position < expected) return finding('position-out-of-order', expected, `the event at ${expected} says that it is at ${position}`);
    if (entry.foundSha256 !== null && entry.foundSha256 !== entry.contentSha256) return finding('content-altered', position, `the content at ${position} has the SHA-256 ${entry.foundSha256}, its leaf says ${entry.contentSha256}`);
    const known = this.#versions.of(streamId);
    const version = known > 0 || this.#after === 0 ? known : Math.max(0, streamVersion - 1);
    if (streamVersion !== version + 1) return finding('stream-version-gap', position, `the event at ${position} is version ${streamVersion} of ${streamId}, which stood at ${version}`);
    if (recordedAt < this.#recordedAt) return finding('recorded-at-falls', position, `the event at ${position} is recorded at ${recordedAt}, the one before it at ${this.#recordedAt}`);
    this.#versions.set(streamId, streamVersion);
    this.#recordedAt = recordedAt;
    return this.#wrongWithContent(entry);
  }

  #wrongWithContent(entry: LogEntry): Finding | null {
    const { content, position } = entry;
    if (content === null) {
      if (entry.lacks === 'purged') this.#purged.set(position, { contentSha256: entry.contentSha256, streamId: entry.streamId, isNamed: false });
      else this.#withheld += 1;
      this.#runs.addUnknown();
      return null;
    }
    if (content.length === 0) return finding('content-missing', position, `the content at ${position} is empty, and nothing keeps the hash of one that was purged`);
    const text = content.toString('latin1');
    const ids = contentIds(text);
    if (ids === null) return finding('content-invalid', position, `the content at ${position} names neither its event nor its command`);
    const type = contentType(text);
    if (entry.type !== null && entry.type !== type) return finding('type-differs', position, `the event at ${position} is kept as ${entry.type}, its content says ${String(type)}`);
    const run = this.#runs.add(position, ids);
    if (run !== null && 'code' in run) return run;
    if (run !== null) this.#ended.push(run);
    return this.#wrongWithMeaning(entry, content, type);
  }

  #wrongWithMeaning(entry: LogEntry, content: Buffer, type: string | null): Finding | null {
    const { checkContent } = this.#options;
    try {
      this.#takePurge(entry, purgeOf(type, content));
      if (checkContent === undefined) return null;
      const text = content.toString('utf8');
      if (canonicalJson(JSON.parse(text)) !== text) return finding('content-invalid', entry.position, `the content at ${entry.position} is not in canonical form`);
      checkContent(entry);
      return null;
    } catch (error) {
      return finding('content-invalid', entry.position, `the content at ${entry.position}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #takePurge({ streamId }: LogEntry, target: PurgeTarget | null): void {
    const purged = target === null ? undefined : this.#purged.get(target.position);
    if (purged?.streamId === streamId && purged.contentSha256 === target?.contentSha256) purged.isNamed = true;
  }

  /** Keeps in mind where the kept hashes begin to differ. */
  #doubt(hash: TreeHash, keptHash: Buffer | null, position: number): void {
    if (keptHash === null) return;
    if (this.#suspicion === null && !keptHash.equals(hash)) this.#suspicion = { position, tree: new GrowingTree(this.#tree.frontier) };
    this.#suspicion?.tree.append(Buffer.from(keptHash));
  }

  /** The events are wrong further down; whether the first that is wrong stands where the hashes differ is seen at the next checkpoint. */
  #trace(keptHash: Buffer | null): void {
    if (this.#suspicion === null || keptHash === null) {
      this.#isDone = true;
      return;
    }
    const { tree, position } = this.#suspicion;
    tree.append(Buffer.from(keptHash));
    const head = this.#ahead.find(({ size }) => size >= tree.size);
    if (head?.size !== tree.size) return;
    const found = this.#fatal;
    const seen = found?.position ?? position;
    if (!tree.root.equals(head.root)) this.#fatal = found && finding(found.code, this.#trusted + 1, `${found.detail}; the hashes kept of the events are not those signed, so it may begin further up`, seen);
    else if (position < seen) this.#fatal = finding('leaf-altered', position, `the event at ${position} is not the one that was sealed`);
    this.#suspicion = null;
    this.#isDone = true;
  }

  /** Compares the tree with every head of its size. */
  #reach(): void {
    for (let head = this.#ahead[0]; head?.size === this.#tree.size && !this.#isDone; head = this.#ahead[0]) {
      this.#ahead.shift();
      if (this.#tree.root.equals(head.root)) this.#agree(head);
      else this.#differ(head);
    }
  }

  #agree(head: TrustedHead): void {
    if (this.#suspicion !== null) this.#findings.push(finding('tree-differs', this.#suspicion.position, `the hash kept for leaf ${this.#suspicion.position} is not that of the event, which is as it was sealed`));
    this.#suspicion = null;
    this.#checkpoints += 1;
    this.#newest = head;
    const { witnessesMin = 0 } = this.#options;
    if (witnessesMin > 0 && witnessNames(head).length >= witnessesMin) this.#witnessed = head;
  }

  #differ(head: TrustedHead): void {
    const suspicion = this.#suspicion;
    this.#suspicion = null;
    const isTraced = suspicion?.tree.root.equals(head.root) === true;
    const from = (this.#newest?.size ?? 0) + 1;
    this.#fail(isTraced
      ? finding('leaf-altered', suspicion.position, `the event at ${suspicion.position} is not the one that was sealed`)
      : finding('root-differs', from, `the events to ${head.size} make another root than ${head.origin} signed${suspicion === null ? '' : `; the hashes kept differ from ${suspicion.position} on, and are not those signed either`}`, head.size));
  }

  #endRun(mayGoOn: boolean): void {
    const run = this.#runs.end(mayGoOn);
    if (run === null) return;
    if ('code' in run) this.#fail(run);
    else this.#ended.push(run);
  }

  #checkEnd(mayTrail: boolean): void {
    const { size } = this.#tree;
    const [next] = this.#ahead;
    if (this.#fatal === null && next !== undefined) this.#fail(finding('log-too-short', size + 1, `the log ends at ${size}, and ${next.origin} has signed ${next.size} leaves`, next.size));
    if (this.#fatal === null && this.#signed === 0) this.#fail(finding('checkpoint-missing', this.#after + 1, 'nothing of it is signed by a key that was given', size));
    if (this.#fatal === null && !mayTrail && size > this.#trusted) this.#fail(finding('checkpoint-missing', this.#trusted + 1, `the events behind ${this.#trusted} are signed by nobody`, size));
    if (this.#suspicion === null) return;
    const { position } = this.#suspicion;
    const fatal = this.#fatal;
    this.#fatal = fatal === null || (fatal.position ?? Infinity) > position
      ? finding('leaf-altered', position, `the event at ${position} or the hash kept of it was altered; no checkpoint behind it says which`)
      : finding(fatal.code, this.#trusted + 1, `${fatal.detail}; no checkpoint behind it vouches for the hashes kept, so it may begin further up`, fatal.position ?? position);
  }

  /** A content may lack only where an event of the log says that the law wants it so; that event may be withheld. */
  #checkPurges(): void {
    if (this.#withheld > 0) return;
    for (const [position, { isNamed }] of this.#purged) {
      if (!isNamed) this.#findings.push(finding('content-missing', position, `the content at ${position} is not there, and no ${contentPurged} names it`));
    }
  }
}
