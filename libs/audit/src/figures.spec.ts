// Goal: published figures are confirmed by the choice that the answer states, found to differ where they do, and left undecided where the answer does not say
// by what it was computed. Method: a random log, random cuts and choices, the answer made by the oracle; then one part of it changed or taken away. What a server
// answers is judged in test/tampering.e2e.spec.ts.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson, sha256Hex } from '@rectrail/event-store';
import { addDays, lastInstantOf, position, type Cut, type Day, type Instant, type OrgId } from '@rectrail/kernel';
import { administrativeTreeId, type Count, type DashboardFigures, type FigureQuery } from '@rectrail/tracking-domain';
import { dashboard, dashboardByChild, deadlines, funds, lateness } from '@rectrail/tracking-domain/figures';
import { entryOfStored } from './entry.ts';
import { FiguresJudge, type Rederived } from './figures.ts';
import { parseFigures } from './published-figures.ts';
import { sampleLog } from './testing/sample-log.ts';

const size = 120;
const zone = 'Asia/Shanghai';
const log = await sampleLog(11, size);
const judge = new FiguresJudge(0);
judge.add(log.events.map((event) => entryOfStored(event, log.identity)));
const owners = [...new Set(log.facts.map(({ scope }) => scope.orgId).filter((orgId) => orgId !== null))];
const reads = { dashboard, deadlines, funds };

const choices = fc.record({
  read: fc.constantFrom(...Object.keys(reads) as (keyof typeof reads)[]),
  at: fc.integer({ min: 40, max: size }), days: fc.integer({ min: -400, max: 400 }), treeDays: fc.integer({ min: -900, max: 900 }),
  org: fc.constantFrom<OrgId | null>(null, ...owners), policy: fc.constantFrom<FigureQuery['policy']>(null, 'default', ...owners), within: fc.constantFrom<OrgId | null>(null, ...owners),
});
type Choice = typeof choices extends fc.Arbitrary<infer T> ? T : never;
type Answer = Readonly<Record<string, unknown>>;

const digestOf = (figures: unknown): string => sha256Hex(canonicalJson(figures));
const cutAt = (at: number, days: number): Cut => {
  const { recordedAt } = log.facts[at - 1]!;
  return { validAt: addDays(recordedAt.slice(0, 10) as Day, days), knownAt: recordedAt.slice(0, 23).padEnd(24, 'Z') as Instant, atPosition: position(at) };
};
const queryOf = ({ org, policy, treeDays, within }: Choice, { validAt }: Cut): FigureQuery => ({
  org, policy, tree: administrativeTreeId, treeOn: addDays(validAt, treeDays), within: within === null ? null : { org: within, cut: cutAt(size, 0) },
});
const stated = ({ org, policy, tree, treeOn, within = null }: FigureQuery): Answer => ({
  org: org === null ? null : { orgId: org, code: 'A', name: '甲' }, tree, treeAt: 'now', treeOn, policy, within: within?.org ?? null, withinAt: within?.cut ?? null,
});

/** Answers as the server gives them, computed by the oracle. */
const answers: Readonly<Record<string, (choice: Choice) => Answer>> = {
  plain: (choice) => {
    const cut = cutAt(choice.at, choice.days);
    const query = queryOf(choice, cut);
    const { definition, figures } = reads[choice.read](log.facts, cut, query);
    const { policy, ...rest } = stated(query);
    return { cut, definition, digest: digestOf(figures), figures, ...rest, ...(choice.read !== 'funds' && { policy }) };
  },
  children: (choice) => {
    const cut = cutAt(choice.at, choice.days);
    const query = queryOf(choice, cut);
    const figures = dashboardByChild(log.facts, cut, query);
    return { cut, definition: 'rectrail.dashboard/1', digest: digestOf(figures), ...figures, ...stated(query) };
  },
  series: (choice) => {
    const cut = cutAt(choice.at, choice.days);
    const query: FigureQuery = { ...queryOf(choice, cut), policy: null, treeKnownAt: cut.knownAt };
    const days = [addDays(cut.validAt, -90), addDays(cut.validAt, -20), cut.validAt];
    const along = days.map((validAt) => dashboard(log.facts, { ...cut, validAt, knownAt: lastInstantOf(zone, validAt) }, query).figures);
    const values = {
      'issues.total': along.map(({ issues }) => issues.total), 'issues.byBucket.complete': along.map(({ issues }) => issues.byBucket.complete.count),
      'issues.byState.DONE_REPORTED.undetermined': along.map(({ issues }) => issues.byState.DONE_REPORTED.undetermined), 'funds.recovered': along.map((figures) => figures.funds.recovered.fen),
    };
    return { cut, definition: 'rectrail.dashboard/1', digest: digestOf({ days, values }), as: 'then', every: 'month', figures: { days, values }, ...stated(query) };
  },
  lateness: (choice) => {
    const cut = cutAt(choice.at, choice.days);
    const query: FigureQuery = { ...queryOf(choice, cut), policy: null };
    const selection = { minDays: Math.abs(choice.treeDays) % 60, type: choice.days % 3 === 0 ? 'IssueStatusStated' : null, actor: null };
    const { definition, figures } = lateness(log.facts, cut, { ...query, ...selection, zone });
    return { cut, definition, digest: digestOf(figures), figures, selection, ...stated(query) };
  },
  comparison: (choice) => {
    const [earlier, later] = [cutAt(choice.at, choice.days - 200), cutAt(size, choice.days)];
    const side = (cut: Cut) => {
      const { figures } = dashboard(log.facts, cut, queryOf(choice, cut));
      return { cut, treeOn: queryOf(choice, cut).treeOn, digest: digestOf(figures), figures };
    };
    const [from, to] = [side(earlier), side(later)];
    const [x, y] = [from.figures, to.figures];
    const sum = (name: 'recovered' | 'returned') => {
      const [before, after] = [x.funds[name], y.funds[name]];
      return { fen: String(BigInt(after.fen) - BigInt(before.fen)), unknownAmounts: after.unknownAmounts - before.unknownAmounts };
    };
    const counts = (of: (figures: DashboardFigures) => Readonly<Record<string, Count>>) => Object.fromEntries(Object.entries(of(y)).map(
      ([key, { count, undetermined }]) => [key, { count: count - of(x)[key]!.count, undetermined: undetermined - of(x)[key]!.undetermined }]));
    const difference = {
      issues: {
        total: y.issues.total - x.issues.total, byState: counts(({ issues }) => issues.byState), byBucket: counts(({ issues }) => issues.byBucket),
        byDeadline: counts(({ issues }) => issues.byDeadline),
      },
      measures: { total: y.measures.total - x.measures.total, shared: y.measures.shared - x.measures.shared, byState: counts(({ measures }) => measures.byState) },
      funds: { recovered: sum('recovered'), returned: sum('returned') },
    };
    return { cut: later, definition: 'rectrail.dashboard/1', ...stated(queryOf(choice, later)), from, to, difference };
  },
};
const kinds = fc.constantFrom(...Object.keys(answers));

