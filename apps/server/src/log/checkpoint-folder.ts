import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '@rectrail/platform';
import { sightingOf, type Sighting } from './sightings.ts';

/** One file for each size is kept so often at most, ms: an hour. The newest checkpoint is there at every moment. */
const keptEveryMs = 3_600_000;

/** For anybody to read. */
const publicMode = 0o644;

/**
 * Where checkpoints are published as files, best on another machine than the database: `checkpoint` is the newest, `checkpoints/<epoch>/<size>` some of those before, `keys` the
 * verifier keys. It tells a restored older copy apart, and anybody may be given it to read.
 */
export class CheckpointFolder {
  readonly #folder: string;
  readonly #logId: string;
  #keptAt = -Infinity;

  constructor(folder: string, logId: string) {
    [this.#folder, this.#logId] = [folder, logId];
  }

  /** What was published last, by whichever process; null where nothing was. @throws Error where the folder is another log's, or holds something else */
  async newest(): Promise<Sighting | null> {
    const file = join(this.#folder, 'checkpoint');
    let note: string;
    try {
      note = await readFile(file, 'utf8');
    } catch (error) {
      if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT') return null;
      throw error;
    }
    const { logId, ...sighting } = sightingOf(note, 'folder');
    if (logId === this.#logId) return sighting;
    throw new Error(`${file} is of the log ${logId}, and this one is ${this.#logId}. Potential solutions: give each log a folder of its own (RECTRAIL_LOG_PUBLISH_DIR)`);
  }

  /** Answers what is there already where it lies ahead, and leaves it; null where the checkpoint was published. `keys`: verifier keys of the log. */
  async publish(note: string, keys: () => Promise<readonly string[]>): Promise<Sighting | null> {
    const { epoch, size } = sightingOf(note, 'folder');
    const there = await this.newest();
    if (there !== null && (there.epoch > epoch || (there.epoch === epoch && there.size > size))) return there;
    if (performance.now() - this.#keptAt >= keptEveryMs) {
      await replaceFile(join(this.#folder, 'keys'), (await keys()).map((key) => `${key}\n`).join(''), publicMode);
      await replaceFile(join(this.#folder, 'checkpoints', String(epoch), String(size)), note, publicMode);
      this.#keptAt = performance.now();
    }
    await replaceFile(join(this.#folder, 'checkpoint'), note, publicMode);
    return null;
  }
}
