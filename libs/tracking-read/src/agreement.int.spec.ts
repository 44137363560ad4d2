// Goal: every figure that the read models give is the one that the figures module computes from the events, at any cut.
// Method: random histories, projected with random batch cuts and restarts, compared at 300 random cuts by random trees; then rebuilt and compared byte for byte.
import { afterAll, describe, expect, it } from '@jest/globals';
import { deriveEventId } from '@rectrail/event-store';
import { dayIn, position, type Cut, type Fact, type OrgId, type ReportId, type TreeId } from '@rectrail/kernel';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { dumpDigest } from '@rectrail/projections/testing';
import { buckets, deadlineConditions, shownIssueStates, shownMeasureStates, type Count, type FigureQuery, type TrackingEvent } from '@rectrail/tracking-domain';
import { dashboard, dashboardByChild, deadlines, discrepancies, funds } from '@rectrail/tracking-domain/figures';
import { randomCut, randomHistory } from '@rectrail/tracking-domain/testing';
import { openReadDatabase, readTransaction } from './database/data-source.ts';
import { schema } from './database/rows.ts';
import { openTrackingRead, trackingProjections } from './open-tracking-read.ts';
import type { RollUpRequest } from './queries/requests.ts';
import type { TrackingRead } from './queries/tracking-read.ts';
import { recordHistory } from './testing/index.ts';

const zone = 'Asia/Shanghai';
const seeds = [13, 14, 15, 16, 17, 18];
const cutsEach = 50;

/** A small generator of its own, so that the cuts of batches do not follow those of the history. */
const randomOf = (seed: number) => {
  let state = seed * 2_654_435_761 % 4_294_967_296;
  const next = (): number => { state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296; return state / 4_294_967_296; };
  return { int: (from: number, to: number) => from + Math.floor(next() * (to - from + 1)), pick: <T>(items: readonly T[]): T => items[Math.floor(next() * items.length)]! };
};

const cutsOf = (seed: number, history: readonly Fact<TrackingEvent>[]): readonly { readonly n: number; readonly cut: Cut }[] =>
  Array.from({ length: cutsEach }, (_, n) => ({ n, cut: randomCut(seed * 1_000 + n, history) }));

describe('the histories and cuts', () => {
  const histories = seeds.map((seed) => ({ seed, history: randomHistory(seed, 380, deriveEventId) }));
  const answers = histories.flatMap(({ seed, history }) => cutsOf(seed, history).map(({ cut }) => dashboard(history, cut, { org: null, policy: null })));
  const answered = (holds: (answer: (typeof answers)[number]) => boolean): number => answers.filter(holds).length;
  const least = 5;

  it('show every state, bucket and condition, certain and undetermined, in several answers', () => {
    for (const counts of ['byState', 'byBucket', 'byDeadline'] as const) {
      for (const key of Object.keys(answers[0]!.figures.issues[counts])) {
        const of = (answer: (typeof answers)[number]): Count => (answer.figures.issues[counts] as Readonly<Record<string, Count>>)[key]!;
        expect({ key, count: Math.min(least, answered((a) => of(a).count > 0)) }).toEqual({ key, count: least });
        // What is not disclosed is so from the as-of date, a day that is certain.
        if (!['NOT_DISCLOSED', 'notDisclosed'].includes(key)) expect({ key, undetermined: Math.min(least, answered((a) => of(a).undetermined > 0)) }).toEqual({ key, undetermined: least });
      }
    }
    for (const state of shownMeasureStates) expect(answered((a) => a.figures.measures.byState[state].count > 0)).toBeGreaterThanOrEqual(least);
  });

  it('have shared measures, unknown amounts, years with and without a calendar, and days before, at and after those of the facts', () => {
    expect(answered((a) => a.figures.measures.shared > 0)).toBeGreaterThanOrEqual(least);
    expect(answered((a) => a.figures.funds.recovered.unknownAmounts > 0 && a.figures.funds.recovered.fen !== '0')).toBeGreaterThanOrEqual(least);
    expect(answered((a) => a.assumptions.calendarYears.length > 0)).toBeGreaterThanOrEqual(least);
    expect(answered((a) => a.assumptions.calendarYears.length === 0 && a.figures.issues.byDeadline.ON_TRACK.count > 0)).toBeGreaterThanOrEqual(least);
    expect(answered((a) => a.cut.validAt > dayIn(zone, a.cut.knownAt))).toBeGreaterThanOrEqual(least);
    expect(answered((a) => a.cut.validAt < dayIn(zone, a.cut.knownAt))).toBeGreaterThanOrEqual(least);
  });

  it('hold what is rare: retractions of retractions, amounts specified and reversed, residuals completed, mergers, withheld statuses', () => {
    const facts = histories.flatMap(({ history }) => history);
    const retractions = new Set(facts.filter((f) => f.event.type === 'FactsRetracted').map((f) => f.eventId));
    const number = (holds: (event: TrackingEvent) => boolean): number => facts.filter(({ event }) => holds(event)).length;
    expect(number((e) => e.type === 'FactsRetracted' && e.data.eventIds.some((id) => retractions.has(id)))).toBeGreaterThanOrEqual(least);
    expect(number((e) => e.type === 'IssueStatusStated' && e.data.disclosure === 'WITHHELD')).toBeGreaterThanOrEqual(least);
    for (const type of ['RecoveryAmountSpecified', 'RecoveryReversed', 'ResidualCompleted', 'OrgMerged', 'OrgMoved']) {
      expect({ type, number: Math.min(least, number((e) => e.type === type)) }).toEqual({ type, number: least });
    }
  });
});