const judged = (answer: object): Rederived => judge.rederive(parseFigures(JSON.stringify(answer)));

/** Every number in it, and every text of digits: by the keys to it. */
const numbersIn = (value: unknown, path: readonly string[] = []): readonly (readonly string[])[] => {
  if (typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value))) return [path];
  return typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([key, part]) => numbersIn(part, [...path, key])) : [];
};
const changedAt = (value: unknown, [key, ...rest]: readonly string[]): unknown => {
  if (key === undefined) return typeof value === 'number' ? value + 1 : `${String(value)}1`;
  const copy = (Array.isArray(value) ? [...value] : { ...value as object }) as Record<string, unknown>;
  copy[key] = changedAt(copy[key], rest);
  return copy;
};
const figureParts = ['figures', 'total', 'own', 'children'];

describe('published figures', () => {
  it('are confirmed by the choice that they state, and undecided where they state none', () => {
    fc.assert(fc.property(kinds, choices, fc.constantFrom('tree', 'treeOn', 'within', 'org', 'policy', 'withinAt', 'selection', 'treeAt'), (kind, choice, left) => {
      const answer = answers[kind]!(choice);
      expect([kind, judged(answer)]).toEqual([kind, expect.objectContaining({ outcome: 'confirmed', why: null })]);
      const { [left]: given, ...rest } = answer;
      // What an answer of this kind need not say: the policy of a series, the tree's day of a comparison, which each side says.
      const isNeeded = given !== undefined && !(left === 'withinAt' && choice.within === null) && !(left === 'treeAt' && kind !== 'series') && !(left === 'treeOn' && kind === 'comparison')
        && !(left === 'policy' && (kind === 'series' || kind === 'lateness'));
      expect([kind, left, judged(rest).outcome]).toEqual([kind, left, isNeeded ? 'not-rederivable' : 'confirmed']);
    }), { numRuns: 60 });
  });

  it('differ where any number is another, whether the digest is made to fit or not', () => {
    fc.assert(fc.property(fc.constantFrom('plain', 'children', 'series', 'lateness'), choices, fc.nat(), (kind, choice, n) => {
      const answer = answers[kind]!(choice);
      const figures = Object.fromEntries(Object.entries(answer).filter(([key]) => figureParts.includes(key)));
      const places = numbersIn(figures);
      const forged = changedAt(figures, places[n % places.length]!) as Record<string, unknown>;
      expect(judged({ ...answer, ...forged })).toMatchObject({ outcome: 'differs', why: expect.stringContaining('are not those of their digest') });
      expect(judged({ ...answer, ...forged, digest: digestOf(forged['figures'] ?? forged) })).toMatchObject({ outcome: 'differs', why: expect.stringContaining('the events do not make') });
    }), { numRuns: 30 });
    fc.assert(fc.property(choices, fc.constantFrom('from', 'to', 'difference'), fc.nat(), (choice, part, n) => {
      const answer = answers['comparison']!(choice);
      const side = answer[part] as Record<string, unknown>;
      const figures = part === 'difference' ? side : side['figures'];
      const places = numbersIn(figures);
      const forged = changedAt(figures, places[n % places.length]!);
      expect(judged({ ...answer, [part]: part === 'difference' ? forged : { ...side, figures: forged, digest: digestOf(forged) } })).toMatchObject({ outcome: 'differs' });
    }), { numRuns: 12 });
  });

  it('are undecided where the events end before what they rest on, or another definition made them', () => {
    const answer = answers['plain']!({ read: 'dashboard', at: 60, days: 0, treeDays: 0, org: null, policy: null, within: owners[0]! });
    const early = new FiguresJudge(0);
    early.add(log.events.slice(0, size - 1).map((event) => entryOfStored(event, log.identity)));
    expect(early.rederive(parseFigures(JSON.stringify(answer)))).toMatchObject({ outcome: 'not-rederivable', why: `the events end at ${size - 1}, the figures are of ${size}` });
    expect(judged({ ...answer, definition: 'rectrail.feed/1' })).toMatchObject({ outcome: 'not-rederivable', why: 'nothing here computes rectrail.feed/1' });
  });
});
