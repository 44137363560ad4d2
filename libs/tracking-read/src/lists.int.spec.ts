// Goal: every list is a filter and an order over what the events say, whatever way it is looked for, and its pages neither shift nor overlap.
// Method: random histories on a real PostgreSQL; issues, measures and cases folded from the events alone, filtered and sorted naively, beside each list at random cuts.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deriveEventId } from '@rectrail/event-store';
import { firstDay, position, type Cut, type Day, type Fact, type FundsCaseId, type IssueId, type MeasureId, type OrgId, type StreamId } from '@rectrail/kernel';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import {
  administrativeTreeId, bucketOf, countingFacts, countingFactsByFirstDays, evolveFundsCase, foldIssue, foldMeasure, initialFundsCaseState, isIssueStatusAssertion, numberKey,
  policyAt, shownIssueStates, shownMeasureState, shownState, streams, treeAt, type FactsRetracted, type FundsCaseEvent, type IssueEvent, type IssueState, type MeasureEvent,
  type OrganisationTreeEvent, type OrgTree, type PolicyContent, type PolicyEvent, type TrackingEvent,
} from '@rectrail/tracking-domain';
import { deadlines } from '@rectrail/tracking-domain/figures';
import { randomCut, randomHistory } from '@rectrail/tracking-domain/testing';
import type { DataSource } from 'typeorm';
import { openReadDatabase } from './database/data-source.ts';
import { schema } from './database/rows.ts';
import { openTrackingRead } from './open-tracking-read.ts';
import { fundsContributions } from './projections/funds-register.ts';
import { issueTimeline } from './projections/issue-register.ts';
import type { Page } from './queries/answers.ts';
import type { CursorKey } from './queries/cursor.ts';
import { issueSelection } from './queries/issue-selection.ts';
import { readAt, select, type ReadContext } from './queries/read-session.ts';
import { ReferenceData } from './queries/reference-data.ts';
import { listPage, type ListPage, type Sizes, type Walk } from './queries/register-list.ts';
import { fundsSorts, issueSorts, measureSorts, moneyChoices, sortDirections, type FundsRequest, type IssuesRequest, type MeasuresRequest } from './queries/requests.ts';
import type { TrackingRead } from './queries/tracking-read.ts';
import { Verdicts } from './queries/verdicts.ts';
import { recordHistory } from './testing/index.ts';

type TrackingFact = Fact<TrackingEvent>;

const zone = 'Asia/Shanghai';
const everywhere = { within: null } as const;
const histories = [31, 32];
const cutsEach = 10;
const rejection = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => 'answered', (error: unknown) => (error as { code: string }).code);

const randomOf = (seed: number) => {
  let state = seed * 2_654_435_761 % 4_294_967_296;
  const next = (): number => { state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296; return state / 4_294_967_296; };
  const int = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1));
  return { int, chance: (p: number) => next() < p, pick: <T>(items: readonly T[]): T => items[int(0, items.length - 1)]! };
};
type Random = ReturnType<typeof randomOf>;

const compare = <T extends string | number>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);
/** The first difference decides. */
const byAll = <T>(...keys: readonly ((item: T) => string | number)[]) => (a: T, b: T): number => keys.reduce((order, key) => (order === 0 ? compare(key(a), key(b)) : order), 0);

/** What the events say at a cut: things as lists tell them apart, and organisations in their order. */
interface NaiveThing { readonly id: string; readonly name: number; readonly orgId: OrgId; readonly inspectionId: string; readonly numberKey: string }
interface NaiveIssue extends NaiveThing {
  readonly issueId: IssueId;
  readonly state: string;
  readonly track: string;
  readonly bucket: string;
  readonly condition: string;
  readonly due: Day | null;
  readonly since: Day | null;
  readonly texts: readonly string[];
  readonly aspect: string | null;
  readonly assisting: readonly OrgId[];
  readonly money: { readonly any: boolean; readonly recovered: boolean; readonly outstanding: boolean };
  readonly disagreement: boolean;
}
interface NaiveMeasure extends NaiveThing {
  readonly measureId: MeasureId;
  readonly state: string;
  readonly due: Day | null;
  readonly issueIds: readonly IssueId[];
  readonly title: string;
}
interface NaiveCase extends NaiveThing {
  readonly fundsCaseId: FundsCaseId;
  readonly issueIds: readonly IssueId[];
  readonly fen: Readonly<Record<'identified' | 'recovered' | 'returned', bigint>>;
  readonly isIdentified: boolean;
  readonly cameBack: boolean;
}

