// Goal: every figure that the read models give is the one that the figures module computes from the events, at any cut.
// Method: random histories, projected with random batch cuts and restarts, compared at 300 random cuts; then rebuilt and compared byte for byte.
import { afterAll, describe, expect, it } from '@jest/globals';
import { deriveEventId } from '@rectrail/event-store';
import { position, type Cut, type Fact, type OrgId, type ReportId } from '@rectrail/kernel';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { dumpDigest } from '@rectrail/projections/testing';
import type { FigureQuery, TrackingEvent } from '@rectrail/tracking-domain';
import { dashboard, dashboardByChild, deadlines, discrepancies, funds } from '@rectrail/tracking-domain/figures';
import { randomCut, randomHistory } from '@rectrail/tracking-domain/testing';
import { openReadDatabase, readTransaction } from './database/data-source.ts';
import { schema } from './database/rows.ts';
import { openTrackingRead, trackingProjections } from './open-tracking-read.ts';
import type { TrackingRead } from './queries/tracking-read.ts';
import { recordHistory } from './testing/index.ts';

const zone = 'Asia/Shanghai';
const seeds = [1, 2, 3, 4, 5, 6];
const cutsEach = 50;

/** A small generator of its own, so that the cuts of batches do not follow those of the history. */
const randomOf = (seed: number) => {
  let state = seed * 2_654_435_761 % 4_294_967_296;
  const next = (): number => { state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296; return state / 4_294_967_296; };
  return { int: (from: number, to: number) => from + Math.floor(next() * (to - from + 1)), pick: <T>(items: readonly T[]): T => items[Math.floor(next() * items.length)]! };
};

