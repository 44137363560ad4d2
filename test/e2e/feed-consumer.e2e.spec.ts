// Goal: the consumer of docs/how-to ends with the server's digest, whatever becomes of it on the way, and serves what a dashboard reads. Method: it runs as a process of its own
// beside a server; it is killed while things happen, and started again; at last the log is another one.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '@rectrail/platform';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Json } from '../support/api.ts';
import { ago, twoOrganisations, type TwoOrganisations } from '../support/two-organisations.ts';

const script = join(import.meta.dirname, '../../docs/how-to/feed-consumer/consumer.mjs');

let world: TwoOrganisations;
let dir: string;
const running = new Set<Consumer>();

interface Consumer { readonly url: string; readonly kill: () => Promise<void> }

const start = async (settings: Record<string, string> = {}): Promise<Consumer> => {
  const { url, token } = world.server;
  const child: ChildProcess = spawn(process.execPath, [script], {
    env: { RECTRAIL_URL: url, RECTRAIL_TOKEN: token, FEED_FILE: join(dir, 'feed.json'), PORT: '0', ...settings }, stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise<void>((resolve) => { child.once('close', () => { resolve(); }); });
  const [line] = await Array.fromAsync(async function* () { for await (const text of child.stdout!) { yield String(text); return; } }());
  const consumer = { url: line!.trim(), kill: async () => { child.kill('SIGKILL'); await ended; running.delete(consumer); } };
  running.add(consumer);
  return consumer;
};

const page = async ({ url }: Consumer, path: string): Promise<Response> => fetch(`${url}${path}`);
const status = async (consumer: Consumer): Promise<Json> => (await page(consumer, '/status')).json();

const digestOf = async (query: string): Promise<string> => (await world.server.get(`/feed/digest?${query}`)).digest;

/** The consumer's status once it is so, within 20 s. */
const statusWhen = async (consumer: Consumer, holds: (is: Json) => boolean): Promise<Json> => {
  let is = await status(consumer);
  for (const deadline = Date.now() + 20_000; !holds(is) && Date.now() < deadline; is = await status(consumer)) await new Promise((resolve) => { setTimeout(resolve, 20); });
  if (!holds(is)) throw new Error(`the consumer has not come so far: ${JSON.stringify(is)}`);
  return is;
};
/** Once it has the server's digest: not every position makes a message, so positions need not be equal. */
const caughtUp = async (consumer: Consumer, query = ''): Promise<Json> => {
  const digest = await digestOf(query);
  return statusWhen(consumer, (is) => is.digest === digest);
};
const issue = async (title: string): Promise<string> =>
  (await world.server.post('/issues', { inspectionId: world.inspection, numberPath: [title], title }, world.committee)).id;
const accept = (id: string): Promise<unknown> => world.server.post(`/issues/${id}/accept`, { on: ago(3) }, world.bureau);

beforeAll(async () => {
  world = await twoOrganisations();
  dir = await mkdtemp(join(tmpdir(), 'rectrail-consumer-'));
});
afterAll(async () => {
  for (const consumer of running) await consumer.kill();
  await world.server.close();
  await rm(dir, { recursive: true, force: true });
});

describe('the consumer of the how-to', () => {
  it('begins with a snapshot, follows, is killed and started again, and has the server\'s digest', async () => {
    let consumer = await start();
    await caughtUp(consumer);
    const ids: string[] = [];
    for (let n = 0; n < 12; n += 1) {
      ids.push(await issue(`问题${n}`));
      if (n % 3 === 2) await accept(ids[n]!);
      // At some point of its work, whichever.
      if (n % 5 === 4) { await consumer.kill(); await accept(ids[n]!); consumer = await start(); }
    }
    const [retracted] = (await world.server.get(`/audit-trail?stream=issue-${ids[0]}`)).items;
    await world.server.post('/retractions', { eventIds: [retracted.eventId], reason: '误' });
    for (const ledger of ['ningbo-2022.ndjson', 'heshan-2025.ndjson']) await world.server.importLedger(ledger);
    // Nouns that are not the first word of their subjects.
    await world.server.post('/funds-cases', { issueIds: [world.issue], money: { fen: '200000' }, kind: 'ALLOWANCE', on: ago(20) }, world.bureau);
    await caughtUp(consumer);
    await consumer.kill();
  });

  it('compares itself with the server, and says so', async () => {
    const consumer = await start({ FEED_CHECK_MS: '100' });
    await issue('又一问题');
    const { checked } = await statusWhen(consumer, (is) => is.checked !== null);
    expect(checked).toMatchObject({ equal: true, digest: expect.stringMatching(/^[0-9a-f]{64}$/) });
    await consumer.kill();
  });

  it('serves issues by organisation and state, as JSON and as CSV', async () => {
    const consumer = await start();
    await caughtUp(consumer);
    const rows: Json = await (await page(consumer, '/issues.json')).json();
    const { figures } = await world.server.get('/dashboard?org=CN-330200-JT');
    const ningbo = rows.filter(({ organisation }: Json) => organisation === '宁波市交通运输局');
    expect(ningbo.length).toBeGreaterThan(1);
    expect(Object.fromEntries(ningbo.map(({ state, issues }: Json) => [state, issues]))).toMatchObject({ DONE_REPORTED: figures.issues.byState.DONE_REPORTED.count });
    const text = await (await page(consumer, '/issues.csv')).text();
    expect(text.split('\r\n').slice(0, 2)).toEqual(['organisation,state,issues', `"${rows[0].organisation}",${rows[0].state},${rows[0].issues}`]);
    expect((await page(consumer, '/nothing')).status).toBe(404);
    await consumer.kill();
  });

  it('keeps to an organisation and all below it where it is told so', async () => {
    const consumer = await start({ FEED_FILE: join(dir, 'subtree.json'), FEED_ORG: 'WEI' });
    await caughtUp(consumer, 'org=WEI');
    await accept(await issue('下级问题'));
    await caughtUp(consumer, 'org=WEI');
    const rows: Json = await (await page(consumer, '/issues.json')).json();
    expect(new Set(rows.map(({ organisation }: Json) => organisation))).toEqual(new Set(['某市交通运输局']));
    await consumer.kill();
  });

  it('begins anew where the source is another one', async () => {
    const file = { FEED_FILE: join(dir, 'restored.json') };
    const consumer = await start(file);
    const before = await caughtUp(consumer);
    await consumer.kill();
    const database = await openDatabase({ url: world.server.databaseUrl, connectionsMax: 4, onError: () => undefined });
    // What a restored copy begins with: the same log in a new epoch.
    await database.query('insert into rectrail_events.epochs (epoch, log_id) select epoch + 1, log_id from rectrail_events.epochs order by epoch desc limit 1');
    await database.close();
    await world.server.restart();
    const again = await start(file);
    expect((await statusWhen(again, ({ source }) => source !== before.source)).source).toBe(before.source.replace(/:1$/, ':2'));
    await caughtUp(again);
  });
});
