// Goal: series, comparisons and replays over real HTTP: what is asked for wrongly is refused by name, a replay is in order, goes on where it broke off, ends with its reader and
// with the server, and nobody sees what lies outside their jurisdiction. Method: a server with two organisations, a client that reads the events as they come.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestServer, type Json } from '../support/api.ts';
import { serverEvents, type ServerEvent } from '../support/server-events.ts';
import { ago, twoOrganisations, type TwoOrganisations } from '../support/two-organisations.ts';

let world: TwoOrganisations;

beforeAll(async () => {
  world = await twoOrganisations();
  const { post, bureau, issue, fundsCase } = world;
  for (const [path, body] of [
    [`/issues/${issue}/accept`, { on: ago(35) }], [`/issues/${issue}/deadline`, { planned: ago(10), on: ago(34) }], [`/funds-cases/${fundsCase}/recover`, { money: { fen: '40000' }, on: ago(20) }],
  ] as const) expect((await post(bureau, path, body)).status).toBe(200);
});
afterAll(async () => { await world.server.close(); });

interface Film { readonly response: Response; readonly events: AsyncGenerator<ServerEvent> }

interface Reader { readonly token?: string; readonly after?: string; readonly url?: string; readonly signal?: AbortSignal }

const open = async (query: string, { token = world.server.token, after, url = world.server.url, signal }: Reader = {}): Promise<Film> => {
  const headers = { authorization: `Bearer ${token}`, ...(after !== undefined && { 'last-event-id': after }) };
  const response = await fetch(`${url}/api/v1/replay?${query}`, { headers, ...(signal && { signal }) });
  return { response, events: serverEvents(response) };
};

const played = async (query: string, options: Reader = {}): Promise<readonly ServerEvent[]> => Array.fromAsync((await open(query, options)).events);
/** A server of its own, to be filled up or stopped. */
const startOther = async (settings: Record<string, string>): Promise<{ url: string; token: string; close: () => Promise<void> }> => {
  const server = await startTestServer(settings);
  return { url: server.url, token: server.token, close: () => server.close() };
};

/** The first status other than 503 within 10 s. */
const eventually = async (status: () => Promise<number>): Promise<number> => {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline;) {
    const is = await status();
    if (is !== 503) return is;
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
  return 503;
};

const range = `from=${ago(45)}&to=${ago(5)}&speed=366`;

