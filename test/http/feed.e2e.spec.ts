// Goal: others hear every change once, in order, of what is theirs to know, whether they ask for pages, wait, or follow a stream; and take up where they broke off.
// Method: a server with two organisations and an imported report, readers of every kind, over real HTTP.
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestServer, type Json, type Reply } from '../support/api.ts';
import { serverEvents, type ServerEvent } from '../support/server-events.ts';
import { ago, twoOrganisations, type TwoOrganisations } from '../support/two-organisations.ts';

let world: TwoOrganisations;

beforeAll(async () => {
  world = await twoOrganisations();
  await world.server.importLedger('liuba-2020.ndjson');
});
afterAll(async () => { await world.server.close(); });

const get = (path: string, token = world.server.token, headers: Record<string, string> = {}): Promise<Reply> => world.server.call('GET', path, { token, headers });

/** Everything from `path` on to the head, by `next`. */
const paged = async (path: string, token = world.server.token): Promise<Json[]> => {
  const messages: Json[] = [];
  for (let next = path; ;) {
    const { body } = await get(next, token);
    messages.push(...body.messages);
    if (body.scannedTo >= body.head) return messages;
    next = body.next.slice('/api/v1'.length);
  }
};

/** Of a snapshot, all pages. */
const subjects = async (query: string, token = world.server.token): Promise<{ readonly subjects: readonly Json[]; readonly digest: string; readonly at: number }> => {
  const all: Json[] = [];
  for (let next = `/feed/snapshot?${query}`; ;) {
    const { body } = await get(next, token);
    all.push(...body.subjects);
    if (body.next === null) return { subjects: all, digest: body.digest, at: body.at };
    expect(body.digest).toBeNull();
    next = body.next.slice('/api/v1'.length);
  }
};

interface Listening { readonly token?: string; readonly after?: string; readonly signal?: AbortSignal; readonly server?: { readonly url: string; readonly token: string } }

const listen = async (query = '', { server = world.server, token = server.token, after, signal }: Listening = {}): Promise<{ readonly response: Response; readonly events: AsyncGenerator<ServerEvent> }> => {
  const response = await fetch(`${server.url}/api/v1/feed/stream?${query}`, { headers: { authorization: `Bearer ${token}`, ...(after !== undefined && { 'last-event-id': after }) }, ...(signal && { signal }) });
  return { response, events: serverEvents(response) };
};

/** The first so many messages of a stream, which is then left. */
const heard = async (n: number, query = '', options: Listening = {}): Promise<readonly ServerEvent[]> => {
  const left = new AbortController();
  const { events } = await listen(query, { ...options, signal: left.signal });
  const messages: ServerEvent[] = [];
  while (messages.length < n) {
    const { value, done } = await events.next();
    if (done === true) break;
    if (value.event === 'message') messages.push(value);
  }
  left.abort();
  return messages;
};

const progress = (text: string): Promise<Reply> => world.post(world.bureau, `/issues/${world.issue}/progress`, { text, on: ago(20) });
const sequences = (messages: readonly Json[]): readonly string[] => messages.map(({ sequence }) => sequence);

