// Goal: lists, details, histories, lookups, cuts and cursors say what the events and the rules say, and refuse what cannot be answered.
// Method: one random history on a real PostgreSQL; answers are compared with each other, with the history itself and with the dashboard.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deriveEventId, newCommandId } from '@rectrail/event-store';
import { dayIn, lastInstantOf, position, type Cut, type Day, type Instant, type IssueId, type OrgId, type TreeId } from '@rectrail/kernel';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { buckets, countingFacts, deadlineConditions, shownIssueStates, streams, tracks } from '@rectrail/tracking-domain';
import { randomCut, randomHistory } from '@rectrail/tracking-domain/testing';
import { organisationRef } from './projections/references.ts';
import { openTrackingRead } from './open-tracking-read.ts';
import type { IssueItem, Page } from './queries/answers.ts';
import type { TrackingRead } from './queries/tracking-read.ts';
import { recordHistory, type RecordedHistory } from './testing/index.ts';

const zone = 'Asia/Shanghai';
const seed = 11;
const history = randomHistory(seed, 400, deriveEventId);
const head = history.at(-1)!;
const everywhere = { within: null } as const;
const rejection = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => 'answered', (error: unknown) => (error as { code: string }).code);

describe('queries', () => {
  let database: TestDatabase;
  let recorded: RecordedHistory;
  let read: TrackingRead;

  beforeAll(async () => {
    database = await createTestDatabase();
    recorded = await recordHistory(history);
    read = await openTrackingRead({ connectionString: database.url, ...recorded, zone });
    await read.project();
  });

  afterAll(async () => {
    await read.stop();
    await database.drop();
  });

  const allIssues = async (request: Parameters<typeof read.queries.issues>[0]): Promise<readonly IssueItem[]> => (await read.queries.issues({ ...request, limit: 500 })).items;

  describe('the three cuts', () => {
    it('are the present where nothing is asked', async () => {
      recorded.clock.at = '2030-03-04T16:30:00.000Z' as Instant;
      const { cut } = await read.queries.dashboard(everywhere);
      recorded.clock.at = head.recordedAt;
      expect(cut).toEqual({ atPosition: history.length, knownAt: '2030-03-04T16:30:00.000Z', validAt: '2030-03-05' });
    });

    it('take the recording of the position read where the clock is behind it', async () => {
      recorded.clock.at = '2000-01-01T00:00:00.000Z' as Instant;
      const { cut } = await read.queries.dashboard({ ...everywhere, atPosition: position(100) });
      recorded.clock.at = head.recordedAt;
      expect(cut).toEqual({ atPosition: 100, knownAt: history[99]!.recordedAt, validAt: dayIn(zone, history[99]!.recordedAt) });
    });

    it('understand a date as its last instant in the zone', async () => {
      const { cut } = await read.queries.dashboard({ ...everywhere, knownAt: '2021-06-01' as Day });
      expect(cut).toMatchObject({ knownAt: lastInstantOf(zone, '2021-06-01' as Day), validAt: '2021-06-01' });
    });

    it('refuse a position that the log does not have', async () => {
      expect(await rejection(read.queries.dashboard({ ...everywhere, atPosition: position(history.length + 1) }))).toBe('position-unknown');
      expect(await rejection(read.queries.dashboard({ ...everywhere, atLeast: position(history.length + 1) }))).toBe('position-unknown');
    });

    it('give the digest of the figures alone, so that the same figures at another cut have it too', async () => {
      const at = { ...everywhere, knownAt: head.recordedAt, validAt: '2035-01-01' as Day };
      const [one, other] = [await read.queries.dashboard(at), await read.queries.dashboard({ ...at, validAt: '2035-01-02' as Day })];
      expect(one.digest).toMatch(/^[0-9a-f]{64}$/);
      expect(one.digest === other.digest).toBe(JSON.stringify(one.figures) === JSON.stringify(other.figures));
    });
  });

  describe('lists of issues', () => {
    const cuts = Array.from({ length: 8 }, (_, n) => randomCut(seed * 100 + n, history));

    it.each(cuts)('have as many items as the dashboard counts, for every state, bucket and condition: $validAt', async (cut) => {
      const { figures } = await read.queries.dashboard({ ...everywhere, ...cut });
      for (const state of shownIssueStates) expect((await read.queries.issues({ ...everywhere, ...cut, state })).total).toBe(figures.issues.byState[state].count);
      for (const bucket of buckets) expect((await read.queries.issues({ ...everywhere, ...cut, bucket })).total).toBe(figures.issues.byBucket[bucket].count);
      for (const deadline of deadlineConditions) expect((await read.queries.issues({ ...everywhere, ...cut, deadline })).total).toBe(figures.issues.byDeadline[deadline].count);
      const byTrack = await Promise.all(tracks.map(async (track) => (await read.queries.issues({ ...everywhere, ...cut, track })).total));
      expect(byTrack.reduce<number>((a, b) => a + (b ?? 0), 0)).toBe(figures.issues.total);
    });

    it('find a part of the title and of the number, and an inspection', async () => {
      const items = await allIssues(everywhere);
      const one = items[0]!;
      expect((await allIssues({ ...everywhere, q: one.title })).map((i) => i.issueId)).toContain(one.issueId);
      expect(await allIssues({ ...everywhere, inspection: one.inspectionId })).toEqual(items.filter((i) => i.inspectionId === one.inspectionId));
      expect(await allIssues({ ...everywhere, q: '没有这样的题目%_' })).toEqual([]);
    });

    it('have the version of the stream, and the same item as the detail', async () => {
      for (const item of (await allIssues(everywhere)).slice(0, 10)) {
        expect(item.streamVersion).toBe(history.filter((f) => f.streamId === streams.issue(item.issueId)).length);
        expect((await read.queries.issue(item.issueId, everywhere)).issue).toEqual(item);
      }
    });

    it('page without gap or repetition, and coerce the size', async () => {
      const whole = await allIssues(everywhere);
      const ids: string[] = [];
      let page: Page<IssueItem> = await read.queries.issues({ ...everywhere, limit: 0 });
      expect(page.items.length).toBe(1);
      for (;;) {
        ids.push(...page.items.map((i) => i.issueId));
        if (page.nextCursor === null) break;
        page = await read.queries.issues({ ...everywhere, limit: 3, cursor: page.nextCursor });
      }
      expect(ids).toEqual(whole.map((i) => i.issueId));
      expect((await read.queries.issues({ ...everywhere, limit: 100_000 })).items.length).toBe(Math.min(500, whole.length));
    });

    it('bind filters and cuts to the cursor', async () => {
      const { nextCursor, cut } = await read.queries.issues({ ...everywhere, limit: 1 });
      const cursor = nextCursor!;
      recorded.clock.at = '2031-01-01T00:00:00.000Z' as Instant;
      const next = await read.queries.issues({ ...everywhere, limit: 1, cursor });
      recorded.clock.at = head.recordedAt;
      expect(next.cut).toEqual(cut);
      expect(await rejection(read.queries.issues({ ...everywhere, cursor, state: 'PLANNED' }))).toBe('cursor-mismatch');
      expect(await rejection(read.queries.issues({ ...everywhere, cursor, tree: 'administrative' as TreeId }))).toBe('cursor-mismatch');
      expect(await rejection(read.queries.issues({ ...everywhere, cursor, treeAt: 'now' }))).toBe('cursor-mismatch');
      expect(await rejection(read.queries.issues({ ...everywhere, cursor, validAt: '1999-01-01' as Day }))).toBe('cursor-mismatch');
      expect(await rejection(read.queries.deadlines({ ...everywhere, cursor }))).toBe('cursor-mismatch');
      expect(await rejection(read.queries.issues({ ...everywhere, cursor: 'AAAA' }))).toBe('cursor-invalid');
    });
  });

  describe('organisations', () => {
    it('are found by id and by code; what was never registered is unknown', async () => {
      const { items } = await read.queries.organisations(everywhere);
      const [one] = items;
      expect((await read.queries.organisation(one!.code, everywhere)).organisation).toEqual(one);
      expect((await read.queries.organisation(one!.orgId, everywhere)).organisation).toEqual(one);
      expect(await rejection(read.queries.dashboard({ ...everywhere, org: 'CN-NONE' }))).toBe('unknown-organisation');
      expect(await rejection(read.queries.dashboard({ ...everywhere, org: one!.orgId, atPosition: position(1) }))).toBe('unknown-organisation');
      expect(await rejection(read.queries.dashboard({ ...everywhere, policy: 'CN-NONE' }))).toBe('unknown-organisation');
    });

    it('stand in the trees that are listed, each by itself where it is named; a tree that was not open yet is unknown', async () => {
      const { items: trees } = await read.queries.trees(everywhere);
      expect(trees.map(({ kind }) => kind)).toEqual(['administrative', 'party']);
      const { items } = await read.queries.organisations(everywhere);
      for (const { treeId, streamVersion } of trees) {
        const { items: ofTree, trees: listed } = await read.queries.organisations({ ...everywhere, tree: treeId });
        expect(ofTree).toEqual(items.filter((org) => org.treeId === treeId));
        expect(ofTree.length).toBeGreaterThan(1);
        expect(listed).toEqual([{ treeId, streamVersion }]);
      }
      const party = trees[1]!.treeId;
      const openedAt = history.find(({ event }) => event.type === 'TreeOpened' && event.data.treeId === party)!.position;
      for (const ask of ['dashboard', 'dashboardChildren', 'issues', 'deadlines', 'funds', 'measures', 'organisations'] as const) {
        expect(await rejection(read.queries[ask]({ ...everywhere, tree: 'nowhere' as TreeId }))).toBe('unknown-tree');
        expect(await rejection(read.queries[ask]({ ...everywhere, tree: party, atPosition: position(openedAt - 1) }))).toBe('unknown-tree');
        expect(await rejection(read.queries[ask]({ ...everywhere, tree: party, atPosition: openedAt }))).toBe('answered');
      }
    });

    it('answer zeros where they are registered and nothing is known', async () => {
      const { items: [one] } = await read.queries.organisations(everywhere);
      const { figures } = await read.queries.dashboard({ ...everywhere, org: one!.orgId, knownAt: '1990-01-01' as Day });
      expect(figures.issues.total).toBe(0);
    });

    it('bound what a caller sees: no more than the subtree', async () => {
      const { items } = await read.queries.organisations(everywhere);
      const within = items.find((org) => items.some((other) => other.parentId === org.orgId))!.orgId;
      const inside = new Set((await read.queries.organisations({ ...everywhere, org: within })).items.map((o) => o.orgId));
      const outside = items.find((org) => !inside.has(org.orgId))!.orgId;
      expect((await read.queries.dashboard({ within })).figures.issues).toEqual((await read.queries.dashboard({ ...everywhere, org: within })).figures.issues);
      expect((await allIssues({ within })).every((item) => inside.has(item.orgId))).toBe(true);
      expect(await rejection(read.queries.dashboard({ within, org: outside }))).toBe('outside-jurisdiction');
      const foreign = (await allIssues(everywhere)).find((item) => !inside.has(item.orgId))!;
      expect(await rejection(read.queries.issue(foreign.issueId, { within }))).toBe('outside-jurisdiction');
      expect(await rejection(read.queries.issueHistory(foreign.issueId, { within }))).toBe('outside-jurisdiction');
      expect((await read.queries.auditTrail({ within, limit: 500 })).items.every((e) => inside.has(e.orgId as OrgId))).toBe(true);
    });
  });

  describe('jurisdiction', () => {
    it('is that of the tree as it is now, also where the clock of this process is behind', async () => {
      const { items } = await read.queries.organisations(everywhere);
      const seen = async (): Promise<readonly number[]> => Promise.all(items.map(async (org) => (await read.queries.auditTrail({ within: org.orgId, limit: 500 })).items.length));
      recorded.clock.at = head.recordedAt;
      const now = await seen();
      recorded.clock.at = '2000-01-01T00:00:00.000Z' as Instant;
      const behind = await seen();
      recorded.clock.at = head.recordedAt;
      expect(behind).toEqual(now);
    });
  });

  describe('histories and the audit trail', () => {
    const cut: Cut = { atPosition: position(350), knownAt: history[300]!.recordedAt, validAt: dayIn(zone, history[300]!.recordedAt) };

    it('show each event once, the newest first, page by page', async () => {
      const positions: number[] = [];
      let cursor: string | undefined;
      do {
        const page = await read.queries.auditTrail({ ...everywhere, limit: 90, cursor });
        positions.push(...page.items.map((e) => e.position));
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      expect(positions).toEqual(history.map((f) => f.position).toReversed());
    });

    it('say which events count at the cut and what retracts them', async () => {
      const { items } = await read.queries.auditTrail({ ...everywhere, ...cut, limit: 500 });
      const counting = new Set([...Map.groupBy(history, (f) => f.streamId).values()].flatMap((stream) => countingFacts(stream, cut)).map((f) => f.position));
      for (const event of items) {
        if (event.type !== 'FactsRetracted') expect({ position: event.position, counts: event.counts }).toEqual({ position: event.position, counts: counting.has(event.position) });
        const retractions = history.filter((f) => f.position <= cut.atPosition && f.event.type === 'FactsRetracted' && f.event.data.eventIds.includes(event.eventId));
        expect(event.retractedBy.map((r) => r.position)).toEqual(retractions.map((f) => f.position));
      }
    });

    it('filter by type, stream, actor and organisation', async () => {
      const one = history.find((f) => f.event.type === 'IssueStatusStated')!;
      const positions = async (filter: object): Promise<readonly number[]> =>
        (await read.queries.auditTrail({ ...everywhere, limit: 500, ...filter })).items.map((e) => e.position).toReversed();
      const expected = (keep: (f: (typeof history)[number]) => boolean): readonly number[] => history.filter(keep).map((f) => f.position);
      expect(await positions({ type: 'IssueStatusStated' })).toEqual(expected((f) => f.event.type === 'IssueStatusStated'));
      expect(await positions({ stream: one.streamId })).toEqual(expected((f) => f.streamId === one.streamId));
      expect(await positions({ actor: 'nobody' })).toEqual([]);
    });

    it('say what an event changed', async () => {
      const registration = history.find((f) => f.event.type === 'IssueRegistered')!;
      const { items } = await read.queries.auditTrail({ ...everywhere, stream: registration.streamId, limit: 500 });
      const view = items.find((e) => e.position === registration.position)!;
      expect(view.changes).toContainEqual({ field: 'registration', before: null, after: registration.event.data });
    });

    it('keep the events of an issue; what its timeline says of the cut is what the register says', async () => {
      for (const item of (await allIssues({ ...everywhere, ...cut })).slice(0, 15)) {
        const { events, streamVersion } = await read.queries.issueHistory(item.issueId, { ...everywhere, ...cut });
        expect(events.map((e) => e.position)).toEqual(history.filter((f) => f.streamId === streams.issue(item.issueId) && f.position <= cut.atPosition).map((f) => f.position));
        expect(streamVersion).toBe(events.length);
        const { beliefs, ...told } = await read.queries.timeline('issue', item.issueId, { ...everywhere, ...cut });
        expect(told).toMatchObject({ cut, kind: 'issue', id: item.issueId, orgId: item.orgId, streamVersion });
        const shown = beliefs.filter((belief) => belief.holds).map(({ state, possibly }) => ({ state: state?.['disclosure'] === 'STATED' ? state['state'] : 'NOT_DISCLOSED', possibly }));
        expect(shown).toEqual([{ state: item.state, possibly: item.possibly }]);
      }
      expect(await rejection(read.queries.issueHistory('00000000-0000-0000-0000-000000000000' as IssueId, everywhere))).toBe('unknown-issue');
      expect(await rejection(read.queries.issue('00000000-0000-0000-0000-000000000000' as IssueId, everywhere))).toBe('unknown-issue');
    });
  });

  describe('lookups', () => {
    it('name the streams of events, and leave unknown ones out', async () => {
      const some = history.slice(0, 20);
      const found = await read.lookups.streamsOf([...some.map((f) => f.eventId), '00000000-0000-8000-8000-000000000000' as (typeof some)[number]['eventId']]);
      expect(found).toEqual(new Map(some.map((f) => [f.eventId, f.streamId])));
    });

    it('name what refers to a stream or an organisation and still counts', async () => {
      const measure = history.find((f) => f.event.type === 'MeasureStated' || f.event.type === 'MeasurePlanned')!;
      const data = measure.event.data as { readonly issueIds: readonly IssueId[]; readonly orgId: OrgId };
      const stream = history.filter((f) => f.streamId === measure.streamId);
      const standing = countingFacts(stream, { atPosition: head.position, knownAt: '9999-12-31T00:00:00.000Z' as Instant, validAt: '9999-12-31' as Day });
      const counts = standing.some((f) => f.eventId === measure.eventId);
      for (const ref of [streams.issue(data.issueIds[0]!), organisationRef(data.orgId)]) {
        const found = await read.lookups.dependents([ref]);
        expect(found.some((d) => d.eventId === measure.eventId)).toBe(counts);
        expect(found.every((d) => d.to === ref && d.from !== ref)).toBe(true);
      }
    });

    it('cover what was appended before the call, once caught up', async () => {
      const [stream] = history.filter((f) => f.event.type === 'IssueRegistered');
      const commandId = newCommandId(recorded.clock.now());
      const eventId = deriveEventId(commandId, 0);
      const { actor, scope, validTime } = stream!;
      const event = recorded.codec.encode({
        eventId, commandId, correlationId: commandId, actor, scope, validTime, classification: 'internal', knownTime: null, event: { type: 'ProgressReported', data: { text: '已开会部署' } },
      });
      const { last } = await recorded.store.append({ commandId, entries: [{ streamId: stream!.streamId, expectedVersion: 'any', events: [event] }] });
      read.start();
      await read.lookups.catchUp(last);
      expect(await read.lookups.streamsOf([eventId])).toEqual(new Map([[eventId, stream!.streamId]]));
      expect((await read.queries.auditTrail({ ...everywhere, atLeast: last, limit: 1 })).items[0]?.position).toBe(last);
    });
  });
});

describe('a reader of a projection that has stopped', () => {
  it('is answered at once, as of the last position before', async () => {
    const database = await createTestDatabase();
    const recorded = await recordHistory(history.slice(0, 60));
    const decode: typeof recorded.codec.decode = (stored) => {
      if (stored.position === 50) throw new Error('this event cannot be read');
      return recorded.codec.decode(stored);
    };
    const read = await openTrackingRead({ connectionString: database.url, ...recorded, codec: { decode }, zone });
    await read.project();
    const before = performance.now();
    expect((await read.queries.dashboard(everywhere)).cut.atPosition).toBe(49);
    expect(await rejection(read.queries.dashboard({ ...everywhere, atLeast: position(60) }))).toBe('projection-behind');
    expect((await read.queries.dashboard({ ...everywhere, atPosition: position(49) })).cut.atPosition).toBe(49);
    expect(performance.now() - before).toBeLessThan(3_000);
    expect((await read.projectionStatus()).find(({ name }) => name === 'events')).toMatchObject({ state: 'stopped', position: 49, failure: { position: 50 } });
    await read.stop();
    await database.drop();
  });
});

describe('a reader ahead of the projections', () => {
  it('is told so after five seconds', async () => {
    const database = await createTestDatabase();
    const read = await openTrackingRead({ connectionString: database.url, ...(await recordHistory(history.slice(0, 20))), zone });
    expect(await rejection(read.queries.dashboard({ ...everywhere, atLeast: position(5) }))).toBe('projection-behind');
    await read.project(position(5));
    expect((await read.queries.dashboard({ ...everywhere, atLeast: position(5) })).cut.atPosition).toBe(5);
    await read.stop();
    await database.drop();
  });
});
