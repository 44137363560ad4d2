// Goal: series, comparisons and replays agree with the figures module at any cuts, whatever came late, moved or was taken back.
// Method: random histories projected once; random ranges and pairs of cuts; the oracle asked day by day, and issue by issue on both sides.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deriveEventId } from '@rectrail/event-store';
import { addDays, dayIn, lastInstantOf, maxDay, type Cut, type Day, type Fact, type IssueId, type OrgId, type TreeId } from '@rectrail/kernel';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { administrativeTreeId, countingFacts, countingRetractions, streams, treeAt, type FactsRetracted, type OrganisationTreeEvent, type TrackingEvent } from '@rectrail/tracking-domain';
import { dashboard, issueViews, worldOf, type IssueView, type IssueViews } from '@rectrail/tracking-domain/figures';
import { randomCut, randomHistory } from '@rectrail/tracking-domain/testing';
import { openTrackingRead } from './open-tracking-read.ts';
import { figureNames } from './queries/figure-names.ts';
import type { DashboardAnswer } from './queries/answers.ts';
import type { CompareAnswer, ComparedIssue, CompareRequest, Headline, IssueChange, JudgedIssue, ReplayFrame, ReplayRequest, SeriesRequest } from './queries/over-time.ts';
import { seriesSteps } from './queries/requests.ts';
import type { TrackingRead } from './queries/tracking-read.ts';
import { randomOf, recordHistory } from './testing/index.ts';

type TrackingFact = Fact<TrackingEvent>;

const zone = 'Asia/Shanghai';
const seeds = [201, 202, 203, 204];
const seriesEach = 15;
const comparisonsEach = 30;

const referenceStreams = /^(org-tree-|policy-|working-calendar|installation)/;

/** The history of some owners alone, with all that they are judged by. */
const ofOwners = (history: readonly TrackingFact[], owners: ReadonlySet<OrgId> | null): readonly TrackingFact[] =>
  (owners === null ? history : history.filter(({ streamId, scope }) => referenceStreams.test(streamId) || (scope.orgId !== null && owners.has(scope.orgId))));

const membersAt = (history: readonly TrackingFact[], org: OrgId, tree: TreeId | undefined, cut: Cut): ReadonlySet<OrgId> => {
  const streamId = streams.organisationTree(tree ?? administrativeTreeId);
  // The name of the stream says which events it holds.
  const facts = history.filter((fact) => fact.streamId === streamId) as unknown as readonly Fact<OrganisationTreeEvent | FactsRetracted>[];
  return new Set([org, ...treeAt(countingFacts(facts, cut)).subtree(org)]);
};

/** The number of a dashboard that a name stands for. */
const numberAt = (figures: object, name: string): unknown => {
  const found = name.split('.').reduce<unknown>((inner, key) => (inner as Readonly<Record<string, unknown>>)[key], figures);
  if (typeof found !== 'object' || found === null) return found;
  return 'count' in found ? found.count : 'fen' in found ? found.fen : undefined;
};

const newsworthy = new Set([
  'FeedbackDelivered', 'IssueAccepted', 'IssueVerified', 'IssueWrittenOff', 'WriteOffRevoked', 'IssueReopened', 'ReportPublished', 'FundsRecovered', 'FundsReturned',
]);

const judgedIssue = ({ state, bucket }: IssueView): JudgedIssue => ({ state, bucket });

/** What the figures module says of an issue, as comparisons show it. */
const comparedIssue = ({ last, first }: IssueViews): ComparedIssue => {
  const possible = first === null ? null : judgedIssue(first);
  if (last === null) return { exists: false, possibly: possible };
  const { track, deadline: { due, planned, striving, closedOn }, folded } = last;
  const { title, heading, aspect, strand, annex, assistingOrgIds } = folded.registration!;
  const shown = judgedIssue(last);
  return {
    exists: true, ...shown, possibly: JSON.stringify(possible) === JSON.stringify(shown) ? null : possible, condition: last.deadline.condition,
    keptState: folded.state, track, disclosure: folded.disclosure, basis: folded.completionBasis, due, planned, striving, closedOn,
    numberPath: last.numberPath, title, heading, aspect, strand, annex, assistingOrgIds,
    printedStatus: folded.printedStatus, continuation: folded.continuation,
    residuals: folded.residuals.map((r) => ({ key: r.key, printed: r.printed, planned: r.planned ?? null, measureId: r.measureId ?? null, open: r.open })),
    disagreement: folded.disagreement, claim: folded.claim === null ? null : { ...folded.claim },
  };
};