describe('the trees of the histories', () => {
  it('give an organisation other figures by another tree, by the same on another day, and by one that does not hold it', () => {
    const answers = seeds.flatMap((seed) => {
      const history = randomHistory(seed, 380, deriveEventId);
      const treeIds = history.flatMap(({ event }) => (event.type === 'TreeOpened' ? [event.data.treeId] : []));
      const orgs = [...new Set(history.flatMap(({ event }) => (event.type === 'OrgRegistered' ? [event.data.orgId] : [])))];
      return cutsOf(seed, history).slice(0, 8).flatMap(({ cut }) => orgs.map((org) => {
        const by = (query: Partial<FigureQuery>): string => JSON.stringify(dashboard(history, cut, { org, policy: null, ...query }).figures);
        const now = { treeOn: dayIn(zone, cut.knownAt) };
        return { then: by({}), now: by(now), other: by({ tree: treeIds[1]! }), otherNow: by({ tree: treeIds[1]!, ...now }) };
      }));
    });
    const differ = (holds: (answer: (typeof answers)[number]) => boolean): number => answers.filter(holds).length;
    expect(differ((a) => a.then !== a.now)).toBeGreaterThanOrEqual(5);
    expect(differ((a) => a.then !== a.other)).toBeGreaterThanOrEqual(5);
    expect(differ((a) => a.other !== a.otherNow)).toBeGreaterThanOrEqual(5);
  });
});

