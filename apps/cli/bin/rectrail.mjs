#!/usr/bin/env node
// Starts the built command line on the Node that the packages bring, so that any system Node ≥ 20 will do.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const main = at('../dist/main.js');
if (!existsSync(main)) {
  console.error('rectrail is not built yet (尚未构建). Potential solutions: npm run setup && npm run build');
  process.exit(1);
}
const bundled = at('../../../node_modules/node/bin/node');
if (Number(process.versions.node.split('.')[0]) >= 24 || !existsSync(bundled)) await import(main);
else {
  // Ctrl-C reaches both processes; only the inner one decides what it means.
  process.on('SIGINT', () => undefined);
  const run = spawnSync(bundled, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exit(run.status ?? 1);
}
