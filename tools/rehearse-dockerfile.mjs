/**
 * `node tools/rehearse-dockerfile.mjs`: does without a container engine what the Dockerfile does, in directories in place of stages, and runs what comes out as
 * another user on a tree that nobody may write: health check, command line, SIGTERM. Needs npm's registry, and PostgreSQL (DATABASE_URL, else the embedded one).
 * It shows that the steps work and that nothing is missing; not that the base image has what they need. The last stage's RUN, which names paths of the image, is left out.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmbeddedPostgres } from '../libs/platform/src/embedded-postgres.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const work = mkdtempSync(join(tmpdir(), 'rectrail-image-'));
chmodSync(work, 0o755);

/** Instructions, continued lines joined, comments left out. */
const instructions = readFileSync(join(root, 'Dockerfile'), 'utf8').replaceAll(/^#.*\n/gm, '').replaceAll('\\\n', ' ').split('\n').filter((line) => line.trim() !== '')
  .map((line) => /^(\S+)\s+(.*)$/.exec(line).slice(1));
const stages = [];
for (const [name, rest] of instructions) {
  if (name === 'FROM') stages.push({ base: rest.split(' ')[0], name: / AS (\S+)$/.exec(rest)?.[1] ?? 'image', steps: [] });
  else stages.at(-1).steps.push([name, rest]);
}

/** What .dockerignore lets in: `*`, then names that are not ignored, then `**` patterns that are. */
const rules = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
const taken = rules.filter((rule) => rule.startsWith('!')).map((rule) => rule.slice(1));
const left = rules.filter((rule) => rule.startsWith('**/')).map((rule) => new RegExp(`^${rule.slice(3).replaceAll('.', '\\.').replaceAll('*', '.*')}$`));
const isTaken = (source) => !relative(root, source).split('/').some((part) => left.some((pattern) => pattern.test(part)));

const copy = (from, sources, to) => {
  for (const source of sources) {
    const target = to.endsWith('/') ? join(to, source.split('/').at(-1)) : to;
    cpSync(join(from, source), target, { recursive: true, verbatimSymlinks: true });
  }
};
const perform = (directory, [name, rest], isLast) => {
  if (name === 'COPY' && rest === '. .') for (const one of taken) cpSync(join(root, one), join(directory, one), { recursive: true, filter: isTaken });
  else if (name === 'COPY') {
    const [, stage, paths] = /^--from=(\S+) (.*)$/.exec(rest);
    const names = paths.split(' ').map((path) => path.replace(/^\/app\//, ''));
    copy(join(work, stage), names.slice(0, -1), names.at(-1) === './' ? `${directory}/` : join(directory, names.at(-1)));
  } else if (name === 'RUN' && !isLast) {
    console.log(`\n── ${rest}`);
    execFileSync('sh', ['-ec', rest], { cwd: directory, stdio: 'inherit', env: { ...process.env, NODE_ENV: '' } });
  }
};
for (const { base, name, steps } of stages) {
  const directory = join(work, name);
  if (existsSync(join(work, base))) cpSync(join(work, base), directory, { recursive: true, verbatimSymlinks: true });
  else mkdirSync(directory);
  for (const step of steps) perform(directory, step, name === 'image');
}
const image = join(work, 'image');
console.log(`\nimage without its base: ${execFileSync('du', ['-sh', image], { encoding: 'utf8' }).split('\t')[0]}`);
execFileSync('chmod', ['-R', 'a-w', image]);

// uid 1000 is `node` in the image.
const user = process.getuid() === 0 ? { uid: 1_000, gid: 1_000 } : {};
const data = join(work, 'data');
mkdirSync(data);
if (user.uid !== undefined) chownSync(data, user.uid, user.gid);
const port = await new Promise((resolve) => { const server = createServer().listen(0, '127.0.0.1', () => { const { port: free } = server.address(); server.close(() => resolve(free)); }); });
let postgres = null;
if (process.env.DATABASE_URL === undefined) {
  postgres = await startEmbeddedPostgres({ dataDir: join(work, 'database') });
}
const last = stages.at(-1).steps;
const settings = Object.fromEntries(last.filter(([name]) => name === 'ENV').flatMap(([, rest]) => rest.split(' ').map((pair) => pair.split('='))));
const env = { PATH: process.env.PATH, ...settings, RECTRAIL_HOST: '127.0.0.1', RECTRAIL_PORT: String(port), RECTRAIL_DATA_DIR: data, DATABASE_URL: process.env.DATABASE_URL ?? postgres.url };
const command = (name) => JSON.parse(/\[.*\]/.exec(last.find(([one]) => one === name)[1])[0]).slice(1);
const server = spawn(process.execPath, command('ENTRYPOINT'), { cwd: image, env, stdio: 'inherit', ...user });
const run = async (args) => (await once(spawn(process.execPath, args, { cwd: image, env: { ...env, RECTRAIL_URL: `http://127.0.0.1:${port}` }, stdio: 'inherit', ...user }), 'exit'))[0];

const checks = {};
const deadline = Date.now() + 60_000;
do {
  await new Promise((resolve) => { setTimeout(resolve, 500); });
  checks['health check'] = (await run(command('HEALTHCHECK'))) === 0;
} while (!checks['health check'] && server.exitCode === null && Date.now() < deadline);
checks.ready = await fetch(`http://127.0.0.1:${port}/health/ready`).then((reply) => reply.status === 200, () => false);
checks['command line'] = (await run(['apps/cli/bin/rectrail.mjs', 'projections'])) === 0;
if (server.exitCode === null) {
  server.kill('SIGTERM');
  await once(server, 'exit');
}
checks['exit 0 on SIGTERM'] = server.exitCode === 0;
await postgres?.stop();
execFileSync('chmod', ['-R', 'u+w', work]);
rmSync(work, { recursive: true, force: true });
for (const [name, passed] of Object.entries(checks)) console.log(`${passed ? 'passed' : 'FAILED'}  ${name}`);
process.exit(Object.values(checks).every(Boolean) ? 0 : 1);