const noInspection = '00000000-0000-0000-0000-000000000000';

const naiveWorld = (history: readonly TrackingFact[], cut: Cut) => {
  const byStream = [...Map.groupBy(history, (fact) => fact.streamId)];
  // The name of a stream says which events it holds.
  const ofPrefix = <E extends TrackingEvent>(prefix: string) =>
    byStream.filter(([id]) => id.startsWith(prefix)) as unknown as readonly (readonly [StreamId, readonly Fact<E | FactsRetracted>[]])[];
  const treeFacts = ofPrefix<OrganisationTreeEvent>(streams.organisationTree(administrativeTreeId)).flatMap(([, facts]) => facts);
  const tree: OrgTree = treeAt(countingFacts(treeFacts, cut));
  const orgIds = new Set(history.flatMap(({ scope: { orgId } }) => (orgId === null ? [] : [orgId])));
  const inTree = tree.roots.flatMap((root) => tree.subtree(root));
  const order = [...inTree, ...[...orgIds].filter((orgId) => !inTree.includes(orgId)).sort()];
  const policyOf = (owner: OrgId | null): PolicyContent | null =>
    policyAt(countingFacts(ofPrefix<PolicyEvent>(owner === null ? streams.defaultPolicy : streams.policy(owner)).flatMap(([, facts]) => facts), cut))?.content ?? null;
  const conditions = new Map(deadlines(history, cut, { org: null, policy: null }).rows.map((row) => [row.issueId, row]));

  const cases = ofPrefix<FundsCaseEvent>('funds-case-').flatMap(([, facts]): NaiveCase[] => {
    const view = [issueFundsOf(facts, cut)].filter((one) => one !== null);
    return view.map(({ id, orgId, inspectionId, issueIds, movements }) => {
      const fenOf = (direction: string): bigint => fundsContributions({ movements }).find(({ cell }) => cell === direction)!.fen;
      return {
        id, fundsCaseId: id, name: 0, orgId, inspectionId: inspectionId ?? noInspection, numberKey: '', issueIds,
        fen: { identified: fenOf('identified'), recovered: fenOf('recovered'), returned: fenOf('returned') },
        isIdentified: movements.some(({ kind }) => kind === 'identified'), cameBack: movements.some(({ kind }) => kind !== 'identified'),
      };
    });
  });
  const issues = ofPrefix<IssueEvent>('issue-').flatMap(([, facts]): NaiveIssue[] => {
    const state = foldIssue(countingFacts(facts, cut));
    const { registration } = state;
    if (registration === null) return [];
    const { issueId, orgId, inspectionId, numberPath, title, heading, aspect, assistingOrgIds } = registration;
    const ofIssue = cases.filter(({ issueIds }) => issueIds.includes(issueId));
    const { condition, due } = conditions.get(issueId)!;
    const policy = (policyOf(orgId) ?? policyOf(null))!;
    return [{
      id: issueId, issueId, name: 0, orgId, inspectionId, numberKey: registration.numberKey, state: shownState(state), track: state.track, aspect, assisting: assistingOrgIds,
      bucket: bucketOf(policy, { ...state, basis: state.completionBasis, openDatedResidual: state.residuals.some((r) => r.open && r.planned !== undefined) }),
      condition, due, since: sinceOf(facts, cut), texts: [title, heading ?? '', numberPath.join('')], disagreement: state.disagreement,
      money: { any: ofIssue.length > 0, recovered: ofIssue.some((one) => one.cameBack), outstanding: ofIssue.some((one) => one.isIdentified && !one.cameBack) },
    }];
  });
  const measures = ofPrefix<MeasureEvent>('measure-').flatMap(([, facts]): NaiveMeasure[] => {
    const state = foldMeasure(countingFacts(facts, cut));
    if (state.identity === null) return [];
    const { measureId, orgId, inspectionId, marker, title } = state.identity;
    return [{
      id: measureId, measureId, name: 0, orgId, inspectionId, numberKey: marker === null ? '' : numberKey([marker]), state: shownMeasureState(state),
      due: state.planned?.last ?? null, issueIds: state.issueIds, title,
    }];
  });
  return { issues, measures, cases, order, tree };
};

