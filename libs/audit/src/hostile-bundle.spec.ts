// Goal: nobody who hands on a bundle makes the verifier say that it is right where something of it was changed, nor makes it break. Method: a bundle of a random history, one
// change of its files or of its manifest at a time.
import { cp, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { replaceFile } from '@rectrail/platform';
import { bundleEvent, bundleLine, type BundleManifest } from './bundle-format.ts';
import { Bundle } from './bundle.ts';
import { BundleWriter } from './bundle-writer.ts';
import { LogKeys } from './log-keys.ts';
import { checkpointOf, sampleLog, type SampleLog } from './testing/sample-log.ts';
import { verifyLog } from './verify-log.ts';

const [events, eventsOfPart] = [90, 30];
const [first, second, third] = ['0000000000000001', '0000000000000031', '0000000000000061'];

let log: SampleLog;
let keys: LogKeys;
let directory: string;
let count = 0;

beforeAll(async () => {
  log = await sampleLog(9, events);
  keys = new LogKeys([log.key.verifier]);
  directory = await mkdtemp(join(tmpdir(), 'rectrail-hostile-'));
  const writer = await BundleWriter.begin(join(directory, 'honest'), {
    logId: log.identity.logId, after: 0, last: events, audience: 'everything', keys: [log.key.verifier], frontier: { size: 0, hashes: [] }, checkpoints: [checkpointOf(log.events, log.identity, events, log.key)],
  }, replaceFile);
  for (let at = 0; at < events; at += eventsOfPart) {
    await writer.add(Buffer.from(log.events.slice(at, at + eventsOfPart).map((event) => bundleLine(bundleEvent(event, log.identity, true))).join('')));
  }
  await writer.finish();
});
afterAll(async () => { await rm(directory, { recursive: true, force: true }); });

type Change = (to: string) => Promise<unknown>;
/** Codes and positions of what is found of a changed copy. */
const found = async (change: Change): Promise<readonly string[]> => {
  const to = join(directory, String(count += 1));
  await cp(join(directory, 'honest'), to, { recursive: true });
  await change(to);
  return (await verifyLog({ source: await Bundle.open(to), keys })).findings.map(({ code, position }) => `${code} ${position}`);
};
const inManifest = (change: (manifest: BundleManifest) => object): Change => async (to) => {
  const file = join(to, 'manifest.json');
  const manifest = JSON.parse(await readFile(file, 'utf8')) as BundleManifest;
  await writeFile(file, JSON.stringify({ ...manifest, ...change(manifest) }));
};
const inLine = (at: number, change: (line: string) => string): Change => async (to) => {
  const file = join(to, `events/${[first, second, third][Math.floor((at - 1) / eventsOfPart)]}.ndjson`);
  const lines = (await readFile(file, 'utf8')).split('\n');
  await writeFile(file, lines.with((at - 1) % eventsOfPart, change(lines[(at - 1) % eventsOfPart]!)).join('\n'));
};
const partsWith = (at: number, part: Partial<BundleManifest['parts'][number]>) => inManifest(({ parts }) => ({ parts: parts.with(at, { ...parts[at]!, ...part }) }));

describe('a bundle', () => {
  it('as it was exported is right', async () => {
    expect(await found(() => Promise.resolve())).toEqual([]);
  });

  it.each<readonly [string, Change, readonly string[]]>([
    ['whose leaf hashes are gone', (to) => rm(join(to, `leaves/${second}.bin`)), ['bundle-damaged 31']],
    ['whose leaf hashes are too few', (to) => truncate(join(to, `leaves/${second}.bin`), 320), ['bundle-damaged 31']],
    ['which names a file twice', inManifest(({ parts }) => ({ parts: parts.with(1, { ...parts[1]!, events: parts[0]!.events }) })), ['position-out-of-order 31']],
    ['of which a file stands elsewhere, as it was written', async (to) => {
      await rm(join(to, `events/${second}.ndjson`));
      await symlink(join(directory, 'honest', `events/${second}.ndjson`), join(to, `events/${second}.ndjson`));
    }, []],
    ['of which a file has no end', async (to) => {
      await rm(join(to, `events/${second}.ndjson`));
      await symlink('/dev/zero', join(to, `events/${second}.ndjson`));
    }, ['bundle-damaged 31', 'bundle-damaged 31']],
    ['whose last file is cut off in a line', (to) => truncate(join(to, `events/${third}.ndjson`), 3_000), ['leaf-malformed 64', 'bundle-damaged 61']],
    ['with events behind the size', inManifest(({ parts }) => ({ last: 60, parts: parts.slice(0, 2) })), ['log-too-short 61']],
    ['without events', inManifest(() => ({ last: 0, parts: [] })), ['log-too-short 1']],
    ['without checkpoints', inManifest(() => ({ checkpoints: [] })), ['checkpoint-missing 1']],
    ['that says that a content was purged', inLine(40, (line) => line.replace(/"content":.*$/, '"purged":true}')), ['content-missing 40', 'bundle-damaged 31']],
    ['with a key twice in a leaf', inLine(40, (line) => line.replace('{"leaf":{', '{"leaf":{"contentSha256":"00",')), ['leaf-malformed 40', 'bundle-damaged 31']],
    ['with a line of 20 MB', inLine(40, (line) => `{"leaf":${'x'.repeat(20_000_000)}${line}`), ['leaf-malformed 40', 'bundle-damaged 31']],
    ['with another size of a file', partsWith(1, { events: { name: `events/${second}.ndjson`, bytes: 1, sha256: '0'.repeat(64) } }), ['bundle-damaged 31']],
    ['of another origin', inManifest(({ checkpoints }) => ({ checkpoints: checkpoints.map((note) => note.replace('/1\n', '/2\n')) })), ['checkpoint-unsigned 1']],
  ])('%s', async (_, change, expected) => {
    expect(await found(change)).toEqual(expected);
  });

  it.each<readonly [string, (manifest: BundleManifest) => object]>([
    ['climbs out', ({ parts }) => ({ parts: parts.with(0, { ...parts[0]!, events: { ...parts[0]!.events, name: '../../etc/passwd' } }) })],
    ['has a hole', ({ parts }) => ({ parts: parts.toSpliced(1, 1) })],
    ['has a number past 2^53', () => ({ last: 2 ** 53 + 2 })],
    ['has a key that is none', () => ({ trust: 'me' })],
    ['has an edge that is none of its size', () => ({ frontier: ['0'.repeat(64)] })],
  ])('whose manifest %s cannot be checked', async (_, change) => {
    await expect(found(inManifest(change))).rejects.toThrow();
  });
});