describe('a replay', () => {
  it('is a start, a frame a day in order with its news, and an end', async () => {
    const { response, events } = await open(`${range}&org=WEI`);
    expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([200, 'text/event-stream', 'no-store']);
    const [start, ...rest] = await Array.fromAsync(events);
    expect(start).toMatchObject({ event: 'start', data: { frames: 41, seen: 0, org: { code: 'WEI' }, definition: 'rectrail.dashboard/1', speed: 366 } });
    expect(rest.at(-1)).toEqual({ event: 'end', data: { reason: 'complete' } });
    const frames = rest.slice(0, -1);
    expect(frames.map(({ event, data }) => [event, data.cut.validAt])).toEqual(Array.from({ length: 41 }, (_, n) => ['frame', ago(45 - n)]));
    expect(new Set(frames.map(({ data }) => data.cut.atPosition))).toEqual(new Set([start!.data.cut.atPosition]));
    for (const { data } of [frames[0]!, frames[20]!]) {
      const { digest, figures, cut } = data;
      const { figures: dashboard } = await world.server.get(`/dashboard?org=WEI&validAt=${cut.validAt}&knownAt=${cut.knownAt}&atPosition=${cut.atPosition}`);
      expect([figures['issues.total'], figures['issues.byBucket.open'], figures['funds.recovered']]).toEqual([dashboard.issues.total, dashboard.issues.byBucket.open.count, dashboard.funds.recovered.fen]);
      expect(digest).toMatch(/^[0-9a-f]{64}$/);
    }
    // All of it was told today: on no day of the range was anything known.
    expect(frames.every(({ data }) => data.figures['issues.total'] === 0 && data.headlines.length === 0)).toBe(true);
  });

  it('has the news of the day on which it became known, with organisation, number and money', async () => {
    const [, frame] = await played(`from=${ago(0)}&to=${ago(0)}&inspection=${world.inspection}&figures=issues.total,funds.recovered`);
    expect(frame!.data.figures).toEqual({ 'issues.total': 1, 'funds.recovered': '40000' });
    expect(frame!.data.headlines.map(({ type, title, orgCode, issue, fen }: Json) => [type, title.zh, orgCode, issue?.numberPath ?? null, fen])).toEqual([
      ['FeedbackDelivered', '反馈意见', 'JT', null, null], ['IssueAccepted', '认领问题', 'JT', ['一、'], null], ['FundsRecovered', '追回资金', 'JT', null, '40000'],
    ]);
  });

  it('goes on behind any frame with exactly those that are left, at the same position', async () => {
    const whole = (await played(range)).filter(({ event }) => event === 'frame');
    const head = await world.head();
    expect((await world.post(world.bureau, `/issues/${world.issue}/progress`, { text: '已部署', on: ago(30) })).status).toBe(200);
    expect(await world.head()).toBe(head + 1);
    for (const at of [0, 17, 31, 39]) {
      const [start, ...rest] = await played(range, { after: whole[at]!.id! });
      expect([start!.data.seen, start!.data.cut.atPosition]).toEqual([at + 1, head]);
      expect(rest.slice(0, -1)).toEqual(whole.slice(at + 1));
    }
    expect((await open(range, { after: whole.at(-1)!.id! })).response.status).toBe(204);
  });

  it.each([
    ['a token of another replay', () => `${range}&every=week`, 'cursor-mismatch'], ['a token that is none', () => range, 'cursor-invalid'],
  ])('refuses %s', async (_what, query, code) => {
    const [, frame] = await played(range);
    const { response } = await open(query(), { after: code === 'cursor-mismatch' ? frame!.id! : 'x' });
    expect([response.status, (await response.json() as Json).code]).toEqual([400, code]);
  });

  it('is played so many times at once, and ends with its reader', async () => {
    const other = await startOther({ RECTRAIL_REPLAYS_MAX: '1' });
    try {
      const slow = `from=${ago(40)}&to=${ago(0)}&speed=0.1`;
      const reader = new AbortController();
      const { events } = await open(slow, { ...other, signal: reader.signal });
      expect((await events.next()).value.event).toBe('start');
      const { response } = await open(slow, other);
      expect([response.status, response.headers.get('retry-after'), (await response.json() as Json).code]).toEqual([503, '2', 'too-many-replays']);
      reader.abort();
      await expect(eventually(async () => (await open(`from=${ago(1)}&to=${ago(0)}&speed=366`, other)).response.status)).resolves.toBe(200);
    } finally {
      await other.close();
    }
  });

  it('tells its reader that the server stops, and holds the stop up no longer', async () => {
    const other = await startOther({});
    const { events } = await open(`from=${ago(40)}&to=${ago(0)}&speed=0.1`, other);
    expect((await events.next()).value.event).toBe('start');
    expect((await events.next()).value.event).toBe('frame');
    const closed = other.close();
    expect(await Array.fromAsync(events)).toEqual([{ event: 'end', data: { reason: 'shutdown' } }]);
    await closed;
  });
});

describe('a series', () => {
  it('is that of the dashboard day by day, by default its main figures', async () => {
    const answer = await world.server.get(`/series?org=JT&from=${ago(45)}&to=${ago(0)}&as=known&every=week`);
    expect(Object.keys(answer.figures.values)).toEqual([
      'issues.total', 'issues.byBucket.complete', 'issues.byBucket.open', 'issues.byBucket.longTerm', 'issues.byBucket.notDisclosed', 'issues.byDeadline.OVERDUE', 'funds.recovered']);
    expect([answer.figures.values['issues.total'][0], answer.figures.values['issues.total'].at(-1), answer.figures.values['funds.recovered'].at(-1)]).toEqual([0, 1, '40000']);
    expect(answer).toMatchObject({ definition: 'rectrail.dashboard/1', as: 'known', every: 'week', org: { code: 'JT' }, purged: 0 });
  });

  it.each([
    ['from=2022-01-01&figures=issues.byBucket.opne', 'figures', 'issues.byBucket.open'], ['from=2022-01-01&knownAt=2022-02-01', 'knownAt', 'as=known'],
    ['to=2022-01-01', 'from', ''], ['from=2022-01-01&validAt=2022-01-01', 'validAt', 'no such parameter'],
  ])('asked for as %s is refused, and told why', async (query, parameter, detail) => {
    const reply = await world.server.call('GET', `/series?${query}`);
    expect([reply.status, reply.body.code]).toEqual([400, 'validation-failed']);
    expect(reply.body.errors).toContainEqual(expect.objectContaining({ parameter, detail: expect.stringContaining(detail) }));
  });

  it.each([['from=2022-01-01&to=2021-01-01', 'before it begins'], ['from=1900-01-01&to=2022-01-01', '4000 points']])('of the range %s is refused', async (query, detail) => {
    const { status, body } = await world.server.call('GET', `/series?${query}`);
    expect([status, body]).toEqual([422, expect.objectContaining({ code: 'range-invalid', detail: expect.stringContaining(detail) })]);
  });
});