const issueFundsOf = (facts: readonly Fact<FundsCaseEvent | FactsRetracted>[], cut: Cut) => {
  const state = countingFacts(facts, cut).reduce(evolveFundsCase, initialFundsCaseState);
  const { identity, issueIds } = state;
  if (identity === null) return null;
  const came = (['recovered', 'returned'] as const).flatMap((kind) => state[kind].filter(({ eventId }) => !state.reversed.has(eventId))
    .map(({ eventId, money, on, voucher }) => ({ eventId, kind, money: state.specified.get(eventId) ?? money, on, voucher })));
  const identified = state.identified.map(({ eventId, money, on, voucher }) => ({ eventId, kind: 'identified' as const, money, on, voucher }));
  return { id: identity.fundsCaseId, orgId: identity.orgId, inspectionId: identity.inspectionId, issueIds, movements: [...identified, ...came] };
};

/** The first of the days up to the cut's on which the same is shown; null: on all of them. */
const sinceOf = (facts: readonly Fact<IssueEvent | FactsRetracted>[], cut: Cut): Day | null => {
  const viewOn = (validAt: Day): string => {
    const at = { ...cut, validAt };
    const folded = (some: readonly Fact<IssueEvent | FactsRetracted>[]): IssueState => foldIssue(some);
    return JSON.stringify(issueTimeline.view(folded(countingFacts(facts, at)), folded(countingFactsByFirstDays(facts, at, isIssueStatusAssertion))));
  };
  const days = [...new Set(facts.flatMap(({ validTime }) => (validTime === null ? [] : [validTime.first, validTime.last])))].filter((day) => day <= cut.validAt).sort().reverse();
  const shown = viewOn(cut.validAt);
  let since: Day | null = null;
  for (const day of days) {
    if (viewOn(day) !== shown) break;
    since = day;
  }
  return viewOn(firstDay) === shown ? null : since;
};