describe.each(seeds)('random history %i', (seed) => {
  const history: readonly Fact<TrackingEvent>[] = randomHistory(seed, 380, deriveEventId);
  const orgs = history.flatMap((fact) => (fact.event.type === 'OrgRegistered' ? [{ orgId: fact.event.data.orgId, at: fact.position }] : []));
  const trees = history.flatMap((fact) => (fact.event.type === 'TreeOpened' ? [{ treeId: fact.event.data.treeId, at: fact.position }] : []));
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
    expect(await read.projectionStatus()).toEqual(trackingProjections(zone).map(({ name, version }) => ({
      name, version, position: history.length, failure: null, state: 'running', lagEvents: 0, lagSeconds: 0, build: null, swappedAt: null, skips: [],
    })).toSorted((a, b) => a.name.localeCompare(b.name)));
  });

  const cuts = cutsOf(seed, history);
  const queryAt = (n: number, cut: Cut): { readonly query: FigureQuery; readonly request: { within: null; policy?: string } & RollUpRequest & Cut } => {
    const random = randomOf(seed * 7_919 + n);
    const registered = orgs.filter((org) => org.at <= cut.atPosition).map((org) => org.orgId);
    const org: OrgId | null = registered.length === 0 || random.int(0, 2) === 0 ? null : random.pick(registered);
    const policy = random.pick<OrgId | 'default' | null>([null, null, 'default', registered.length === 0 ? null : random.pick(registered)]);
    const opened = trees.filter((tree) => tree.at <= cut.atPosition).map(({ treeId }) => treeId);
    const tree = random.pick<TreeId | undefined>([undefined, ...opened]);
    const treeAt = random.pick([undefined, 'then', 'now'] as const);
    return {
      query: { org, policy, ...(tree && { tree }), ...(treeAt === 'now' && { treeOn: dayIn(zone, cut.knownAt) }) },
      request: { within: null, ...cut, ...(org !== null && { org }), ...(policy !== null && { policy }), tree, treeAt },
    };
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
    expect(answer.children).toEqual(children);
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
    const { org, tree, treeAt } = request;
    const measures = await read.queries.measures({ within: null, ...cut, org, tree, treeAt, limit: 500 });
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

  it.each(cuts.slice(20, 30))('lists the issues that each filter names, alone and together, as many as the oracle counts, at cut $n', async ({ n, cut }) => {
    const { query, request } = queryAt(n, cut);
    const { figures } = dashboard(history, cut, query);
    const { items: whole } = await read.queries.issues({ ...request, limit: 500 });
    expect(whole.length).toBe(figures.issues.total);
    const counted = <X extends string>(names: readonly X[], of: (item: (typeof whole)[number]) => X): Readonly<Record<X, number>> =>
      Object.fromEntries(names.map((name) => [name, whole.filter((item) => of(item) === name).length])) as Record<X, number>;
    const counts = <X extends string>(figure: Readonly<Record<X, Count>>): Readonly<Record<X, number>> =>
      Object.fromEntries(Object.entries<Count>(figure).map(([name, { count }]) => [name, count])) as Record<X, number>;
    expect(counted(shownIssueStates, (item) => item.state)).toEqual(counts(figures.issues.byState));
    expect(counted(buckets, (item) => item.bucket)).toEqual(counts(figures.issues.byBucket));
    expect(counted(deadlineConditions, (item) => item.deadline.condition)).toEqual(counts(figures.issues.byDeadline));
    const random = randomOf(seed * 31 + n);
    for (let draw = 0; draw < 6; draw += 1) {
      if (whole.length === 0) return;
      const one = random.pick(whole);
      const maybe = <T>(value: T, outOf = 1): T | undefined => (random.int(0, outOf) === 0 ? value : undefined);
      const filter = {
        state: maybe(one.state), bucket: maybe(one.bucket), deadline: maybe(one.deadline.condition), track: maybe(one.track),
        q: maybe(one.title.slice(2)), inspection: maybe(one.inspectionId, 5),
      };
      const wanted = whole.filter((item) => {
        const agrees = [
          [filter.state, item.state], [filter.bucket, item.bucket], [filter.deadline, item.deadline.condition], [filter.track, item.track],
          [filter.inspection, item.inspectionId],
        ];
        return agrees.every(([asked, is]) => asked === undefined || asked === is) && [item.title, item.numberPath.join('')].some((text) => text.includes(filter.q ?? ''));
      });
      for (const [list, expected] of [['issues', wanted.map((item) => item.issueId)], ['deadlines', null]] as const) {
        const ids: string[] = [];
        let cursor: string | undefined;
        do {
          const page: { readonly items: readonly { readonly issueId: string }[]; readonly total: number | null; readonly nextCursor: string | null } =
            await read.queries[list]({ ...request, ...filter, limit: random.int(1, 9), cursor });
          expect(page.total).toBe(wanted.length);
          ids.push(...page.items.map((item) => item.issueId));
          cursor = page.nextCursor ?? undefined;
        } while (cursor !== undefined);
        if (expected === null) expect(ids.toSorted()).toEqual(wanted.map((item) => item.issueId).toSorted());
        else expect(ids).toEqual(expected);
      }
    }
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
    const tables = trackingProjections(zone).flatMap((p) => p.tables);
    const dump = (): Promise<string> => readTransaction(dataSource, (tx) => dumpDigest(tx, schema, tables));
    const before = await dump();
    for (const { name } of trackingProjections(zone)) await read.rebuild(name);
    expect(await dump()).toBe(before);
    await dataSource.destroy();
  });
});
