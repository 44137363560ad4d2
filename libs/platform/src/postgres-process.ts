import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A fast shutdown ends open transactions and writes a checkpoint, milliseconds. */
const fastShutdownMsMax = 30_000;
/** An immediate one writes nothing; recovery does the rest at the next start. */
const immediateShutdownMsMax = 10_000;
const pollMs = 20;

const codeOf = (error: unknown): unknown => (typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined);

export const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
};

const goneWithin = async (pid: number, ms: number): Promise<boolean> => {
  const deadline = Date.now() + ms;
  while (isAlive(pid) && Date.now() < deadline) await sleep(pollMs);
  return !isAlive(pid);
};

/** Fast shutdown, then an immediate one. It may be gone already: a terminal's Ctrl-C reaches it as well as us. */
export const stopPostgresProcess = async (pid: number): Promise<void> => {
  for (const [signal, ms] of [['SIGINT', fastShutdownMsMax], ['SIGQUIT', immediateShutdownMsMax]] as const) {
    if (!isAlive(pid)) return;
    process.kill(pid, signal);
    if (await goneWithin(pid, ms)) return;
  }
  throw new Error(`PostgreSQL (pid ${pid}) does not stop. Potential solutions: look at its log, then stop it by hand`);
};

const firstNumber = async (file: string): Promise<number | null> => {
  const number = existsSync(file) ? Number((await readFile(file, 'utf8')).split('\n')[0]) : Number.NaN;
  return Number.isSafeInteger(number) && number > 0 ? number : null;
};

/** The process that PostgreSQL itself names in its cluster's directory. */
export const postgresPid = (clusterDir: string): Promise<number | null> => firstNumber(join(clusterDir, 'postmaster.pid'));

/** Of the running process, as it names it in the fourth line; null where none runs. */
export const postgresPort = async (clusterDir: string): Promise<number | null> => {
  const pid = await postgresPid(clusterDir);
  if (pid === null || !isAlive(pid)) return null;
  const port = Number((await readFile(join(clusterDir, 'postmaster.pid'), 'utf8')).split('\n')[3]);
  return Number.isSafeInteger(port) && port > 0 ? port : null;
};

const isPostgres = async (pid: number): Promise<boolean> => (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => 'postgres')).includes('postgres');

const ownerFile = (dataDir: string): string => join(dataDir, 'postgres-owner.pid');

/** Leaves word whose PostgreSQL this is, so that a later start can tell an orphan from one in use. */
export const noteOwner = (dataDir: string): Promise<void> => writeFile(ownerFile(dataDir), `${process.pid}\n`);

/**
 * Makes way for a new server on the cluster: one whose owner was killed is an orphan and is stopped, a left-over pid file is
 * removed. @throws Error where another process owns a running one.
 */
export const clearCluster = async (dataDir: string, clusterDir: string): Promise<void> => {
  const pid = await postgresPid(clusterDir);
  if (pid === null) return;
  if (isAlive(pid) && (await isPostgres(pid))) {
    const owner = await firstNumber(ownerFile(dataDir));
    if (owner === null || isAlive(owner)) {
      throw new Error(`a PostgreSQL server (pid ${pid}) already runs on ${clusterDir}. Potential solutions: stop the other Rectrail server, choose another RECTRAIL_DATA_DIR, or give all servers the DATABASE_URL of one PostgreSQL (docs/how-to/several-processes.md)`);
    }
    await stopPostgresProcess(pid);
  }
  await rm(join(clusterDir, 'postmaster.pid'), { force: true });
};