describe.each(histories)('the lists of the random history %i', (seed) => {
  const history: readonly TrackingFact[] = randomHistory(seed, 420, deriveEventId);
  const cuts = Array.from({ length: cutsEach }, (_, n) => ({ n, cut: randomCut(seed * 100 + n, history) }));
  const registeredBy = (at: number): readonly OrgId[] => history.flatMap(({ event, position: where }) => (event.type === 'OrgRegistered' && where <= at ? [event.data.orgId] : []));
  let database: TestDatabase;
  let dataSource: DataSource;
  let read: TrackingRead;
  let context: ReadContext;

  beforeAll(async () => {
    database = await createTestDatabase();
    const recorded = await recordHistory(history);
    read = await openTrackingRead({ connectionString: database.url, ...recorded, zone, batchEventsMax: 40 + seed });
    await read.project();
    dataSource = await openReadDatabase({ connectionString: database.url, connectionsMax: 2 });
    const head = position(history.length);
    context = {
      dataSource, store: recorded.store, decode: (stored) => recorded.codec.decode(stored), clock: recorded.clock, zone, reference: new ReferenceData(), fewPoints: 0,
      runner: { catchUp: () => Promise.resolve(true), reached: () => Promise.resolve(new Map([['registers', head], ['events', head]])) } as unknown as ReadContext['runner'],
    };
  });

  afterAll(async () => {
    await dataSource.destroy();
    await read.stop();
    await database.drop();
  });

  /** How large the statistics of the tables say that they are decides the way: almost nothing is walked along, very much is looked for in lanes. */
  const pretendNames = async (names: number): Promise<void> => {
    for (const kind of ['issue', 'measure', 'funds']) await dataSource.query(`update pg_class set reltuples = $1 where oid = '${schema}.${kind}_name'::regclass`, [names]);
  };

  const pagesOf = async <T, P extends { readonly nextCursor: string | null; readonly total: number | null }>(
    ask: (page: { readonly limit: number; readonly cursor?: string }) => Promise<P>, itemsOf: (page: P) => readonly T[], random: Random,
  ): Promise<{ readonly items: readonly T[]; readonly total: number | null }> => {
    const items: T[] = [];
    for (let cursor: string | null = null, total: number | null | undefined;;) {
      const page = await ask({ limit: random.int(1, 12), ...(cursor !== null && { cursor }) });
      items.push(...itemsOf(page));
      expect([page.total, total ?? page.total]).toEqual([total ?? page.total, page.total]);
      total = page.total;
      if (page.nextCursor === null) return { items, total };
      cursor = page.nextCursor;
    }
  };

  const scopeOf = (random: Random, cut: Cut, tree: OrgTree) => {
    const registered = registeredBy(cut.atPosition);
    const org = registered.length === 0 || random.chance(0.5) ? undefined : random.pick(registered);
    const members = org === undefined ? null : new Set([org, ...tree.subtree(org)]);
    return { org, isIn: ({ orgId }: NaiveThing): boolean => members?.has(orgId) ?? true };
  };
  const inOrder = (order: readonly OrgId[]) => [
    ({ orgId }: NaiveThing) => order.indexOf(orgId), (thing: NaiveThing) => thing.inspectionId, (thing: NaiveThing) => thing.numberKey, (thing: NaiveThing) => thing.id,
  ] as const;
  const turned = <T>(items: readonly T[], descending: boolean): readonly T[] => (descending ? items.toReversed() : items);
  const maybe = <T>(random: Random, value: () => T, p = 0.3): T | undefined => (random.chance(p) ? value() : undefined);

  const issueFilters = (random: Random, issues: readonly NaiveIssue[], orgs: readonly OrgId[]): Partial<IssuesRequest> => {
    if (issues.length === 0) return {};
    const one = random.pick(issues);
    const text = random.pick(one.texts.filter((part) => part !== ''));
    const from = random.int(0, text.length - 1);
    // The values are those that the requests allow.
    return {
      state: maybe(random, () => one.state), bucket: maybe(random, () => one.bucket), deadline: maybe(random, () => one.condition), track: maybe(random, () => one.track),
      aspect: maybe(random, () => one.aspect ?? '没有这样的方面', 0.1), inspection: maybe(random, () => one.inspectionId, 0.1), assisting: maybe(random, () => random.pick(orgs), 0.1),
      money: maybe(random, () => random.pick(moneyChoices), 0.2), disagreement: maybe(random, () => random.chance(0.5), 0.1),
      q: maybe(random, () => text.slice(from, random.int(from + 1, text.length)), 0.2),
      sort: random.pick([undefined, ...issueSorts]), order: random.pick([undefined, ...sortDirections]),
    } as Partial<IssuesRequest>;
  };
  const fulfils = ({ assisting, q, money, ...f }: Partial<IssuesRequest>) => (issue: NaiveIssue): boolean => {
    const equals = [
      [f.state, issue.state], [f.bucket, issue.bucket], [f.deadline, issue.condition], [f.track, issue.track], [f.aspect, issue.aspect], [f.inspection, issue.inspectionId],
      [f.disagreement, issue.disagreement], [money, money === undefined || (money === 'none' ? !issue.money.any : issue.money[money]) ? money : null],
    ];
    return equals.every(([asked, is]) => asked === undefined || asked === is) && (assisting === undefined || issue.assisting.includes(assisting as OrgId))
      && (q === undefined || issue.texts.some((text) => text.toLowerCase().includes(q.toLowerCase())));
  };
  const sortedIssues = (issues: readonly NaiveIssue[], order: readonly OrgId[], { sort, order: direction }: Partial<IssuesRequest>): readonly NaiveIssue[] => {
    const [numbers, descending] = [inOrder(order), direction === 'desc'];
    const states = turned(shownIssueStates, descending) as readonly string[];
    switch (sort) {
      case 'due': return [
        ...turned(issues.filter(({ due }) => due !== null).toSorted(byAll(({ due }) => due!, ({ orgId }) => orgId, ({ id }) => id)), descending),
        ...issues.filter(({ due }) => due === null).toSorted(byAll<NaiveIssue>(...numbers)),
      ];
      case 'state': return issues.toSorted(byAll<NaiveIssue>(({ state }) => states.indexOf(state), ...numbers));
      case 'changed': return turned(issues.toSorted(byAll(({ since }) => since ?? '', ({ orgId }) => orgId, ({ id }) => id)), descending);
      case 'number':
      case undefined: return turned(issues.toSorted(byAll<NaiveIssue>(...numbers)), descending);
    }
  };

  it.each(cuts)('hold the issues that the filters leave, in the order asked for, at cut $n', async ({ n, cut }) => {
    const random = randomOf(seed * 7_919 + n);
    const { issues, order, tree } = naiveWorld(history, cut);
    for (let draw = 0; draw < 5; draw += 1) {
      await pretendNames(draw % 2 === 0 ? 0 : 10_000_000);
      const { org, isIn } = scopeOf(random, cut, tree);
      const filters = draw === 0 ? {} : issueFilters(random, issues, registeredBy(cut.atPosition));
      const wanted = sortedIssues(issues.filter(isIn).filter(fulfils(filters)), order, filters);
      const list = await pagesOf((page) => read.queries.issues({ ...everywhere, ...cut, org, ...filters, ...page }), (page) => page.items, random);
      expect({ filters, org, ids: list.items.map(({ issueId, since }) => [issueId, since]) }).toEqual({ filters, org, ids: wanted.map(({ issueId, since }) => [issueId, since]) });
      if (list.total !== null) expect({ filters, total: list.total }).toEqual({ filters, total: wanted.length });
      const sort = filters.sort ?? 'due';
      const dues = await pagesOf((page) => read.queries.deadlines({ ...everywhere, ...cut, org, ...filters, ...page }), (page) => page.items, random);
      expect(dues.items.map(({ issueId }) => issueId)).toEqual(sortedIssues(wanted, order, { ...filters, sort }).map(({ issueId }) => issueId));
    }
  });

  it.each(cuts.slice(0, 6))('hold the measures and the cases that the filters leave, in the order asked for, at cut $n', async ({ n, cut }) => {
    const random = randomOf(seed * 6_007 + n);
    const { issues, measures, cases, order, tree } = naiveWorld(history, cut);
    for (let draw = 0; draw < 4; draw += 1) {
      await pretendNames(draw % 2 === 0 ? 0 : 10_000_000);
      const { org, isIn } = scopeOf(random, cut, tree);
      const days = measures.flatMap(({ due }) => due ?? []);
      const ofMeasures: Partial<MeasuresRequest> = measures.length === 0 ? {} : {
        state: maybe(random, () => random.pick(measures).state), issue: maybe(random, () => random.pick(measures).issueIds[0], 0.2),
        inspection: maybe(random, () => random.pick(measures).inspectionId, 0.1), q: maybe(random, () => random.pick(measures).title.slice(0, 2), 0.2),
        plannedFrom: maybe(random, () => random.pick(days), days.length === 0 ? 0 : 0.2), plannedUntil: maybe(random, () => random.pick(days), days.length === 0 ? 0 : 0.2),
        sort: random.pick([undefined, ...measureSorts]), order: random.pick([undefined, ...sortDirections]),
      } as Partial<MeasuresRequest>;
      const { state, issue, inspection, q, plannedFrom, plannedUntil, sort } = ofMeasures;
      const wanted = measures.filter(isIn).filter((measure) => (state ?? measure.state) === measure.state && (issue === undefined || measure.issueIds.includes(issue))
        && (inspection ?? measure.inspectionId) === measure.inspectionId && measure.title.includes(q ?? '')
        && (plannedFrom === undefined || (measure.due ?? '') >= plannedFrom) && (plannedUntil === undefined || (measure.due ?? '~') <= plannedUntil));
      const numbers = inOrder(order);
      const sorted = sort !== 'due' ? turned(wanted.toSorted(byAll<NaiveMeasure>(...numbers)), ofMeasures.order === 'desc') : [
        ...turned(wanted.filter(({ due }) => due !== null).toSorted(byAll(({ due }) => due!, ({ orgId }) => orgId, ({ id }) => id)), ofMeasures.order === 'desc'),
        ...wanted.filter(({ due }) => due === null).toSorted(byAll<NaiveMeasure>(...numbers)),
      ];
      const list = await pagesOf((page) => read.queries.measures({ ...everywhere, ...cut, org, ...ofMeasures, ...page }), (page) => page.items, random);
      expect({ ofMeasures, ids: list.items.map(({ measureId }) => measureId) }).toEqual({ ofMeasures, ids: sorted.map(({ measureId }) => measureId) });

      const ofCases: Partial<FundsRequest> = cases.length === 0 ? {} : {
        issue: maybe(random, () => random.pick(issues.length === 0 ? cases.map(({ issueIds }) => issueIds[0]!) : issues.map(({ issueId }) => issueId)), 0.2),
        inspection: maybe(random, () => random.pick(cases).inspectionId as FundsRequest['inspection'], 0.1),
        money: maybe(random, () => random.pick(['recovered', 'outstanding'] as const)),
        minFen: maybe(random, () => String(random.pick(cases).fen.identified)), sort: random.pick([undefined, ...fundsSorts]), order: random.pick([undefined, ...sortDirections]),
      };
      const ofThese = cases.filter(isIn).filter((one) => (ofCases.issue === undefined || one.issueIds.includes(ofCases.issue))
        && (ofCases.inspection ?? one.inspectionId) === one.inspectionId
        && (ofCases.money === undefined || (ofCases.money === 'recovered' ? one.cameBack : one.isIdentified && !one.cameBack)) && one.fen.identified >= BigInt(ofCases.minFen ?? '-1'));
      const by = ofCases.sort ?? 'number';
      const inTurn = by === 'number' ? ofThese.toSorted(byAll<NaiveCase>(...numbers))
        : ofThese.toSorted((a, b) => Number(a.fen[by] - b.fen[by]) || compare(a.orgId, b.orgId) || compare(a.id, b.id));
      const funds = await pagesOf((page) => read.queries.funds({ ...everywhere, ...cut, org, ...ofCases, ...page }), (page) => page.cases, random);
      expect({ ofCases, ids: funds.items.map(({ fundsCaseId }) => fundsCaseId) }).toEqual({ ofCases, ids: turned(inTurn, ofCases.order === 'desc').map(({ fundsCaseId }) => fundsCaseId) });
    }
  });

  it.each(cuts.slice(0, 6))('are the same by names, by lanes and along a walk that ends early, at cut $n', async ({ n, cut }) => {
    const random = randomOf(seed * 4_001 + n);
    const { issues } = naiveWorld(history, cut);
    const ways: readonly (readonly [Sizes, Walk])[] = [
      [{ few: 1, all: 1_000_000_000 }, { first: 1, most: 1 }], [{ few: null, all: 1_000_000_000 }, { first: 1, most: 1 }],
      [{ few: null, all: 0 }, { first: 2, most: 5 }], [{ few: null, all: 0 }, { first: 1, most: 1 }],
    ];
    for (let draw = 0; draw < 2; draw += 1) {
      const filters = issueFilters(random, issues, registeredBy(cut.atPosition));
      const limit = random.int(1, 9);
      const lists = await Promise.all(ways.map(([sizes, walk]) => readAt(context, { ...everywhere, ...cut }, async (session) => {
        const judged = { selected: select(session, undefined), verdicts: new Verdicts(session, undefined) };
        const { groups } = await issueSelection(session, { ...everywhere, ...cut, ...filters }, judged);
        const ids: string[] = [];
        for (let after: CursorKey | null = null;;) {
          const page: ListPage<{ readonly id: string }> = await listPage<{ readonly id: string }>(session, groups, sizes, { after, size: limit, walk });
          expect(page.rows.length).toBeLessThanOrEqual(limit);
          ids.push(...page.rows.map(({ id }) => id));
          if (page.next === null) return ids;
          after = page.next;
        }
      })));
      for (const list of lists) expect(list).toEqual(lists[0]);
    }
  });

  it('have orders that are total: no key stands twice', () => {
    const { issues, order } = naiveWorld(history, cuts[0]!.cut);
    for (const sort of issueSorts) expect(new Set(sortedIssues(issues, order, { sort }).map(({ id }) => id)).size).toBe(issues.length);
  });
});