describe.each(seeds)('random history %i', (seed) => {
  const history: readonly TrackingFact[] = randomHistory(seed, 300, deriveEventId);
  const orgs = history.flatMap((fact) => (fact.event.type === 'OrgRegistered' ? [{ orgId: fact.event.data.orgId, at: fact.position }] : []));
  const trees = history.flatMap((fact) => (fact.event.type === 'TreeOpened' ? [{ treeId: fact.event.data.treeId, at: fact.position }] : []));
  let database: TestDatabase;
  let news = 0;
  let read: TrackingRead;
  /** Looks for what happened between two cuts also where a selection is small. */
  let readBetween: TrackingRead;

  beforeAll(async () => {
    database = await createTestDatabase();
    const { store, codec, clock } = await recordHistory(history);
    const options = { connectionString: database.url, store, codec, clock, zone, coarseFromPoints: 30, connectionsMax: 4 };
    read = await openTrackingRead(options);
    await read.project();
    readBetween = await openTrackingRead({ ...options, fewPoints: 0 });
  });

  afterAll(async () => {
    await read.stop();
    await readBetween.stop();
    await database.drop();
  });

  const choiceAt = (n: number): { readonly cut: Cut; readonly org: OrgId | null; readonly tree: TreeId | undefined; readonly treeAt: 'then' | 'now' } => {
    const random = randomOf(seed * 7_919 + n);
    const cut = randomCut(seed * 1_000 + n, history);
    const registered = orgs.filter((org) => org.at <= cut.atPosition).map((org) => org.orgId);
    return {
      cut, org: registered.length === 0 || random.int(0, 3) === 0 ? null : random.pick(registered),
      tree: random.pick<TreeId | undefined>([undefined, undefined, ...trees.filter(({ at }) => at <= cut.atPosition).map(({ treeId }) => treeId)]),
      treeAt: random.pick(['then', 'then', 'now'] as const),
    };
  };

  it.each(Array.from({ length: seriesEach }, (_, n) => n))('gives on each day of series %i the oracle\'s dashboard', async (n) => {
    const random = randomOf(seed * 104_729 + n);
    const { cut, org, tree, treeAt: shape } = choiceAt(n);
    const as = random.pick(['then', 'known'] as const);
    const every = random.pick(seriesSteps);
    const to = cut.validAt;
    const from = addDays(to, -random.int(0, { day: 12, week: 80, month: 400 }[every]));
    const request: SeriesRequest = {
      within: null, atPosition: cut.atPosition, from, to, every, as, figures: figureNames, tree, treeAt: shape,
      ...(org !== null && { org }), ...(as === 'known' && { knownAt: cut.knownAt }),
    };
    const answer = await read.queries.series(request);
    const knownOn = (d: Day) => (as === 'known' ? cut.knownAt : lastInstantOf(zone, d));
    expect(answer.cut).toEqual({ atPosition: cut.atPosition, validAt: to, knownAt: knownOn(to) });
    expect([answer.figures.days[0], answer.figures.days.at(-1)]).toEqual([from, to]);
    const years = new Set<number>();
    for (const [i, d] of answer.figures.days.entries()) {
      const at: Cut = { ...answer.cut, validAt: d, knownAt: knownOn(d) };
      const treeCut = shape === 'now' ? { ...answer.cut, validAt: dayIn(zone, answer.cut.knownAt) } : at;
      const expected = dashboard(ofOwners(history, org === null ? null : membersAt(history, org, tree, treeCut)), at, { org: null, policy: null });
      for (const year of expected.assumptions.calendarYears) years.add(year);
      const values = Object.fromEntries(figureNames.map((name) => [name, answer.figures.values[name]?.[i]]));
      expect({ d, values }).toEqual({ d, values: Object.fromEntries(figureNames.map((name) => [name, numberAt(expected.figures, name)])) });
    }
    expect(answer.assumptions.calendarYears).toEqual([...years].sort((a, b) => a - b));
  });

  interface Comparison { readonly from: Cut; readonly to: Cut; readonly request: CompareRequest; readonly choice: ReturnType<typeof choiceAt>; readonly policy: OrgId | 'default' | null }

  const compareAt = (n: number): Comparison => {
    const random = randomOf(seed * 15_485_863 + n);
    const drawn = choiceAt(n);
    const { cut: to, org, treeAt: shape } = drawn;
    const other = randomCut(seed * 2_000 + n, history);
    // Cuts that differ in one of the three, as people ask, and in all of them, either way round.
    const { validAt, knownAt, atPosition } = other;
    const from = random.pick<Cut>([other, { ...to, validAt }, { ...to, knownAt }, { ...to, atPosition }, { ...other, atPosition: to.atPosition }]);
    const policy = random.pick<OrgId | 'default' | null>([null, null, 'default', org]);
    // A tree that was not open on both sides is refused.
    const tree = trees.some(({ treeId, at }) => treeId === drawn.tree && at <= from.atPosition) ? drawn.tree : undefined;
    const choice = { ...drawn, tree };
    const request: CompareRequest = {
      within: null, fromValidAt: from.validAt, fromKnownAt: from.knownAt, fromAtPosition: from.atPosition, ...to, tree, treeAt: shape, limit: 500,
      ...(org !== null && { org }), ...(policy !== null && { policy }),
    };
    return { from, to, request, choice, policy };
  };

  /** The whole comparison, naively: every issue's views on both sides. */
  const expectedChanges = ({ from, to, choice: { org, tree, treeAt: shape }, policy }: Comparison): ReadonlyMap<IssueId, Pick<IssueChange, 'before' | 'after' | 'changed'>> => {
    const world = worldOf(history);
    const sideOf = (cut: Cut): ReadonlyMap<IssueId, ComparedIssue> => {
      const owners = org === null ? null : membersAt(history, org, tree, { ...cut, validAt: shape === 'now' ? dayIn(zone, cut.knownAt) : cut.validAt });
      return new Map(issueViews(world, cut, policy).flatMap((views, i) => {
        const id = world.issues[i]!.streamId.slice('issue-'.length) as IssueId;
        return owners === null || (views.orgId !== null && owners.has(views.orgId)) ? [[id, comparedIssue(views)]] : [];
      }));
    };
    const [before, after] = [sideOf(from), sideOf(to)];
    const absent: ComparedIssue = { exists: false, possibly: null };
    return new Map(world.issues.flatMap(({ streamId }) => {
      const id = streamId.slice('issue-'.length) as IssueId;
      const [a, b] = [before.get(id) ?? absent, after.get(id) ?? absent];
      const fields = a.exists === b.exists ? Object.keys(a) : ['exists', 'possibly'];
      const changed = fields.filter((field) => JSON.stringify((a as never)[field]) !== JSON.stringify((b as never)[field]));
      return changed.length === 0 ? [] : [[id, { before: a, after: b, changed }]];
    }));
  };

  const countsAt = (fact: TrackingFact, stream: readonly TrackingFact[], cut: Cut): boolean =>
    countingFacts(stream, cut).includes(fact) || countingRetractions(stream, cut).some((retraction) => retraction.eventId === fact.eventId);

  it.each(Array.from({ length: comparisonsEach }, (_, n) => n))('finds in comparison %i what the oracle finds issue by issue, whichever way it looks', async (n) => {
    const asked = compareAt(n);
    const expected = expectedChanges(asked);
    const answers = [await read.queries.compare(asked.request), await readBetween.queries.compare(asked.request)];
    for (const { items, from, to, cut, nextCursor } of answers) {
      expect([from.cut, to.cut, cut, nextCursor]).toEqual([asked.from, asked.to, asked.to, null]);
      const byId = new Map(items.map(({ issueId, before, after, changed }) => [issueId, { before, after, changed }]));
      expect(byId).toEqual(expected);
      expect(items.length).toBe(expected.size);
    }
    expect(answers[1]).toEqual(answers[0]);
    for (const { issueId, causes, events, changed } of answers[0]!.items) {
      const stream = history.filter(({ streamId }) => streamId === `issue-${issueId}`);
      const certain = stream.filter((fact) => countsAt(fact, stream, asked.from) !== countsAt(fact, stream, asked.to));
      const listed = events.map(({ eventId, countsAt: side }) => ({ eventId, side }));
      for (const fact of certain) expect(listed).toContainEqual({ eventId: fact.eventId, side: countsAt(fact, stream, asked.from) ? 'from' : 'to' });
      if (!changed.includes('possibly')) expect(listed.length).toBe(certain.length);
      expect(causes.includes('events')).toBe(events.length > 0);
      expect(causes).not.toEqual([]);
    }
  });

  it.each(Array.from({ length: 6 }, (_, n) => n))('gives comparison %i page by page, with the dashboards of both sides and their difference', async (n) => {
    const { request, from, to } = compareAt(n);
    const whole = await read.queries.compare(request);
    const random = randomOf(seed * 31 + n);
    for (const { queries } of [read, readBetween]) {
      const items: IssueChange[] = [];
      let cursor: string | undefined;
      do {
        const cutsLeftOut = cursor !== undefined && random.int(0, 1) === 0 && { fromKnownAt: undefined, atPosition: undefined };
        const page: CompareAnswer = await queries.compare({ ...request, limit: random.int(1, 6), cursor, ...cutsLeftOut });
        items.push(...page.items);
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      expect(items).toEqual(whole.items);
    }
    for (const [side, cut] of [[whole.from, from], [whole.to, to]] as const) {
      const { org, policy, tree, treeAt: shape } = request;
      const alone = await read.queries.dashboard({ within: null, ...cut, org, policy, tree, treeAt: shape }).catch((error: unknown) => error);
      // The organisation, or whose policy it is, may not have been registered at the earlier position.
      if (alone instanceof Error) expect(alone).toMatchObject({ code: 'unknown-organisation' });
      else expect(side).toEqual({ cut, ...(({ treeOn, digest, figures, assumptions }) => ({ treeOn, digest, figures, assumptions }))(alone as DashboardAnswer) });
    }
    for (const name of figureNames) {
      const [later, earlier, less] = [whole.to.figures, whole.from.figures, whole.difference].map((figures) => BigInt(numberAt(figures, name) as string | number));
      expect([name, less]).toEqual([name, later! - earlier!]);
    }
  });

  const filmAt = (n: number): { readonly request: ReplayRequest; readonly choice: ReturnType<typeof choiceAt> } => {
    const random = randomOf(seed * 32_452_843 + n);
    const choice = choiceAt(n);
    const { cut, org, tree, treeAt: shape } = choice;
    const every = n === 0 ? 'month' : random.pick(seriesSteps);
    // Late enough to have news of what was long true, or became known then.
    const to = maxDay(cut.validAt, dayIn(zone, cut.knownAt));
    const from = addDays(to, -random.int(0, { day: 60, week: 300, month: 2_500 }[every]));
    const opened = history.flatMap(({ event, position }) => (event.type === 'InspectionOpened' && position <= cut.atPosition ? [event.data.inspectionId] : []));
    const inspection = opened.length > 0 && random.int(0, 2) === 0 ? random.pick(opened) : undefined;
    const of = n === 0 ? {} : inspection !== undefined ? { inspection } : org !== null && { org };
    return { choice, request: { within: null, atPosition: cut.atPosition, from, to, every, tree, treeAt: shape, ...of } };
  };

  const played = async (request: ReplayRequest): Promise<readonly { readonly token: string; readonly frame: ReplayFrame }[]> => {
    const frames = [];
    for await (const one of (await read.queries.replay(request)).play()) frames.push(one);
    return frames;
  };

  /** Whose news it is: the round's own stream, and whatever names the round. */
  const isOfRound = (inspection: string | undefined, streamId: string): boolean => {
    if (inspection === undefined || streamId === `inspection-${inspection}`) return true;
    const ofStream = history.filter((fact) => fact.streamId === streamId);
    return ofStream.some(({ event: { data } }) => ('inspectionId' in data && data.inspectionId === inspection) || ('inspectionIds' in data && data.inspectionIds.some((id) => id === inspection)));
  };

  const newsSince = (before: Day, cut: Cut, owners: ReadonlySet<OrgId> | null): readonly TrackingFact[] => history.filter((fact) => {
    const day = maxDay(fact.validTime?.last ?? cut.validAt, dayIn(zone, fact.knownTime));
    const { scope: { orgId } } = fact;
    return newsworthy.has(fact.event.type) && before < day && day <= cut.validAt && orgId !== null && (owners?.has(orgId) ?? true)
      && countingFacts(history.filter(({ streamId }) => streamId === fact.streamId), cut).includes(fact);
  });

  const expectToName = ({ eventId, issue, fen, streamId }: Headline): void => {
    const { event } = history.find((fact) => fact.eventId === eventId)!;
    if ('money' in event.data) expect(fen).toBe(event.data.money.fen);
    if (!streamId.startsWith('issue-') || issue === null) return;
    expect(history).toContainEqual(expect.objectContaining({ event: expect.objectContaining({ data: expect.objectContaining(issue) }) }));
  };

  it.each(Array.from({ length: 6 }, (_, n) => n))('plays replay %i frame by frame as it was known then', async (n) => {
    const { request, choice: { tree, treeAt: shape } } = filmAt(n);
    const film = await read.queries.replay(request);
    const frames = await played(request);
    expect([film.frames, film.seen, film.cut]).toEqual([frames.length, 0, frames.at(-1)!.frame.cut]);
    const org = film.org?.orgId ?? null;
    const series = await read.queries.series({ ...request, figures: figureNames, ...(org !== null && { org }) });
    expect(frames.map(({ frame }) => frame.cut.validAt)).toEqual(series.figures.days);
    for (const [i, { frame: { cut, figures, headlines, more, assumptions } }] of frames.entries()) {
      expect(figures).toEqual(Object.fromEntries(figureNames.map((name) => [name, series.figures.values[name]![i]])));
      const treeCut = shape === 'now' ? { ...film.cut, validAt: dayIn(zone, film.cut.knownAt) } : cut;
      const owners = org === null ? null : membersAt(history, org, tree, treeCut);
      const expected = newsSince(frames[i - 1]?.frame.cut.validAt ?? addDays(cut.validAt, -1), cut, owners).filter(({ streamId }) => isOfRound(request.inspection, streamId));
      expect(headlines.map(({ eventId }) => eventId)).toEqual(expected.slice(0, 8).map(({ eventId }) => eventId));
      expect(more).toBe(Math.max(0, expected.length - 8));
      for (const headline of headlines) expectToName(headline);
      news += headlines.length;
      if (i > 0) expect(assumptions.calendarYears.every((year) => series.assumptions.calendarYears.includes(year))).toBe(true);
    }
  });

  it.each(Array.from({ length: 6 }, (_, n) => n))('goes on with replay %i behind any frame', async (n) => {
    const { request } = filmAt(n);
    const frames = await played(request);
    for (const at of new Set([0, Math.floor(frames.length / 2), Math.min(frames.length - 1, 31), frames.length - 1])) {
      const { token } = frames[at]!;
      const rest = await read.queries.replay({ ...request, after: token, ...(at % 2 === 0 && { atPosition: undefined }) });
      expect(rest.seen).toBe(at + 1);
      expect(await played({ ...request, after: token })).toEqual(frames.slice(at + 1));
    }
    await expect(read.queries.replay({ ...request, after: frames[0]!.token, every: request.every === 'day' ? 'week' : 'day' })).rejects.toMatchObject({ code: 'cursor-mismatch' });
    await expect(read.queries.replay({ ...request, after: 'x' })).rejects.toMatchObject({ code: 'cursor-invalid' });
  });

  it('has news to play', () => { expect(news).toBeGreaterThan(0); });
});
