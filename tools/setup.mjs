/**
 * Installs what package-lock.json names, once: a run whose lock file has not changed since does nothing. Needs only npm and
 * a system Node ≥ 20; the Node 24 that everything else runs on comes with it, as the package `node`.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamp = join(root, 'node_modules', '.rectrail-lock');
const lock = createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex');

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  console.error('Installing packages (once; later runs skip this) …');
  const npm = process.env.npm_execpath;
  const [command, args] = npm === undefined ? ['npm', []] : [process.execPath, [npm]];
  const run = spawnSync(command, [...args, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (run.status !== 0) {
    console.error(`npm ci failed (exit ${run.status ?? run.signal ?? String(run.error)}). Potential solutions: check that npm reaches its registry, delete node_modules and try again.`);
    process.exit(1);
  }
  const major = spawnSync(join(root, 'node_modules', '.bin', 'node'), ['--version'], { encoding: 'utf8' }).stdout?.trim() ?? '';
  if (!major.startsWith('v24.')) {
    console.error(`The package "node" did not bring Node 24 (found "${major}"): its install script was probably not allowed. Potential solutions: npm ci --ignore-scripts=false.`);
    process.exit(1);
  }
  writeFileSync(stamp, lock);
}
