import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogIdentity } from '@rectrail/event-store';
import type { Configuration, Database } from '@rectrail/platform';
import { newNoteKey, noteSigner, noteVerifierKey, type NoteSigner } from '@rectrail/transparency';
import { registeredKeys, registerKey } from './sealed-log.ts';

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

/** Written beside and moved into place, so that a crash leaves no key or a whole one, with its mode from the start. */
const writeSecret = async (dataDir: string, file: string, secret: string): Promise<void> => {
  await mkdir(dataDir, { recursive: true });
  const beside = `${file}.new`;
  await rm(beside, { force: true });
  await writeFile(beside, `${secret}\n`, { mode: 0o600, flush: true });
  await rename(beside, file);
};

const signerOf = (secret: string, file: string, origin: string): NoteSigner => {
  const signer = noteSigner(secret);
  if (signer.name === origin) return signer;
  throw new Error(`the key in ${file} is of ${signer.name}, and the log is ${origin}. Potential solutions: give the key of this log; move the file away to have one made where the log has none yet`);
};

export interface LogKeyOptions {
  readonly database: Database;
  readonly configuration: Pick<Configuration, 'dataDir' | 'logKeyFile'>;
  readonly identity: LogIdentity;
}

/**
 * The key that signs for this epoch of the log: of the file that is given, else of `log-key-<epoch>` in the data directory (mode 0600), made where the log has none yet.
 * Null where it has one and this process does not: a second one would be another signer that nobody asked for.
 *
 * @throws Error that names the remedy where the file holds another log's; LogFormatError `key-malformed`
 */
export const openLogKey = ({ database, configuration: { dataDir, logKeyFile }, identity }: LogKeyOptions): Promise<NoteSigner | null> => database.transaction(async (query) => {
  const origin = originOf(identity);
  const registered = await registeredKeys(query, identity.epoch);
  const file = logKeyFile ?? join(dataDir, `log-key-${identity.epoch}`);
  const kept = await readSecret(file);
  if (kept !== null) {
    const signer = signerOf(kept, file, origin);
    await registerKey(query, identity.epoch, noteVerifierKey(kept));
    return signer;
  }
  if (logKeyFile !== undefined) throw new Error(`RECTRAIL_LOG_KEY_FILE names ${logKeyFile}, which is not there`);
  if (registered.length > 0) return null;
  const { secret, verifier } = newNoteKey(origin);
  await writeSecret(dataDir, file, secret);
  await registerKey(query, identity.epoch, verifier);
  return noteSigner(secret);
});