describe('pages', () => {
  const seed = 34;
  const history: readonly TrackingFact[] = randomHistory(seed, 420, deriveEventId);
  let database: TestDatabase;

  beforeAll(async () => { database = await createTestDatabase(); });
  afterAll(async () => { await database.drop(); });

  it('never shift while events are appended between them', async () => {
    const recorded = await recordHistory(history);
    const read = await openTrackingRead({ connectionString: database.url, ...recorded, zone });
    const from = 200;
    await read.project(position(from));
    const begun = (): Promise<Page<{ readonly issueId: IssueId }>> => read.queries.issues({ ...everywhere, atPosition: position(from), sort: 'due', limit: 3 });
    let page = await begun();
    const whole = (await read.queries.issues({ ...everywhere, ...page.cut, sort: 'due', limit: 500 })).items.map(({ issueId }) => issueId);
    const seen = page.items.map(({ issueId }) => issueId);
    for (let reached = from; page.nextCursor !== null;) {
      reached = Math.min(history.length, reached + 11);
      await read.project(position(reached));
      page = await read.queries.issues({ ...everywhere, sort: 'due', limit: 3, cursor: page.nextCursor });
      expect(page.cut.atPosition).toBe(from);
      seen.push(...page.items.map(({ issueId }) => issueId));
    }
    expect(whole.length).toBeGreaterThan(9);
    expect(seen).toEqual(whole);
    expect((await begun()).items.map(({ issueId }) => issueId)).toEqual(whole.slice(0, 3));
    await read.stop();
  });

  it('refuse the cursor of another sort, of other filters, and one that names nobody', async () => {
    const recorded = await recordHistory(history);
    const read = await openTrackingRead({ connectionString: database.url, ...recorded, zone });
    await read.project();
    const { nextCursor } = await read.queries.issues({ ...everywhere, limit: 1 });
    const cursor = nextCursor!;
    for (const other of [{ sort: 'due' }, { order: 'desc' }, { money: 'any' }, { disagreement: true }, { assisting: history.find(({ scope }) => scope.orgId !== null)!.scope.orgId! }] as const) {
      expect(await rejection(read.queries.issues({ ...everywhere, ...other, cursor }))).toBe('cursor-mismatch');
    }
    const content = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    const altered = (change: (key: unknown[]) => unknown[]): string => Buffer.from(JSON.stringify([...content.slice(0, 4), ...change(content.slice(4))])).toString('base64url');
    const nobody = '00000000-0000-0000-0000-000000000000';
    for (const key of [
      altered(([group, , ...rest]) => [group, nobody, ...rest]), altered((parts) => parts.slice(1)), altered(([, ...rest]) => ['0', ...rest]),
      altered(() => [0, '2020-01-01', nobody, nobody]), altered(([group, org, inspection, , ...rest]) => [group, org, inspection, 'a\0b', ...rest]),
    ]) expect(await rejection(read.queries.issues({ ...everywhere, cursor: key }))).toBe('cursor-invalid');
    await read.stop();
  });
});
