/**
 * `npm run test:services [-- --seconds N] [-- path …]`: the specs that need more than the embedded PostgreSQL. A spec says by its name what it
 * needs (`*.<need>.services.spec.ts`); what cannot run here is told as NOT RUN with the reason, never as passed. `--seconds` is how long
 * each fault is injected; some seconds by default.
 */
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { kafkaMissing, kafkaVersion } from '../libs/messaging/src/testing/kafka-broker.ts';
import { runStep, table } from './run-steps.mjs';

const givenKafka = process.env.RECTRAIL_TEST_KAFKA_BROKERS;
const goMissing = () => {
  if (spawnSync('go', ['version'], { stdio: 'ignore' }).status !== 0) return 'no Go on the path';
  return spawnSync('go', ['mod', 'download'], { cwd: 'test/interop/go', stdio: 'ignore' }).status === 0 ? null : 'golang.org/x/mod cannot be fetched';
};

const mountMissing = () => {
  if (process.getuid?.() !== 0) return 'only root mounts a file system';
  const folder = mkdtempSync(join(tmpdir(), 'rectrail-mount-'));
  try {
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' }).status !== 0) return 'this system lets nobody mount one';
    spawnSync('umount', [folder], { stdio: 'ignore' });
    return null;
  } finally {
    rmSync(folder, { recursive: true });
  }
};

/** `missing`: why the need cannot be met here, or null. */
const needs = {
  kafka: { name: givenKafka === undefined ? `Kafka ${kafkaVersion} (Maven artifacts)` : `Kafka (${givenKafka})`, missing: () => (givenKafka === undefined ? kafkaMissing() : null) },
  broker: { name: `Kafka ${kafkaVersion}, killed and started again`, missing: kafkaMissing },
  kurrentdb: { name: 'KurrentDB', missing: () => (process.env.RECTRAIL_TEST_KURRENTDB_URL === undefined ? 'RECTRAIL_TEST_KURRENTDB_URL is not given' : null) },
  go: { name: 'Go', missing: goMissing },
  strace: { name: 'strace', missing: () => (spawnSync('strace', ['-V'], { stdio: 'ignore' }).status === 0 ? null : 'no strace on the path') },
  mount: { name: 'a small file system of its own', missing: mountMissing },
};

const needOf = (file) => /\.([a-z]+)\.services\.spec\.ts$/.exec(file)?.[1] ?? '';
const output = '.ci-out/services.json';

const runJest = async (runnable, { paths, seconds }) => {
  mkdirSync('.ci-out', { recursive: true });
  rmSync(output, { force: true });
  return runStep('services', process.execPath, [
    '--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js', '--ci', '--selectProjects', 'services', '--json', `--outputFile=${output}`,
    '--runTestsByPath', ...runnable.filter((file) => paths.length === 0 || paths.some((path) => file.includes(path))),
  ], { env: { ...process.env, ...(seconds !== undefined && { RECTRAIL_TEST_SECONDS: seconds }) } });
};

/** Counts of one need's specs. A spec that did not come to its tests (a broker that does not start) counts as one failure. */
const countsOf = (results, need) => {
  const files = results.testResults.filter(({ name }) => needOf(name) === need);
  const tests = files.flatMap(({ assertionResults }) => assertionResults);
  const count = (status) => tests.filter((test) => test.status === status).length;
  const broken = files.filter(({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed')).length;
  return { passed: count('passed'), failed: count('failed') + broken, skipped: tests.length - count('passed') - count('failed') };
};

/** Rows for the table at the end, and the sums over them. */
export const runServices = async ({ paths = [], seconds } = {}) => {
  const files = globSync('{libs,apps,test}/**/*.services.spec.ts', { exclude: (name) => name === 'node_modules' || name === 'dist' });
  const unknown = files.filter((file) => !(needOf(file) in needs));
  if (unknown.length > 0) throw new Error(`${unknown.join(', ')}: no such need; tools/services.mjs has the table`);
  const missing = new Map(Object.entries(needs).map(([need, { missing: why }]) => [need, files.some((file) => needOf(file) === need) ? why() : 'no spec needs it']));
  const runnable = files.filter((file) => missing.get(needOf(file)) === null);
  const step = runnable.length === 0 ? null : await runJest(runnable, { paths, seconds });
  let results = { testResults: [] };
  try {
    results = step === null ? results : JSON.parse(readFileSync(resolve(output), 'utf8'));
  } catch {
    // Jest itself did not come to its end: every need that should have run is red below.
  }
  const sums = { passed: 0, failed: 0, skipped: 0 };
  const rows = Object.entries(needs).map(([need, { name }]) => {
    const reason = missing.get(need);
    if (reason !== null) return { name, status: 'NOT RUN', note: reason };
    const counts = countsOf(results, need);
    for (const key of Object.keys(sums)) sums[key] += counts[key];
    const ran = counts.passed + counts.failed > 0;
    if (!ran && paths.length > 0) return { name, status: 'NOT RUN', note: 'not asked for' };
    if (!ran) sums.failed += 1;
    return { name, status: counts.failed === 0 && counts.skipped === 0 && ran ? 'passed' : 'failed', note: ran ? `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped` : 'no test ran' };
  });
  if (step !== null && step.status === 'failed' && sums.failed === 0) sums.failed += 1;
  return { rows, sums, seconds: step?.seconds ?? 0 };
};

if (import.meta.main) {
  const { values, positionals } = parseArgs({ options: { seconds: { type: 'string' } }, allowPositionals: true });
  const { rows, sums } = await runServices({ paths: positionals, seconds: values.seconds });
  console.log(`\n${table(rows)}\n`);
  process.exit(sums.failed + sums.skipped > 0 ? 1 : 0);
}