describe('a comparison', () => {
  it('says what an acceptance, a deadline that passed and a recovery changed', async () => {
    const answer = await world.server.get(`/compare?org=JT&fromValidAt=${ago(38)}&validAt=${ago(0)}`);
    expect([answer.from.cut.validAt, answer.to.cut.validAt, answer.from.cut.atPosition]).toEqual([ago(38), ago(0), answer.to.cut.atPosition]);
    expect(answer.difference.funds.recovered).toEqual({ fen: '40000', unknownAmounts: 0 });
    const [change] = answer.items;
    expect(change.changed).toEqual(expect.arrayContaining(['state', 'condition', 'due']));
    expect(change.causes).toEqual(['events', 'time']);
    expect(change.events.map(({ type, countsAt }: Json) => [type, countsAt])).toEqual(expect.arrayContaining([['IssueAccepted', 'to'], ['DeadlineSet', 'to']]));
    const { digest } = await world.server.get(`/dashboard?org=JT&validAt=${ago(0)}&knownAt=${answer.cut.knownAt}&atPosition=${answer.cut.atPosition}`);
    expect(answer.to.digest).toBe(digest);
  });

  it('of a day on which only time passed names time', async () => {
    const { items } = await world.server.get(`/compare?org=JT&fromValidAt=${ago(10)}&validAt=${ago(9)}`);
    expect(items.map(({ causes, changed, before, after }: Json) => [causes, changed, before.condition, after.condition])).toEqual([[['time'], ['condition'], 'DUE_SOON', 'OVERDUE']]);
  });

  it('of two positions has what was recorded in between', async () => {
    const head = await world.head();
    const { body } = await world.post(world.committee, '/issues', { inspectionId: world.inspection, numberPath: ['二、'], title: '新增问题', on: ago(20) });
    const { items } = await world.server.get(`/compare?fromAtPosition=${head}&atLeast=${head + 1}`);
    expect(items.map(({ issueId, before, after, title }: Json) => [issueId, before.exists, after.exists, title])).toEqual([[body.id, false, true, '新增问题']]);
  });
});

describe('a jurisdiction', () => {
  it.each(['/series?from=2026-01-01&org=JT', '/compare?org=JT&fromValidAt=2026-01-01', '/replay?from=2026-01-01&org=JT'])('hides %s from a stranger', async (path) => {
    const reply = await world.server.call('GET', path, { token: world.stranger });
    expect([reply.status, reply.body.code]).toEqual([403, 'outside-jurisdiction']);
    expect((await world.server.call('GET', path, { token: null })).status).toBe(401);
  });

  it('leaves out of the whole what is not its own', async () => {
    const [own, all] = [await world.server.get(`/series?from=${ago(0)}&figures=issues.total`, world.stranger), await world.server.get(`/series?from=${ago(0)}&figures=issues.total`)];
    expect([own.figures.values['issues.total'], all.figures.values['issues.total'][0] > 1]).toEqual([[1], true]);
    const { items } = await world.server.get(`/compare?fromValidAt=${ago(50)}`, world.stranger);
    expect(items.map(({ issueId }: Json) => issueId)).toEqual([world.strange.issue]);
    const [, frame] = await played(`from=${ago(0)}&to=${ago(0)}`, { token: world.stranger });
    expect(new Set(frame!.data.headlines.map(({ orgCode }: Json) => orgCode))).toEqual(new Set(['XX']));
    expect((await world.server.call('GET', `/replay?from=${ago(1)}&inspection=${world.inspection}`, { token: world.stranger })).body.code).toBe('outside-jurisdiction');
  });
});
