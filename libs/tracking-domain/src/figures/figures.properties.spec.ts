// Goal: what holds of the figures of every history at every cut, not only of the reports that we know.
// Method: fast-check over seeds and sizes of random histories (testing/histories.ts) and random cuts; a failing case prints both.
import { describe, expect, it } from '@jest/globals';
import { position, streamVersion, type Cut, type EventId, type Fact, type OrgId, type TreeId } from '@rectrail/kernel';
import fc from 'fast-check';
import { randomCut, randomHistory } from '../testing/index.ts';
import { randomOf } from '../testing/random.ts';
import type { TrackingEvent } from '../tracking-event.ts';
import { dashboard, dashboardByChild } from './dashboard.ts';
import { deadlines } from './deadlines.ts';
import type { DashboardFigures, FigureQuery } from './definitions.ts';
import { discrepancies } from './discrepancies.ts';
import { funds } from './funds.ts';

type History = readonly Fact<TrackingEvent>[];

const forAll: FigureQuery = { org: null, policy: null };
const treesOf = (history: History): readonly TreeId[] => history.flatMap(({ event }) => (event.type === 'TreeOpened' ? [event.data.treeId] : []));
const orgsOf = (history: History): readonly OrgId[] => history.flatMap(({ event }) => (event.type === 'OrgRegistered' ? [event.data.orgId] : []));

/** Holds of a history of every size and seed, at several cuts each. */
const holds = (property: (history: History, cut: Cut, seed: number) => void, numRuns = 40): void => {
  fc.assert(fc.property(fc.nat({ max: 1_000_000 }), fc.integer({ min: 12, max: 140 }), (seed, size) => {
    const history = randomHistory(seed, size);
    for (let n = 0; n < 4; n += 1) property(history, randomCut(seed + n, history), seed + n);
  }), { numRuns });
};

/** Every number of a dashboard by its path; declared figures are never added, so they are left out. */
const numbersOf = ({ issues, measures, funds: money }: DashboardFigures): ReadonlyMap<string, bigint> => {
  const numbers = new Map<string, bigint>();
  const walk = (path: string, value: unknown): void => {
    if (typeof value === 'object' && value !== null) for (const [key, inner] of Object.entries(value)) walk(`${path}.${key}`, inner);
    else numbers.set(path, BigInt(value as string | number));
  };
  walk('', { issues, measures, money });
  return numbers;
};

const sumsOf = (parts: readonly DashboardFigures[]): ReadonlyMap<string, bigint> => {
  const sums = new Map<string, bigint>();
  for (const part of parts) for (const [path, number] of numbersOf(part)) sums.set(path, (sums.get(path) ?? 0n) + number);
  return sums;
};

const sumOfCounts = (counts: Readonly<Record<string, { readonly count: number }>>): number => Object.values(counts).reduce((sum, { count }) => sum + count, 0);

describe('the figures of any history at any cut', () => {
  it('put each issue into exactly one state, one bucket and one condition, each measure into one state', () => {
    holds((history, cut) => {
      const { issues, measures } = dashboard(history, cut, forAll).figures;
      expect([issues.byState, issues.byBucket, issues.byDeadline].map(sumOfCounts)).toEqual([issues.total, issues.total, issues.total]);
      expect(sumOfCounts(measures.byState)).toBe(measures.total);
    });
  });

  it('of an organisation and of each child add up to the whole, in the forest and everywhere below', () => {
    let children = 0;
    holds((history, cut, seed) => {
      for (const org of [null, ...orgsOf(history).slice(seed % 4, (seed % 4) + 2)]) {
        const query: FigureQuery = { org, policy: null, tree: randomOf(seed).pick(treesOf(history)) };
        const parts = dashboardByChild(history, cut, query);
        children += parts.children.length;
        expect(sumsOf([parts.own, ...parts.children.map(({ figures }) => figures)])).toEqual(numbersOf(parts.total));
        expect(parts.total).toEqual(dashboard(history, cut, query).figures);
      }
    });
    expect(children).toBeGreaterThan(100);
  });

  it('are the same in the dashboard, in the list of deadlines and in the money', () => {
    holds((history, cut, seed) => {
      const [org, policy] = [randomOf(seed).pick([null, ...orgsOf(history)]), randomOf(seed).pick([null, 'default' as const, ...orgsOf(history)])];
      const query: FigureQuery = { org, policy, tree: randomOf(seed).pick(treesOf(history)) };
      const { issues, funds: money } = dashboard(history, cut, query).figures;
      const { figures, rows } = deadlines(history, cut, query);
      expect(figures).toEqual(issues.byDeadline);
      expect(rows).toHaveLength(issues.total);
      expect(rows.filter(({ condition }) => condition === 'OVERDUE').every(({ due }) => due !== null && due < cut.validAt)).toBe(true);
      const { recovered, returned } = funds(history, cut, query).figures;
      expect({ recovered, returned }).toEqual(money);
    });
  });

  it('at a position are final: what is recorded afterwards does not touch them, nor does the order in which the facts are read', () => {
    holds((history, cut) => {
      const asked = dashboard(history, cut, forAll);
      expect(dashboard(history.slice(0, cut.atPosition), cut, forAll)).toEqual(asked);
      expect(dashboard(history.toReversed(), cut, forAll)).toEqual(asked);
    });
  });

  it('after an append and its undo equal those before it, at every day and knowledge', () => {
    let changed = 0;
    holds((history, cut) => {
      const lastAppend = history.filter(({ commandId }) => commandId === history.at(-1)!.commandId);
      const before = position(history.length - lastAppend.length);
      // The first append opens the installation and is never undone.
      if (before === 0) return;
      const undone = [...history];
      for (const [streamId, facts] of Map.groupBy(lastAppend, (f) => f.streamId)) {
        const eventIds = facts.map((f) => f.eventId);
        undone.push({
          ...facts.at(-1)!, eventId: `undo-${streamId}` as EventId, event: { type: 'FactsRetracted', data: { eventIds, reason: '撤销', kind: 'entered-in-error' } }, validTime: null,
          streamVersion: streamVersion(facts.at(-1)!.streamVersion + 1), position: position(undone.length + 1),
        });
      }
      const figuresAt = (atPosition: number): DashboardFigures => dashboard(undone, { ...cut, atPosition: position(atPosition) }, forAll).figures;
      if (JSON.stringify(figuresAt(history.length)) !== JSON.stringify(figuresAt(before))) changed += 1;
      expect(figuresAt(undone.length)).toEqual(figuresAt(before));
    });
    expect(changed).toBeGreaterThan(0);
  });

  it('under one policy for all depend on no other policy', () => {
    holds((history, cut) => {
      const own = history.filter(({ event, scope }) => event.type === 'PolicyAdopted' && scope.orgId !== null);
      const without = history.filter((f) => !own.some((policy) => policy.streamId === f.streamId));
      expect(dashboard(without, cut, { org: null, policy: 'default' })).toEqual(dashboard(history, cut, { org: null, policy: 'default' }));
    });
  });

  it('compare with what is declared without end, and name each discrepancy’s numbers as whole or decimal ones', () => {
    let found = 0;
    holds((history, cut) => {
      for (const { event } of history) {
        if (event.type !== 'ReportPublished') continue;
        const all = discrepancies(history, cut, event.data.reportId);
        found += all.length;
        expect(all.every(({ difference }) => difference === null || /^-?\d+(\.\d+)?$/.test(difference))).toBe(true);
      }
    }, 15);
    expect(found).toBeGreaterThan(0);
  });
});
