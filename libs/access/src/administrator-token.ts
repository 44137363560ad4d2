import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AccessError, administratorRole, isAdministrator, type AccessControl } from './access-control.ts';

/** Name of the one subject that the server itself makes tokens for. */
const installationSubject = 'administrator of the installation';
const page = 500;

const existingToken = async (file: string): Promise<string | null> => {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
};

const works = async (access: AccessControl, token: string): Promise<boolean> => {
  try {
    return isAdministrator((await access.authenticate(`Bearer ${token}`)).actor);
  } catch (error) {
    if (error instanceof AccessError && error.code === 'token-invalid') return false;
    throw error;
  }
};

const revokeEarlier = async (access: AccessControl, keep: string): Promise<void> => {
  for (let after: string | null = null; ;) {
    const records = await access.list(after, page);
    const earlier = records.filter(({ id, subjectName, revokedAt }) => subjectName === installationSubject && revokedAt === null && id !== keep);
    for (const { id } of earlier) await access.revoke(id);
    const last = records.at(-1);
    if (records.length < page || last === undefined) return;
    after = last.id;
  }
};

/**
 * Makes sure that `admin-token` in the data directory (mode 0600) holds an administrator's token that works, and returns the
 * file's path. Where the file is lost or its token works no more, a new one is made and the earlier ones are revoked.
 */
export const keepAdministratorToken = async (access: AccessControl, dataDir: string): Promise<string> => {
  const file = join(dataDir, 'admin-token');
  const kept = await existingToken(file);
  if (kept !== null && (await works(access, kept))) return file;
  const { token, record } = await access.issue({ orgId: null, role: administratorRole, subjectName: installationSubject, expiresAt: null });
  // Written beside and moved into place, so that a crash leaves the old file or the new one, with its mode from the start.
  await mkdir(dataDir, { recursive: true });
  const beside = `${file}.new`;
  await rm(beside, { force: true });
  await writeFile(beside, `${token}\n`, { mode: 0o600 });
  await rename(beside, file);
  await revokeEarlier(access, record.id);
  return file;
};
