import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  Bundle, BundleError, contentIds, contentType, LogKeys, partsOfOrigin, storedOf, verifyLog, type LogEntry, type LogFindings,
} from '@rectrail/audit';
import { leafBytes, type LogIdentity } from '@rectrail/event-store';
import { HistoryRefused, PostgresEventStore, type HistoryEvent } from '@rectrail/event-store-postgres';
import type { CommandId } from '@rectrail/kernel';
import { GrowingTree, leafHash, LogFormatError, noteVerifierKey } from '@rectrail/transparency';
import { UsageError } from './api-client.ts';
import { keysOf, NotVerifiable } from './log-verification.ts';
import { PurgedCommands } from './purged-commands.ts';

export interface RestoreRequest {
  readonly bundle: string;
  /** Of the database, whose log is empty. */
  readonly database: string;
  /** Verifier keys, or files that hold some, one a line. */
  readonly key: readonly string[];
  /** The secret key that signed the log, to be put into `dataDir`. */
  readonly logKeyFile?: string | undefined;
  readonly dataDir: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { readonly phase: 'verifying' | 'loading' | 'comparing'; readonly done: number; readonly of: number; readonly perSecond: number }) => void;
}

export interface Restored {
  readonly logId: string;
  readonly epoch: number;
  readonly events: number;
  readonly root: string;
  readonly purged: number;
  /** Where the key that signs was put; null where none was given. */
  readonly logKeyFile: string | null;
}

const refused = (en: string, zh: string): UsageError => new UsageError(`nothing was restored: ${en}`, `未恢复任何内容：${zh}`);

/** Tells how far a pass over the events is. */
const pass = (phase: Parameters<RestoreRequest['onProgress']>[0]['phase'], of: number, onProgress: RestoreRequest['onProgress']): ((done: number) => void) => {
  const startedMs = performance.now();
  return (done) => { onProgress({ phase, done, of, perSecond: (done * 1_000) / Math.max(performance.now() - startedMs, 1) }); };
};

const historyEvent = (entry: LogEntry, commands: ReadonlyMap<number, string>): HistoryEvent => {
  const text = entry.content?.toString('latin1') ?? null;
  const commandId = (text === null ? commands.get(entry.position) : contentIds(text)?.commandId) ?? '';
  return { ...storedOf({ ...entry, type: text === null ? null : contentType(text) }), commandId: commandId as CommandId };
};

/** What is loaded is what was verified: the files may have been changed in between, and nothing is kept then. */
async function* historyOf({ bundle, head: { size, root }, commands }: VerifiedBundle, { signal, onProgress }: RestoreRequest): AsyncGenerator<readonly HistoryEvent[]> {
  const tree = new GrowingTree();
  const tell = pass('loading', size, onProgress);
  for await (const { entries } of bundle.batches(0)) {
    signal.throwIfAborted();
    const events = entries.map((entry) => historyEvent(entry, commands));
    for (const event of events) tree.append(leafHash(leafBytes(event, bundle)));
    yield events;
    tell(tree.size);
  }
  if (tree.size !== size || tree.root.toString('base64') !== root) throw refused('the bundle was changed while it was read', '读取期间导出件被改动');
}

/** The verifiable, whole log of a bundle. @throws UsageError for any other; NotVerifiable, BundleError */
const verifiedBundle = async ({ bundle: directory, key, signal, onProgress }: RestoreRequest) => {
  const bundle = await Bundle.open(directory);
  const { manifest: { after, withheld, audience } } = bundle;
  if (after > 0) throw refused(`the bundle begins behind event ${after} (--since), and a log is restored from its first event on`, `该导出件从第 ${after} 条之后开始（--since），恢复须用完整导出件`);
  const withheldZh = '该导出件缺少未公开的内容（--public），不能用于恢复';
  if (audience === 'public') throw refused('contents are withheld from the bundle (--public), and only the server has them', withheldZh);
  const keys = await keysOf(key);
  const commands = new PurgedCommands();
  const found: LogFindings = await verifyLog({
    source: bundle, keys: new LogKeys(keys), onProgress: pass('verifying', bundle.last, onProgress), onEntries: (entries) => { signal.throwIfAborted(); commands.add(entries); },
  });
  const [first] = found.findings;
  if (first !== undefined) throw refused(`the bundle is not right: ${first.detail} (${first.code})`, `导出件校验未通过：${first.detail}（${first.code}）`);
  if (withheld + found.withheld > 0) throw refused(`${found.withheld} contents are withheld from the bundle, and only the server has them`, withheldZh);
  const { newest } = found;
  const parts = newest === null ? null : partsOfOrigin(newest.origin);
  if (newest === null || parts === null) throw refused('no checkpoint of the bundle is signed by a key that was given', '导出件中没有由所给公钥验证的检查点');
  return { bundle, head: newest, identity: parts, purged: found.purged, commands: commands.of(bundle.logId), keys };
};

