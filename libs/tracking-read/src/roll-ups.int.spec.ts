// Goal: the roll-ups agree with the figures module at any cut, by any tree, whatever came late, moved or was taken back.
// Method: random histories projected with random batch cuts and restarts; 1,000 random (cut, organisation, tree shape) points; organisations are coarse from few
// points on, so that both kinds of cells take part.
import { afterAll, describe, expect, it } from '@jest/globals';
import { deriveEventId } from '@rectrail/event-store';
import { dayIn, position, type Cut, type OrgId, type TreeId } from '@rectrail/kernel';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import type { FigureQuery } from '@rectrail/tracking-domain';
import { dashboard, dashboardByChild } from '@rectrail/tracking-domain/figures';
import { randomCut, randomHistory } from '@rectrail/tracking-domain/testing';
import { openTrackingRead } from './open-tracking-read.ts';
import type { RollUpRequest } from './queries/requests.ts';
import type { TrackingRead } from './queries/tracking-read.ts';
import { randomOf, recordHistory } from './testing/index.ts';

const zone = 'Asia/Shanghai';
const seeds = [101, 102, 103, 104, 105, 106, 107, 108, 109, 110];
const pointsEach = 100;

describe.each(seeds)('random history %i', (seed) => {
  const history = randomHistory(seed, 300, deriveEventId);
  const orgs = history.flatMap((fact) => (fact.event.type === 'OrgRegistered' ? [{ orgId: fact.event.data.orgId, at: fact.position }] : []));
  const trees = history.flatMap((fact) => (fact.event.type === 'TreeOpened' ? [{ treeId: fact.event.data.treeId, at: fact.position }] : []));
  const recorded = recordHistory(history);
  let database: TestDatabase;
  let read: TrackingRead;

  afterAll(async () => {
    await read.stop();
    await database.drop();
  });

  const pointAt = (n: number): { readonly query: FigureQuery; readonly request: RollUpRequest & Cut; readonly cut: Cut } => {
    const random = randomOf(seed * 7_919 + n);
    const cut = randomCut(seed * 1_000 + n, history);
    const registered = orgs.filter((org) => org.at <= cut.atPosition).map((org) => org.orgId);
    const org: OrgId | null = registered.length === 0 || random.int(0, 3) === 0 ? null : random.pick(registered);
    const tree = random.pick<TreeId | undefined>([undefined, undefined, ...trees.filter(({ at }) => at <= cut.atPosition).map(({ treeId }) => treeId)]);
    const treeAt = random.pick(['then', 'now'] as const);
    return {
      cut,
      query: { org, policy: null, ...(tree && { tree }), ...(treeAt === 'now' && { treeOn: dayIn(zone, cut.knownAt) }) },
      request: { within: null, ...cut, ...(org !== null && { org }), tree, treeAt },
    };
  };

  it('is projected with any cut of batches and restarts', async () => {
    const random = randomOf(seed);
    database = await createTestDatabase();
    const { store, codec, clock } = await recorded;
    for (let reached = 0; reached < history.length;) {
      read = await openTrackingRead({ connectionString: database.url, store, codec, clock, zone, batchEventsMax: random.int(1, 60), coarseFromPoints: 30 });
      reached = Math.min(history.length, reached + random.int(20, 150));
      await read.project(position(reached));
      if (reached < history.length) await read.stop();
    }
  });

  it(`gives the oracle's dashboard at ${pointsEach} points`, async () => {
    for (let n = 0; n < pointsEach; n += 1) {
      const { query, request, cut } = pointAt(n);
      const expected = dashboard(history, cut, query);
      const answer = await read.queries.dashboard(request);
      expect({ n, cut: answer.cut, figures: answer.figures, assumptions: answer.assumptions }).toEqual({ n, cut, figures: expected.figures, assumptions: expected.assumptions });
    }
  });

  it('gives the oracle\'s children, and own + Σ children = total', async () => {
    for (let n = 0; n < 15; n += 1) {
      const { query, request, cut } = pointAt(n);
      const { total, own, children } = dashboardByChild(history, cut, query);
      const answer = await read.queries.dashboardChildren(request);
      expect({ n, total: answer.total, own: answer.own }).toEqual({ n, total, own });
      expect(answer.children).toEqual(children);
      expect(answer.own.issues.total + answer.children.reduce((sum, { figures }) => sum + figures.issues.total, 0)).toBe(answer.total.issues.total);
    }
  });
});