describe('pages', () => {
  it('come in the order of the log, whatever their size, each message once', async () => {
    const all = await paged('/feed');
    expect(all.length).toBeGreaterThan(50);
    expect(sequences(all)).toEqual(sequences(all).toSorted());
    expect(new Set(all.map(({ source, id }) => `${source} ${id}`)).size).toBe(all.length);
    for (const limit of [1, 7, 1_000]) expect(await paged(`/feed?limit=${limit}`)).toEqual(all);
    expect(all.find(({ subject }) => subject === `issues/${world.issue}`)).toMatchObject({
      specversion: '1.0', type: 'rectrail.issue.registered.v1', datacontenttype: 'application/json', dataclassification: 'internal', data: { state: { title: '资金管理不严' } },
    });
  });

  it('hold what is asked for by noun, type, level and organisation', async () => {
    const all = await paged('/feed');
    const issues = await paged('/feed?noun=issues,measures');
    expect(issues).toEqual(all.filter(({ subject }) => /^(issues|measures)\//.test(subject)));
    expect(await paged('/feed?type=rectrail.issue.registered.v1&limit=2')).toEqual(all.filter(({ type }) => type === 'rectrail.issue.registered.v1'));
    const ofBureaus = await paged('/feed?noun=issues&level=bureau&org=WEI');
    expect(new Set(ofBureaus.map(({ data }) => data.state.issueId))).toEqual(new Set([world.issue]));
  });

  it('hold what the schema says that they name', async () => {
    const all = await paged('/feed');
    const ajv = new Ajv({ strict: false, validateFormats: false });
    for (const path of new Set<string>(all.map(({ dataschema }) => dataschema))) {
      const { status, headers, body } = await world.server.call('GET', path, { token: null });
      expect([status, headers.get('content-type')]).toEqual([200, 'application/schema+json; charset=utf-8']);
      ajv.addSchema(body, path);
    }
    for (const { dataschema, data } of all) expect([ajv.validate(dataschema, data), ajv.errors]).toEqual([true, null]);
    expect((await world.server.call('GET', '/schemas/rectrail.issue.nonsense.v1.json', { token: null })).status).toBe(404);
    const { asyncapi, channels } = (await world.server.call('GET', '/asyncapi.json', { token: null })).body;
    expect([asyncapi, channels.issues.address]).toEqual(['3.1.0', 'rectrail.issues']);
  });

  it('tell the public nothing but public facts', async () => {
    const told = await paged('/feed?audience=public');
    expect(told.length).toBeGreaterThan(20);
    expect(new Set(told.map(({ dataclassification }) => dataclassification))).toEqual(new Set(['public']));
    expect(JSON.stringify(told)).not.toContain(world.issue);
  });

  it('wait for the first message, which wakes them', async () => {
    const head = await world.head();
    const waiting = get(`/feed?after=${head}&wait=60&noun=issues`);
    expect((await progress('已部署')).status).toBe(200);
    const { body } = await waiting;
    expect(body.messages.map(({ type, subject }: Json) => [type, subject])).toEqual([[expect.stringMatching(/^rectrail\.issue\./), `issues/${world.issue}`]]);
    expect(body.scannedTo).toBe(head + 1);
  });

  it('are not told to a token that was revoked while it waited', async () => {
    const token = await world.server.makeToken('JT', 'feed-reader', '整改大屏');
    const waiting = get(`/feed?after=${await world.head()}&wait=60&noun=issues`, token);
    // It waits once it is counted.
    for (let readers = ''; !/^rectrail_feed_readers [1-9]/m.test(readers);) readers = (await get('/metrics')).body;
    expect((await world.server.call('DELETE', `/tokens/${token.split('_')[1]}`)).status).toBeLessThan(300);
    expect((await progress('又部署')).status).toBe(200);
    expect(await waiting).toMatchObject({ status: 401, body: { code: 'token-invalid' } });
  });

  it('are empty when the time is over, and say how far they looked', async () => {
    const head = await world.head();
    expect((await progress('再部署')).status).toBe(200);
    const { status, body } = await get(`/feed?after=${head}&wait=1&noun=funds`);
    expect([status, body.messages, body.scannedTo, body.next]).toEqual([200, [], head + 1, `/api/v1/feed?after=${head + 1}&wait=1&noun=funds`]);
  });
});

describe('a stream', () => {
  it('is the same messages, those that come included', async () => {
    const all = await paged('/feed');
    const hearing = heard(all.length + 1);
    expect((await progress('三部署')).status).toBe(200);
    const messages = await hearing;
    expect(messages.slice(0, -1).map(({ data }) => data)).toEqual(all);
    expect(messages.map(({ id }) => id).filter((id) => id !== undefined)).toEqual([...new Set(sequences(messages.map(({ data }) => data)))]);
    expect(messages.at(-1)!.data.subject).toBe(`issues/${world.issue}`);
  });

  it('begins with its source, and where it stands', async () => {
    const left = new AbortController();
    const { response, events } = await listen('after=3', { signal: left.signal });
    expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([200, 'text/event-stream', 'no-store']);
    const { value } = await events.next();
    expect(value).toEqual({ event: 'start', id: '0000000000000003', data: { source: expect.stringMatching(/^urn:rectrail:[0-9a-f-]{36}:1$/), after: 3, head: await world.head() } });
    left.abort();
  });

  it('goes on behind any id without a gap and without a message twice', async () => {
    const all = await paged('/feed');
    const ids = [...new Set(sequences(all))];
    for (const at of [0, 17, ids.length - 3]) {
      const rest = all.filter(({ sequence }) => sequence > ids[at]!);
      // Last-Event-ID goes before the `after` with which a browser began.
      expect((await heard(rest.length, 'after=0', { after: ids[at]! })).map(({ data }) => data)).toEqual(rest);
    }
  });

  it('is open so many times at once, and is counted', async () => {
    const other = await startTestServer({ RECTRAIL_FEED_READERS_MAX: '1' });
    try {
      const left = new AbortController();
      const { events } = await listen('', { server: other, signal: left.signal });
      expect((await events.next()).value.event).toBe('start');
      const { response } = await listen('', { server: other });
      expect([response.status, response.headers.get('retry-after'), (await response.json() as Json).code]).toEqual([503, '2', 'too-many-readers']);
      expect((await other.call('GET', '/metrics')).body).toMatch(/^rectrail_feed_readers 1$/m);
      left.abort();
    } finally {
      await other.close();
    }
  });

  it('and a page that waits are let go of whenever their reader leaves', async () => {
    const head = await world.head();
    await Promise.all(Array.from({ length: 60 }, async (_, n) => {
      const [left, path] = [new AbortController(), n % 2 === 0 ? '/feed/stream?org=WEI' : `/feed?org=WEI&wait=60&after=${head}`];
      const asked = fetch(`${world.server.url}/api/v1${path}`, { headers: { authorization: `Bearer ${world.server.token}` }, signal: left.signal }).catch(() => undefined);
      await new Promise((resolve) => { setTimeout(resolve, n); });
      left.abort();
      await asked;
    }));
    const open = async (): Promise<string> => /^rectrail_feed_readers (\d+)$/m.exec(String((await get('/metrics')).body))![1]!;
    for (const deadline = Date.now() + 10_000; await open() !== '0' && Date.now() < deadline;) await new Promise((resolve) => { setTimeout(resolve, 50); });
    expect(await open()).toBe('0');
  });

  it('tells its reader that the server stops, as a page that waits is answered', async () => {
    const other = await startTestServer();
    const { events } = await listen('', { server: other });
    expect((await events.next()).value.event).toBe('start');
    const head = (await other.call('GET', '/feed?limit=1')).body.head;
    const waiting = other.call('GET', `/feed?after=${head}&wait=60`);
    const rest = Array.fromAsync(events);
    // Both are open once the metrics say so.
    while (!/^rectrail_feed_readers 2$/m.test(String((await other.call('GET', '/metrics')).body))) await new Promise((resolve) => { setTimeout(resolve, 10); });
    await other.close();
    expect((await rest).at(-1)).toMatchObject({ event: 'end', data: { reason: 'shutdown' } });
    expect((await waiting).body).toMatchObject({ messages: [], scannedTo: head });
  });
});

describe('a snapshot', () => {
  it('is what the messages come to, page by page, with one digest', async () => {
    const newest = new Map((await paged('/feed')).map(({ subject, sequence, data }: Json) => [subject, { sequence, state: data.state }]));
    const { subjects: all, digest, at } = await subjects('limit=1000');
    expect(at).toBe(await world.head());
    expect(new Map(all.map(({ subject, sequence, state }) => [subject, { sequence, state }]))).toEqual(new Map([...newest].filter(([, { state }]) => state !== null)));
    for (const limit of [1_000, 9]) expect(await subjects(`at=${at}&limit=${limit}`)).toEqual({ subjects: all, digest, at });
    expect((await get(`/feed/digest?at=${at}`)).body).toEqual({ source: expect.any(String), at, digest, next: null });
  });

  it('of a position reached before is as it was then', async () => {
    const before = await subjects('');
    expect((await progress('四部署')).status).toBe(200);
    expect(await subjects(`at=${before.at}`)).toEqual(before);
    expect((await subjects('')).at).toBe(before.at + 1);
  });
});

describe('a jurisdiction', () => {
  const ways = ['/feed?limit=1000', '/feed/snapshot?limit=1000'];

  it.each(ways)('leaves out of %s what is not the token\'s', async (path) => {
    const text = JSON.stringify((await get(path, world.stranger)).body);
    for (const word of [world.issue, world.inspection, world.measure, world.fundsCase, '"JT"', '某市']) expect(text).not.toContain(word);
    expect(text).toContain(world.strange.issue);
    expect(JSON.stringify((await get(path, world.committee)).body)).toContain(world.issue);
  });

  it('leaves it out of a stream', async () => {
    const told = await paged('/feed', world.stranger);
    expect((await heard(told.length, '', { token: world.stranger })).map(({ data }) => data)).toEqual(told);
  });

  it('has a digest of its own', async () => {
    const digests = await Promise.all([world.stranger, world.bureau, world.server.token].map(async (token) => (await get('/feed/digest', token)).body.digest));
    expect(new Set(digests).size).toBe(3);
    expect((await get('/feed/digest?org=JT', world.committee)).body.digest).toBe(digests[1]);
  });

  it.each(['/feed', '/feed/stream', '/feed/snapshot', '/feed/digest'])('refuses %s of another, and without a token', async (path) => {
    const reply = await get(`${path}?org=JT`, world.stranger);
    expect([reply.status, reply.body.code, reply.body.errors]).toEqual([403, 'outside-jurisdiction', [expect.objectContaining({ parameter: 'org' })]]);
    expect((await world.server.call('GET', path, { token: null })).status).toBe(401);
    expect((await get(`${path}?org=NOPE`)).body.code).toBe('unknown-organisation');
  });
});

describe('what is asked for wrongly', () => {
  it.each([
    ['/feed?after=-1', 'after'], ['/feed?wait=61', 'wait'], ['/feed?wait=x', 'wait'], ['/feed?noun=issues,nonsense', 'noun'], ['/feed?noun=', 'noun'], ['/feed?level=planet', 'level'], ['/feed?audience=restricted', 'audience'],
    ['/feed?type=rectrail.issue.*', 'type'], [`/feed?type=${'a.'.repeat(60)}`, 'type'], [`/feed?noun=${Array.from({ length: 60 }, () => 'issues').join(',')}`, 'noun'], ['/feed?limit=many', 'limit'], ['/feed?at=1', 'at'],
    ['/feed/stream?wait=1', 'wait'], ['/feed/snapshot?after=1', 'after'], ['/feed/snapshot?type=rectrail.issue.accepted.v1', 'type'], ['/feed/digest?limit=1', 'limit'],
  ])('%s is refused at its place', async (path, parameter) => {
    const { status, body } = await get(path);
    expect([status, body.code]).toEqual([400, 'validation-failed']);
    expect(body.errors).toContainEqual(expect.objectContaining({ parameter }));
  });

  it.each([['/feed?after=', 'after'], ['/feed/stream?after=', 'after'], ['/feed/snapshot?at=', 'at'], ['/feed/digest?at=', 'at']])('%s beyond the head is another log\'s', async (path, parameter) => {
    const { status, body } = await get(`${path}${await world.head() + 1}`);
    expect([status, body.code, body.errors]).toEqual([409, 'position-ahead', [expect.objectContaining({ parameter })]]);
  });

  it('an id that no stream has given', async () => {
    for (const id of ['x', '12', '9'.repeat(16), '0'.repeat(17)]) {
      const { status, body } = await get('/feed/stream', world.server.token, { 'last-event-id': id });
      expect([status, body.code, body.errors]).toEqual([400, 'validation-failed', [expect.objectContaining({ header: 'Last-Event-ID' })]]);
    }
    expect((await get('/feed/stream', world.server.token, { 'last-event-id': '0000000000999999' })).body.code).toBe('position-ahead');
  });

  it('a cursor that is none, or of another snapshot', async () => {
    expect((await get('/feed/snapshot?cursor=x')).body.code).toBe('cursor-invalid');
    const { body } = await get('/feed/snapshot?limit=1');
    expect((await get(`${body.next.slice('/api/v1'.length)}&noun=issues`)).body.code).toBe('cursor-mismatch');
  });
});