type VerifiedBundle = Awaited<ReturnType<typeof verifiedBundle>>;

/** Puts the key that signs where a start looks for it. Gives what takes it away again. @throws UsageError for the key of another log, or where another lies already */
const placeKey = async (given: string, file: string, { head, bundle, keys }: VerifiedBundle): Promise<() => Promise<void>> => {
  const secret = (await readFile(given, 'utf8').catch((error: unknown) => { throw refused(`${given} cannot be read: ${String(error)}`, `无法读取 ${given}：${String(error)}`); })).trim();
  const verifier = noteVerifierKey(secret);
  const own = new LogKeys([verifier]);
  // One that a rotation is about to bring has signed nothing yet; whoever checks has it.
  const isOfLog = verifier.startsWith(`${head.origin}+`) && (keys.includes(verifier) || bundle.manifest.checkpoints.some((note) => !('code' in own.open(note))));
  if (!isOfLog) throw refused(`${given} holds no key that signs ${head.origin}`, `${given} 中的密钥不是 ${head.origin} 的签名密钥`);
  const there = await readFile(file, 'utf8').catch(() => null);
  if (there !== null && there.trim() !== secret) throw refused(`${file} holds another key`, `${file} 中已有另一密钥`);
  if (there !== null) return () => Promise.resolve();
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${secret}\n`, { mode: 0o600, flag: 'wx', flush: true });
  return () => rm(file, { force: true });
};

/** The head of the tree over what the database gives to whoever opens it. */
const storedHead = async (url: string, tell: (done: number) => void): Promise<LogIdentity & { readonly size: number; readonly root: string }> => {
  const store = await PostgresEventStore.open({ connectionString: url });
  try {
    const identity = await store.identity();
    const tree = new GrowingTree();
    for (let page = await store.readAll(); page.events.length > 0; page = await store.readAll({ after: page.scannedTo })) {
      for (const event of page.events) tree.append(leafHash(leafBytes(event, identity)));
      tell(tree.size);
    }
    return { ...identity, size: tree.size, root: tree.root.toString('base64') };
  } finally {
    await store.close();
  }
};

const load = async (request: RestoreRequest, verified: VerifiedBundle): Promise<void> => {
  const store = await PostgresEventStore.open({ connectionString: request.database });
  try {
    await store.loadHistory(historyOf(verified, request), verified.identity);
  } catch (error) {
    if (!(error instanceof HistoryRefused)) throw error;
    throw error.code === 'log-not-empty' ? refused('the log of the database has events already: a bundle is restored into an empty one', '数据库的日志中已有事件，只能恢复到空库') : refused(error.message, error.message);
  } finally {
    await store.close();
  }
};

/**
 * Puts the log of a bundle into an empty database, as it was: positions, times, commands and name. It is verified first; the load is one transaction, so that what is interrupted
 * leaves an empty log. Read models make themselves at the next start.
 *
 * @throws UsageError where the bundle or the database is not fit for it; nothing is in the log then
 */
export const restoreBundle = async (request: RestoreRequest): Promise<Restored> => {
  try {
    const verified = await verifiedBundle(request);
    const { head, identity, purged } = verified;
    const file = request.logKeyFile === undefined ? null : join(request.dataDir, `log-key-${identity.epoch}`);
    const takeBack = file === null || request.logKeyFile === undefined ? null : await placeKey(request.logKeyFile, file, verified);
    try {
      await load(request, verified);
    } catch (error) {
      await takeBack?.();
      throw error;
    }
    const stored = await storedHead(request.database, pass('comparing', head.size, request.onProgress));
    if (stored.logId !== identity.logId || stored.epoch !== identity.epoch || stored.size !== head.size || stored.root !== head.root) {
      throw new Error(`the database gives ${stored.size} events with the root ${stored.root}, the bundle has ${head.size} with ${head.root}: drop the database, and look at its storage`);
    }
    return { ...identity, events: head.size, root: head.root, purged, logKeyFile: file };
  } catch (error) {
    if (error instanceof BundleError || error instanceof NotVerifiable || error instanceof LogFormatError) throw refused(error.message, error.message);
    throw error;
  }
};
