// Goal: the index of events finds what the events themselves say: what counts at a cut, the newest of any owners, what became known late, every belief.
// Method: random histories on a real PostgreSQL, of several actors, projected in random batches; each answer against a naive one made from the history alone.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deriveEventId } from '@rectrail/event-store';
import { dayIn, dayNumber, lastDay, position, type Cut, type Fact, type Instant, type OrgId, type StreamId } from '@rectrail/kernel';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { dumpDigest } from '@rectrail/projections/testing';
import { countingFacts, latenessBands, streams, type LatenessBand, type LatenessFigures, type TrackingEvent } from '@rectrail/tracking-domain';
import { randomCut, randomHistory } from '@rectrail/tracking-domain/testing';
import type { DataSource } from 'typeorm';
import { openReadDatabase, readTransaction } from './database/data-source.ts';
import { schema } from './database/rows.ts';
import { openTrackingRead, trackingProjections } from './open-tracking-read.ts';
import type { LatenessAnswer, TimelineKind } from './queries/answers.ts';
import { countingByStream, countsAtCut } from './queries/counting-facts.ts';
import { newestEvents } from './queries/event-search.ts';
import type { TrackingRead } from './queries/tracking-read.ts';
import { recordHistory } from './testing/index.ts';

type TrackingFact = Fact<TrackingEvent>;

const zone = 'Asia/Shanghai';
const everywhere = { within: null } as const;
const actors = ['甲', 'second', 'third'];
const rejection = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => 'answered', (error: unknown) => (error as { code: string }).code);

const daysBetween = (fact: TrackingFact, at: Instant): number => dayNumber(dayIn(zone, at)) - dayNumber(fact.validTime!.last);
const bandOf = (days: number): LatenessBand => (days <= 7 ? '0-7' : days <= 30 ? '8-30' : days <= 90 ? '31-90' : days <= 365 ? '91-365' : '366-');

interface Wanted { readonly owners: ReadonlySet<OrgId> | null; readonly minDays: number; readonly type?: string; readonly actor?: string }

const mostOf = (names: readonly string[]): readonly (readonly [string, number])[] =>
  [...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length] as const).toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 50);

