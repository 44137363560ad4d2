import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The names in a folder survive a loss of power. */
export const syncFolder = async (path: string): Promise<void> => {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Written beside with its mode from the start, flushed, moved into place, and the folder flushed: whoever reads finds a whole file, also after a loss of power. */
export const replaceFile = async (file: string, content: string | Uint8Array, mode: number): Promise<void> => {
  await mkdir(dirname(file), { recursive: true });
  const beside = `${file}.new`;
  // One that a crash has left would keep its own mode.
  await rm(beside, { force: true });
  await writeFile(beside, content, { mode, flush: true });
  await rename(beside, file);
  await syncFolder(dirname(file));
};
