import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { BundleError, BundleWriter, eventsPerFile, partsOfOrigin, type BundleHeader, type BundleManifest } from '@rectrail/audit';
import { replaceFile } from '@rectrail/platform';
import { completeSubtrees, hashesFromTiles, parseCheckpointText, parseNote, rootOf, tilePath, type Checkpoint, type Frontier } from '@rectrail/transparency';
import type { LogEpochs } from './answers.ts';
import { ProblemAnswer, UsageError, type ApiClient } from './api-client.ts';

export interface ExportRequest {
  readonly client: ApiClient;
  readonly directory: string;
  readonly isPublic: boolean;
  /** File of a checkpoint behind which the events are wanted. */
  readonly since?: string | undefined;
  readonly onProgress: (progress: { readonly done: number; readonly of: number; readonly perSecond: number | null }) => void;
}

export interface Exported {
  readonly manifest: BundleManifest;
  /** False: the events of the server do not make the root that it signed. The bundle is there, and `verify` says more. */
  readonly isAsSigned: boolean;
}

type Header = Omit<BundleHeader, 'frontier'>;

const headOf = (note: string): Checkpoint => parseCheckpointText(parseNote(note).text);

/** The checkpoint asked for; null where none was signed, or cosigned by so many. */
const checkpointIfThere = async (client: ApiClient, query: Readonly<Record<string, string>>): Promise<string | null> => {
  try {
    return await client.text('/log/checkpoint', query);
  } catch (error) {
    if (error instanceof ProblemAnswer && error.problem.code === 'log-not-sealed') return null;
    throw error;
  }
};

/** Whose keys a server takes at most. */
const witnessesMax = 16;

/** The last checkpoint of each earlier epoch, and for every number of witnesses the newest that so many have cosigned. */
const otherCheckpoints = async (client: ApiClient): Promise<ReadonlySet<string>> => {
  const notes = new Set<string>();
  const { begun } = await client.get<LogEpochs>('/log/epochs');
  for (const { previous: { epoch } } of begun) {
    const note = await checkpointIfThere(client, { epoch: String(epoch) });
    if (note !== null) notes.add(note);
  }
  for (let witnesses = 1; witnesses <= witnessesMax; witnesses += 1) {
    const note = await checkpointIfThere(client, { witnessed: String(witnesses) });
    if (note === null) break;
    notes.add(note);
  }
  return notes;
};

/** What is asked of the server once, when an export is begun. */
const newHeader = async ({ client, isPublic, since }: ExportRequest): Promise<Header> => {
  const note = await client.text('/log/checkpoint');
  const { origin, size } = headOf(note);
  const kept = since === undefined ? null : await readFile(since, 'utf8');
  const after = kept === null ? 0 : headOf(kept).size;
  if (after > size) throw new UsageError(`the checkpoint of --since has ${after} leaves, the newest of the server ${size}`, `--since 的检查点有 ${after} 条，服务端最新的只有 ${size} 条`);
  const { logId = '' } = partsOfOrigin(origin) ?? {};
  const others = [...await otherCheckpoints(client)].filter((other) => other !== note && headOf(other).size >= after && headOf(other).size <= size);
  return {
    logId, after, last: size, audience: isPublic ? 'public' : 'everything', keys: (await client.text('/log/keys')).trim().split('\n'),
    checkpoints: [...(kept === null || after === size ? [] : [kept]), ...others, note],
  };
};

/** The edge of the tree before the first event, of the tiles; it has to make the root that was kept. */
const frontierOf = async (client: ApiClient, { after, checkpoints: [kept = ''] }: Header): Promise<Frontier> => {
  if (after === 0) return { size: 0, hashes: [] };
  const hashes = hashesFromTiles(after, (tile) => client.bytes(`/log/${tilePath(tile)}`));
  if (!(await rootOf(after, hashes)).equals(headOf(kept).root)) {
    throw new UsageError('the log of the server does not go on from the checkpoint of --since: it was rewritten, or is another one', '服务端的日志与 --since 的检查点不相衔接：日志已被改写，或并非同一日志');
  }
  return { size: after, hashes: await hashes.read(completeSubtrees({ from: 0, to: after })) };
};

/** How often, and how long, a checkpoint is waited for that holds what was recorded a moment ago, ms. */
const [checkpointPollMs, checkpointWaitMsMax] = [200, 30_000];

/** The newest checkpoint once it is of more than `size` events: a content that was purged meanwhile is named by an event behind the end that was meant. */
const checkpointBehind = async (client: ApiClient, size: number): Promise<{ readonly size: number; readonly note: string }> => {
  const untilMs = performance.now() + checkpointWaitMsMax;
  while (performance.now() < untilMs) {
    const note = await client.text('/log/checkpoint');
    const head = headOf(note);
    if (head.size > size) return { size: head.size, note };
    await sleep(checkpointPollMs);
  }
  throw new UsageError(`contents are gone, and no checkpoint is of more than ${size} events, of which none says so`, `有内容已不存在，而 ${size} 之后没有新的检查点，已有事件均未说明其清除`);
};

const otherExport = (directory: string): UsageError => new UsageError(
  `${directory} holds an unfinished export of something else. Potential solutions: the same --public and --since as then; another directory`,
  `${directory} 中有另一次未完成的导出。请使用与当时相同的 --public 和 --since，或另选目录`,
);

const headerOf = async (request: ExportRequest): Promise<Header> => {
  const begun = await BundleWriter.unfinished(request.directory);
  if (begun === null) return newHeader(request);
  const after = request.since === undefined ? 0 : headOf(await readFile(request.since, 'utf8')).size;
  if (begun.after !== after || begun.audience !== (request.isPublic ? 'public' : 'everything')) throw otherExport(request.directory);
  const { logId, last, audience, keys, checkpoints } = begun;
  return { logId, after, last, audience, keys, checkpoints };
};

/** Writes a bundle of everything up to the newest checkpoint, or goes on with one that was killed. @throws UsageError */
export const exportLog = async (request: ExportRequest): Promise<Exported> => {
  const { client, directory, onProgress } = request;
  try {
    const header = await headerOf(request);
    const writer = await BundleWriter.begin(directory, { ...header, frontier: await frontierOf(client, header) }, replaceFile);
    const [from, sinceMs] = [writer.position, performance.now()];
    const write = async (last: number): Promise<void> => {
      while (writer.position < last) {
        await writer.add(await client.bytes('/log/contents', { after: String(writer.position), limit: String(Math.min(eventsPerFile, last - writer.position)), audience: header.audience }));
        onProgress({ done: writer.position, of: last, perSecond: ((writer.position - from) * 1_000) / Math.max(performance.now() - sinceMs, 1) });
      }
    };
    await write(header.last);
    while (writer.unnamedPurges.length > 0) {
      const { size, note } = await checkpointBehind(client, writer.position);
      await writer.goOnTo(size, note);
      await write(size);
    }
    const { root } = writer;
    return { manifest: await writer.finish(), isAsSigned: root.equals(headOf(writer.header.checkpoints.at(-1) ?? '').root) };
  } catch (error) {
    if (error instanceof BundleError) throw new UsageError(error.message, `导出失败：${error.message}`);
    throw error;
  }
};
