import type { LogIdentity } from '@rectrail/event-store';
import type { Database } from '@rectrail/platform';
import { LogFormatError, parseCheckpointText, parseNote, rootOf, type TreeHash } from '@rectrail/transparency';
import { keptTreeUpTo, type LeavesOf } from './kept-tree.ts';
import type { SealedLog } from './sealed-log.ts';

/** Who has seen it: the folder of checkpoints, Kafka, a witness, or a person who says so. */
export const seers = ['folder', 'kafka', 'witness', 'operator'] as const;
export type Seer = (typeof seers)[number];

/** A state of the log that somebody outside the database has seen: so many events in this epoch, and the root of the tree over them where it is known. */
export interface Sighting {
  readonly epoch: number;
  readonly size: number;
  readonly root: TreeHash | null;
  readonly by: Seer;
}

/** Why the log here is not the one that was seen: it has fewer events, others, or is of an epoch that has ended. */
export interface Contradiction { readonly sighting: Sighting; readonly reason: 'shorter' | 'other' | 'earlier-epoch' }

const originPattern = /^rectrail\/([0-9a-f-]{36})\/([1-9]\d{0,8})$/;
const sourcePattern = /^urn:rectrail:([0-9a-f-]{36}):([1-9]\d{0,8})$/;
const named = (pattern: RegExp, text: string): LogIdentity | null => {
  const [, logId, epoch] = pattern.exec(text) ?? [];
  return logId === undefined ? null : { logId, epoch: Number(epoch) };
};

/** The log that an origin of checkpoints names; null for another kind of log. */
export const logOfOrigin = (origin: string): LogIdentity | null => named(originPattern, origin);
/** The log that the `source` of a message names; null for another kind of source. */
export const logOfSource = (source: string): LogIdentity | null => named(sourcePattern, source);

/** Of what is seen by others than this log itself: behind it there are epochs left to begin. */
export const epochSeenMax = 999_000_000;

/** What a checkpoint tells, whoever signed it. @throws LogFormatError for what is no checkpoint of a log of Rectrail */
export const sightingOf = (note: string, by: Seer): Sighting & { readonly logId: string } => {
  const { origin, size, root } = parseCheckpointText(parseNote(note).text);
  const log = logOfOrigin(origin);
  if (log === null) throw new LogFormatError('checkpoint-malformed', `a checkpoint of ${origin}, which is no log of Rectrail`);
  if (by !== 'folder' && log.epoch > epochSeenMax) throw new LogFormatError('checkpoint-malformed', `a checkpoint of epoch ${log.epoch}, which no log comes to`);
  return { ...log, size, root, by };
};

/** Kept in the database, so that every process on it knows, also after a restart. */
export const keepContradiction = async ({ query }: Pick<Database, 'query'>, { sighting: { epoch, size, root, by }, reason }: Contradiction): Promise<void> => {
  await query('insert into rectrail_transparency.sighting (epoch, size, root, seen_by, reason) values ($1, $2, $3, $4, $5) on conflict do nothing', [epoch, size, root, by, reason]);
};

/** Those of this epoch and of later ones, the farthest first; what contradicted an earlier epoch was settled by the beginning of this one. */
export const contradictionsSince = async ({ query }: Pick<Database, 'query'>, epoch: number): Promise<readonly Contradiction[]> => {
  const { rows } = await query<Omit<Sighting, 'by'> & { by: Seer; reason: Contradiction['reason'] }>(
    'select epoch, size::float8 as size, root, seen_by as by, reason from rectrail_transparency.sighting where epoch >= $1 order by epoch desc, size desc', [epoch]);
  return rows.map(({ reason, ...sighting }) => ({ sighting, reason }));
};

export interface OwnLog {
  readonly identity: LogIdentity;
  readonly sealed: SealedLog;
  readonly leavesOf: LeavesOf;
  /** Read after what was seen, or an event that came meanwhile would be taken for a stranger's. */
  readonly head: () => Promise<number>;
}

/** Null where the log here goes on from what was seen. */
export const contradictionOf = async (sighting: Sighting, { identity, sealed, leavesOf, head }: OwnLog): Promise<Contradiction | null> => {
  if (sighting.epoch < identity.epoch) return null;
  if (sighting.epoch > identity.epoch) return { sighting, reason: 'earlier-epoch' };
  if (sighting.size > await head()) return { sighting, reason: 'shorter' };
  if (sighting.root === null || sighting.size === 0) return null;
  const size = await sealed.size();
  const root = sighting.size <= size ? await rootOf(sighting.size, sealed.hashes(size)) : (await keptTreeUpTo(sighting.size, sealed, leavesOf)).root;
  return root.equals(sighting.root) ? null : { sighting, reason: 'other' };
};
