import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogIdentity } from '@rectrail/event-store';
import { replaceFile, type Configuration, type Database } from '@rectrail/platform';
import { announceKey, newNoteKey, noteSigner, noteVerifierKey, type NoteSigner } from '@rectrail/transparency';
import { registeredKeys, registerKey } from './sealed-log.ts';
import { logOfOrigin } from './sightings.ts';

/** What names the log of one epoch: origin of its checkpoints and name of its keys. */
export const originOf = ({ logId, epoch }: LogIdentity): string => `rectrail/${logId}/${epoch}`;

const readSecret = async (file: string): Promise<string | null> => {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
};

const signerOf = (secret: string, file: string, origin: string): NoteSigner => {
  const signer = noteSigner(secret);
  if (signer.name === origin) return signer;
  throw new Error(`the key in ${file} is of ${signer.name}, and the log is ${origin}. Potential solutions: give the key of this log; move the file away to have one made where the log has none yet`);
};

/** Of this log as it was before the epoch began: not wrong, and not to sign with. */
const isOfEndedEpoch = (secret: string, { logId, epoch }: LogIdentity): boolean => {
  const log = logOfOrigin(noteSigner(secret).name);
  return log?.logId === logId && log.epoch < epoch;
};

export interface LogKeyOptions {
  readonly database: Database;
  readonly configuration: Pick<Configuration, 'dataDir' | 'logKeyFile'>;
  readonly identity: LogIdentity;
}

/** The key that signs, and the one that is to follow it, where a rotation has begun. */
const filesOf = ({ dataDir, logKeyFile }: LogKeyOptions['configuration'], epoch: number): { readonly file: string; readonly next: string } => {
  const file = logKeyFile ?? join(dataDir, `log-key-${epoch}`);
  return { file, next: `${file}-next` };
};

/**
 * The keys that sign for this epoch of the log: that of the file which is given, else of `log-key-<epoch>` in the data directory (mode 0600), made where the log has none yet; and
 * that of the same name with `-next`, which then signs along and is announced by the first. None where the log has keys and this process does not, or where the given one is
 * of an epoch that has ended: another one would be a signer that nobody asked for.
 *
 * @throws Error that names the remedy where a file holds another log's; LogFormatError `key-malformed`
 */
export const openLogKeys = ({ database, configuration, identity }: LogKeyOptions): Promise<readonly NoteSigner[]> => database.transaction(async (query) => {
  const origin = originOf(identity);
  const registered = await registeredKeys(query, identity.epoch);
  const { file, next } = filesOf(configuration, identity.epoch);
  const [kept, following] = [await readSecret(file), await readSecret(next)];
  if (kept !== null) {
    if (configuration.logKeyFile !== undefined && isOfEndedEpoch(kept, identity)) return [];
    const signers = [signerOf(kept, file, origin), ...(following === null ? [] : [signerOf(following, next, origin)])];
    await registerKey(query, identity.epoch, { verifier: noteVerifierKey(kept) });
    if (following !== null) await registerKey(query, identity.epoch, { verifier: noteVerifierKey(following), announcement: announceKey(noteVerifierKey(following), signers) });
    return signers;
  }
  if (configuration.logKeyFile !== undefined) throw new Error(`RECTRAIL_LOG_KEY_FILE names ${configuration.logKeyFile}, which is not there`);
  if (registered.length > 0) return [];
  const { secret, verifier } = newNoteKey(origin);
  await replaceFile(file, `${secret}\n`, 0o600);
  await registerKey(query, identity.epoch, { verifier });
  return [noteSigner(secret)];
});
