import { z } from 'zod';

export const manifestName = 'manifest.json';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** Below the backup, with forward slashes; never out of it. */
const relativePath = z.string().min(1).max(1_000).refine((path) => !path.startsWith('/') && !path.includes('\\') && !path.split('/').some((part) => part === '' || part === '.' || part === '..'), 'no path below the backup');
const lsn = z.string().regex(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/);

const file = z.strictObject({ path: relativePath, bytes: z.int().min(0), sha256, mode: z.int().min(0).max(0o777) });

/** What a backup is of, and every file in it with its hash; written last, so that a backup without it was broken off. */
export const backupManifest = z.strictObject({
  format: z.literal('rectrail.backup/1'),
  begunAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  /** Of `PG_VERSION`: the server that can go on from it. */
  postgresMajor: z.string().regex(/^\d{1,3}$/),
  /** Recovery reads the write-ahead log from the one to the other. */
  startLsn: lsn,
  stopLsn: lsn,
  /** What the caller knows of the database: at least this is in the backup. */
  contents: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
  /** Empty ones, which PostgreSQL does not make anew. */
  directories: z.array(relativePath).max(100_000),
  files: z.array(file).max(1_000_000),
});
export type BackupManifest = z.output<typeof backupManifest>;
export type BackupFile = z.output<typeof file>;