describe.each([21, 22, 23])('the events of the random history %i', (seed) => {
  const history: readonly TrackingFact[] = randomHistory(seed, 420, deriveEventId)
    .map((fact) => ({ ...fact, actor: { ...fact.actor, subject: actors[fact.position % actors.length]! } }));
  const orgs = [...new Set(history.flatMap(({ scope: { orgId } }) => (orgId === null ? [] : [orgId])))];
  const cuts = Array.from({ length: 25 }, (_, n) => ({ n, cut: randomCut(seed * 100 + n, history) }));
  const head = position(history.length);
  const byStream = [...Map.groupBy(history, (fact) => fact.streamId).values()];
  const counting = (cut: Cut): readonly TrackingFact[] => byStream.flatMap((stream) => countingFacts(stream, cut));
  let database: TestDatabase;
  let dataSource: DataSource;
  let read: TrackingRead;

  beforeAll(async () => {
    database = await createTestDatabase();
    const recorded = await recordHistory(history);
    for (let reached = 0; reached < head; reached += 100 + seed) {
      read = await openTrackingRead({ connectionString: database.url, ...recorded, zone, batchEventsMax: 1 + ((reached * seed) % 37) });
      await read.project(position(Math.min(head, reached + 100 + seed)));
      if (reached + 100 + seed < head) await read.stop();
    }
    dataSource = await openReadDatabase({ connectionString: database.url, connectionsMax: 2 });
  });

  afterAll(async () => {
    await dataSource.destroy();
    await read.stop();
    await database.drop();
  });

  it.each(cuts)('say what counts at cut $n, and in which order it is folded', async ({ cut }) => {
    const rows = await readTransaction(dataSource, (tx) => tx.query<{ position: number }>(
      `select e.position::int from ${schema}.event e where ${countsAtCut('e', ['$1', '$2', '$3'])} order by 1`, [cut.validAt, cut.knownAt, cut.atPosition]));
    expect(rows.map((row) => row.position)).toEqual(counting(cut).map((fact) => fact.position).toSorted((a, b) => a - b));
    const reports = await readTransaction(dataSource, (tx) => countingByStream(tx, cut, { types: ['ReportPublished', 'RollUpDeclared', 'RollUpRateDeclared'], owners: null }));
    const expected = byStream.filter(([first]) => first!.streamId.startsWith('report-')).map((stream) => countingFacts(stream, cut)).filter((facts) => facts.length > 0);
    const told = (all: Iterable<readonly TrackingFact[]>): readonly string[] => [...all].map((facts) => `${facts[0]!.streamId} ${facts.map((fact) => fact.position).join(' ')}`).sort();
    expect(told(reports.values())).toEqual(told(expected));
  });

  it('are found newest first for any owners, types, actors and streams, whichever way they are looked for', async () => {
    const filters: readonly { readonly type?: string; readonly actor?: string; readonly stream?: StreamId }[] = [
      {}, { type: 'IssueStatusStated' }, { actor: actors[1]! }, { type: 'FactsRetracted', actor: actors[0]! }, { stream: history.find((f) => f.streamId.startsWith('issue-'))!.streamId },
    ];
    const idle = Array.from({ length: 510 }, (_, n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}` as OrgId);
    const selections = [null, orgs, orgs.slice(0, 1), orgs.slice(2, 5), [...orgs.slice(5, 6), ...idle], []];
    for (const owners of selections.map((some) => (some === null ? null : new Set(some)))) {
      for (const { type, actor, stream } of filters) {
        for (const [before, limit, walk] of [[head + 1, 7, [2, 3]], [200, 500, [10]], [90, 4, [200]]] as const) {
          const found = await readTransaction(dataSource, (tx) => newestEvents(tx, { owners, type, actor, stream }, { before, limit, walk }));
          const expected = history.filter((f) => f.position < before && (owners === null || owners.has(f.scope.orgId!)) && (type === undefined || f.event.type === type)
            && (actor === undefined || f.actor.subject === actor) && (stream === undefined || f.streamId === stream));
          expect(found.map((place) => place.position)).toEqual(expected.map((f) => f.position).toReversed().slice(0, limit));
        }
      }
    }
  });

  /** rules.md section 2 and the definition of lateness, fact by fact. */
  const naive = (cut: Cut, { owners, minDays, type, actor }: Wanted): { readonly figures: LatenessFigures; readonly facts: readonly TrackingFact[] } => {
    const facts = counting(cut).filter((fact) => fact.validTime !== null && daysBetween(fact, fact.knownTime) >= minDays
      && (owners === null || owners.has(fact.scope.orgId!)) && (type === undefined || fact.event.type === type) && (actor === undefined || fact.actor.subject === actor));
    const inBand = Map.groupBy(facts, (fact) => bandOf(daysBetween(fact, fact.knownTime)));
    return {
      facts: facts.toSorted((a, b) => daysBetween(b, b.knownTime) - daysBetween(a, a.knownTime) || b.position - a.position),
      figures: {
        facts: facts.length,
        byBand: Object.fromEntries(latenessBands.map((band) => [band, inBand.get(band)?.length ?? 0])) as Record<LatenessBand, number>,
        byOrganisation: mostOf(facts.map((fact) => fact.scope.orgId ?? '')).map(([orgId, n]) => ({ orgId: orgId === '' ? null : orgId as OrgId, facts: n })),
        byActor: mostOf(facts.map((fact) => fact.actor.subject)).map(([subject, n]) => ({ subject, facts: n })),
      },
    };
  };

  it.each(cuts)('say what became known late, page by page, at cut $n', async ({ n, cut }) => {
    const registered = history.flatMap(({ event, position: at }) => (event.type === 'OrgRegistered' && at <= cut.atPosition ? [event.data.orgId] : []));
    const org = n % 3 === 0 ? registered[n % Math.max(1, registered.length)] : undefined;
    const below = async (root: OrgId): Promise<readonly OrgId[]> =>
      (await read.queries.organisations({ ...everywhere, ...cut, org: root })).items.filter((item) => item.treeId === 'administrative').map((item) => item.orgId);
    const owners = org === undefined ? null : new Set([org, ...await below(org)]);
    const minDays = [undefined, 0, 31, 8][n % 4];
    const more = [{}, { actor: actors[n % 3]! }, { type: 'IssueStatusStated' }][n % 3 === 2 ? 2 : n % 2]!;
    const { figures, facts } = naive(cut, { owners, minDays: minDays ?? 8, ...more });
    const items: LatenessAnswer['items'][number][] = [];
    let cursor: string | undefined;
    do {
      const page: LatenessAnswer = await read.queries.lateness({ ...everywhere, ...cut, org, minDays, ...more, limit: 23, cursor });
      expect({ figures: page.figures, total: page.total }).toEqual({ figures, total: facts.length });
      items.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    const told = items.map(({ position: at, eventId, daysLate, daysUntilRecorded, knownTime, actor }) => [at, eventId, daysLate, daysUntilRecorded, knownTime, actor.subject]);
    expect(told).toEqual(facts.map((fact) =>
      [fact.position, fact.eventId, daysBetween(fact, fact.knownTime), daysBetween(fact, fact.recordedAt), fact.knownTime, fact.actor.subject]));
  });

  it('are many enough of each band, retracted ones among them, for the comparison to mean something', () => {
    const all = naive({ atPosition: head, knownAt: '9999-12-31T00:00:00.000Z' as Instant, validAt: lastDay }, { owners: null, minDays: 0 }).figures;
    expect(Object.values(all.byBand).filter((facts) => facts > 3)).toHaveLength(latenessBands.length);
    const late = history.filter((fact) => fact.validTime !== null && daysBetween(fact, fact.knownTime) >= 8);
    const named = new Set(history.flatMap(({ event }) => (event.type === 'FactsRetracted' ? event.data.eventIds : [])));
    expect(late.filter((fact) => named.has(fact.eventId)).length).toBeGreaterThan(5);
  });

  it('tell the beliefs about anything, and refuse what is not there', async () => {
    const idOf = (prefix: string): string => history.find((fact) => fact.streamId.startsWith(prefix))!.streamId.slice(prefix.length);
    for (const [kind, prefix, unknown] of [
      ['issue', 'issue-', 'unknown-issue'], ['measure', 'measure-', 'unknown-measure'], ['fundsCase', 'funds-case-', 'unknown-funds-case'], ['inspection', 'inspection-', 'unknown-inspection'],
    ] as readonly (readonly [TimelineKind, string, string])[]) {
      const { beliefs, streamVersion } = await read.queries.timeline(kind, idOf(prefix), everywhere);
      expect(beliefs.length).toBeGreaterThan(0);
      expect(streamVersion).toBe(history.filter((fact) => fact.streamId === `${prefix}${idOf(prefix)}`).length);
      expect(await rejection(read.queries.timeline(kind, '00000000-0000-0000-0000-000000000000', everywhere))).toBe(unknown);
      expect(await rejection(read.queries.timeline(kind, 'no id\0', everywhere))).toBe(unknown);
    }
    for (const { orgId, code, name, treeId } of (await read.queries.organisations(everywhere)).items.filter((item) => item.treeId === 'administrative')) {
      const { beliefs, id } = await read.queries.timeline('organisation', code, everywhere);
      const version = history.filter((fact) => fact.streamId === streams.organisationTree(treeId)).length;
      expect(await read.queries.timeline('organisation', orgId, everywhere)).toMatchObject({ id, streamVersion: version });
      expect(beliefs.filter((belief) => belief.holds).map(({ state }) => [state?.['orgId'], state?.['code'], state?.['name']])).toEqual([[id, code, name]]);
    }
    expect(await rejection(read.queries.timeline('organisation', 'CN-NONE', everywhere))).toBe('unknown-organisation');
  });

  it('bound timelines and lateness to the jurisdiction', async () => {
    const { items } = await read.queries.organisations(everywhere);
    const within = items.find((org) => items.some((other) => other.parentId === org.orgId))!.orgId;
    const inside = new Set((await read.queries.organisations({ ...everywhere, org: within })).items.map((org) => org.orgId));
    expect((await read.queries.lateness({ within, minDays: 0, limit: 500 })).items.every((item) => inside.has(item.orgId!))).toBe(true);
    const foreign = history.find((fact) => fact.event.type === 'IssueRegistered' && !inside.has(fact.scope.orgId!))!;
    expect(await rejection(read.queries.timeline('issue', foreign.streamId.slice('issue-'.length), { within }))).toBe('outside-jurisdiction');
    expect(await rejection(read.queries.timeline('organisation', foreign.scope.orgId!, { within }))).toBe('outside-jurisdiction');
  });

  it('come out the same, byte for byte, when made anew', async () => {
    const { tables } = trackingProjections(zone).find((projection) => projection.name === 'events')!;
    const dump = (): Promise<string> => readTransaction(dataSource, (tx) => dumpDigest(tx, schema, tables));
    const before = await dump();
    await read.rebuild('events');
    expect(await dump()).toBe(before);
  });
});