describe.each(seeds)('random history %i', (seed) => {
  const history: readonly Fact<TrackingEvent>[] = randomHistory(seed, 320, deriveEventId);
  const orgs = history.flatMap((fact) => (fact.event.type === 'OrgRegistered' ? [{ orgId: fact.event.data.orgId, at: fact.position }] : []));
  const reports = [...new Set(history.flatMap((fact) => (fact.event.type === 'ReportPublished' ? [fact.event.data.reportId] : [])))];
  let database: TestDatabase;
  let read: TrackingRead;

  const open = async (batchEventsMax: number): Promise<TrackingRead> => {
    const { store, codec, clock } = await recorded;
    return openTrackingRead({ connectionString: database.url, store, codec, clock, zone, batchEventsMax });
  };
  const recorded = recordHistory(history);

  afterAll(async () => {
    await read.stop();
    await database.drop();
  });

  it('is projected with any cut of batches and restarts', async () => {
    const random = randomOf(seed);
    database = await createTestDatabase();
    for (let reached = 0; reached < history.length;) {
      read = await open(random.int(1, 60));
      reached = Math.min(history.length, reached + random.int(20, 150));
      await read.project(position(reached));
      if (reached < history.length) await read.stop();
    }
    expect(await read.projectionStatus()).toEqual(trackingProjections.map((p) => ({ name: p.name, version: 1, position: history.length, failure: null, state: 'running' }))
      .toSorted((a, b) => a.name.localeCompare(b.name)));
  });

  const cuts = Array.from({ length: cutsEach }, (_, n) => ({ n, cut: randomCut(seed * 1_000 + n, history) }));
  const queryAt = (n: number, cut: Cut): { readonly query: FigureQuery; readonly request: { within: null; org?: string; policy?: string } & Cut } => {
    const random = randomOf(seed * 7_919 + n);
    const registered = orgs.filter((org) => org.at <= cut.atPosition).map((org) => org.orgId);
    const org: OrgId | null = registered.length === 0 || random.int(0, 2) === 0 ? null : random.pick(registered);
    const policy = random.pick<OrgId | 'default' | null>([null, null, 'default', registered.length === 0 ? null : random.pick(registered)]);
    return { query: { org, policy }, request: { within: null, ...cut, ...(org !== null && { org }), ...(policy !== null && { policy }) } };
  };

  it.each(cuts)('gives the oracle\'s dashboard at cut $n: $cut', async ({ n, cut }) => {
    const { query, request } = queryAt(n, cut);
    const expected = dashboard(history, cut, query);
    const answer = await read.queries.dashboard(request);
    expect(answer.cut).toEqual(cut);
    expect(answer.figures).toEqual(expected.figures);
    expect(answer.assumptions).toEqual(expected.assumptions);
  });

  it.each(cuts.slice(0, 15))('gives the oracle\'s dashboard by children at cut $n', async ({ n, cut }) => {
    const { query, request } = queryAt(n, cut);
    const { total, own, children } = dashboardByChild(history, cut, query);
    const answer = await read.queries.dashboardChildren(request);
    expect(answer.total).toEqual(total);
    expect(answer.own).toEqual(own);
    expect(answer.children.map(({ orgId, figures }) => ({ orgId, figures }))).toEqual(children);
  });

  it.each(cuts)('gives the oracle\'s deadlines, issue by issue, at cut $n', async ({ n, cut }) => {
    const { query, request } = queryAt(n, cut);
    const expected = deadlines(history, cut, query);
    const answer = await read.queries.deadlines({ ...request, limit: 500 });
    expect(answer.figures).toEqual(expected.figures);
    const rows = answer.items.map(({ issueId, orgId, condition, due, planned, striving, closedOn, flagged }) =>
      ({ issueId, orgId, condition, due, planned, striving, closedOn, flagged }));
    const byId = (a: { issueId: string }, b: { issueId: string }): number => a.issueId.localeCompare(b.issueId);
    expect(rows.toSorted(byId)).toEqual(expected.rows.toSorted(byId));
  });

  it.each(cuts)('gives the oracle\'s money, movement by movement, at cut $n', async ({ n, cut }) => {
    const { query, request } = queryAt(n, cut);
    const expected = funds(history, cut, query);
    const answer = await read.queries.funds(request);
    expect(answer.figures).toEqual(expected.figures);
    const rows = answer.cases.flatMap(({ fundsCaseId, movements }) =>
      movements.map(({ eventId, kind, money, on }) => ({ eventId, fundsCaseId, direction: kind, fen: money.fen, on })));
    const byId = (a: { eventId: string }, b: { eventId: string }): number => a.eventId.localeCompare(b.eventId);
    expect(rows.toSorted(byId)).toEqual(expected.rows.map(({ eventId, fundsCaseId, direction, fen, on }) => ({ eventId, fundsCaseId, direction, fen, on })).toSorted(byId));
  });

  it.each(cuts.slice(0, 20))('lists each measure and each issue that the dashboard counts, page by page, at cut $n', async ({ n, cut }) => {
    const { query, request } = queryAt(n, cut);
    const { figures } = dashboard(history, cut, { ...query, policy: null });
    const measures = await read.queries.measures({ within: null, ...cut, org: request.org, limit: 500 });
    expect(measures.items.length).toBe(figures.measures.total);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof read.queries.issues>> = await read.queries.issues({ ...request, policy: undefined, limit: 7, ...(cursor !== null && { cursor }) });
      expect(page.total).toBe(figures.issues.total);
      seen.push(...page.items.map((item) => item.issueId));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(new Set(seen).size).toBe(figures.issues.total);
    expect(seen.length).toBe(figures.issues.total);
  });

  it.each(cuts.slice(0, 10))('gives the oracle\'s discrepancies of every report at cut $n', async ({ cut }) => {
    for (const reportId of reports as readonly ReportId[]) {
      const expected = discrepancies(history, cut, reportId);
      const answered = read.queries.discrepancies(reportId, { within: null, ...cut }).then((answer) => answer.items, (error: unknown) => error);
      expect(expected.length === 0 ? [[], expect.objectContaining({ code: 'unknown-report' })] : [expected]).toContainEqual(await answered);
    }
  });

  it('comes out the same, byte for byte, when rebuilt in batches of another size', async () => {
    const dataSource = await openReadDatabase({ connectionString: database.url, connectionsMax: 2 });
    const tables = trackingProjections.flatMap((p) => p.tables);
    const dump = (): Promise<string> => readTransaction(dataSource, (tx) => dumpDigest(tx, schema, tables));
    const before = await dump();
    for (const { name } of trackingProjections) await read.rebuild(name);
    expect(await dump()).toBe(before);
    await dataSource.destroy();
  });
});
