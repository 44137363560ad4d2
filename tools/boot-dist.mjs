/** Boots the built server on a fresh data directory and reads /health/ready: some ESM faults compile and pass tests, yet throw at start. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const port = await new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => { const { port: free } = server.address(); server.close(() => resolve(free)); });
});
const dataDir = mkdtempSync(join(tmpdir(), 'rectrail-boot-'));
chmodSync(dataDir, 0o755);
const child = spawn(process.execPath, ['apps/server/dist/main.js'], {
  env: { ...process.env, RECTRAIL_DATA_DIR: dataDir, RECTRAIL_PORT: String(port), DATABASE_URL: '' }, stdio: ['ignore', 'inherit', 'inherit'],
});
let exited = false;
child.on('exit', () => { exited = true; });

const deadline = Date.now() + 60_000;
let ready = false;
while (!ready && !exited && Date.now() < deadline) {
  await new Promise((resolve) => { setTimeout(resolve, 250); });
  ready = await fetch(`http://127.0.0.1:${port}/health/ready`).then(async (reply) => { console.log(reply.status, await reply.text()); return reply.status === 200; }).catch(() => false);
}
if (!exited) {
  child.kill('SIGTERM');
  await new Promise((resolve) => { child.on('exit', resolve); setTimeout(resolve, 15_000).unref(); });
}
if (child.exitCode === null) child.kill('SIGKILL');
rmSync(dataDir, { recursive: true, force: true });
if (!ready || child.exitCode !== 0) {
  console.error(ready ? `the server did not shut down cleanly (exit ${child.exitCode})` : 'the built server did not become ready within 60 s');
  process.exit(1);
}
console.log('built dist: ready, and shut down cleanly');
