// Goal: a timeline says of every day, known instant and position what was believed, from which event, and which event ended it.
// Method: a few streams by hand for the words; random histories at random cuts against the fold of what counts there (rules.md section 2), one cut at a time.
import { describe, expect, it } from '@jest/globals';
import {
  day, instant, lastDay, onDay, position, streamId, streamVersion, type CommandId, type Cut, type EventId, type Fact, type Instant, type OrgId, type Position,
} from '@rectrail/kernel';
import {
  countingFacts, countingFactsByFirstDays, isIssueStatusAssertion, isMeasureStatusAssertion, shownMeasureState, shownState,
  type IssueState, type MeasureState, type TrackingEvent,
} from '@rectrail/tracking-domain';
import { randomCut, randomHistory } from '@rectrail/tracking-domain/testing';
import type { Belief, TimelineKind } from './answers.ts';
import { beliefsOf, factsOfOrganisation } from './beliefs.ts';
import type { TrackingFact } from './counting-facts.ts';
import { fieldsOf, foldOf, organisationFold } from './stream-folds.ts';

const idOf = (version: number): EventId => `event-${version}` as EventId;
const at = (d: string): Instant => instant(`${d}T08:00:00Z`);

interface Draft { readonly type: string; readonly data: object; readonly on: string | null; readonly known: string; readonly recorded?: string }

const stream = (name: string, ...drafts: readonly Draft[]): readonly TrackingFact[] => drafts.map(({ type, data, on, known, recorded }, index) => ({
  // A spec may leave out the fields of a payload that do not matter to it.
  event: { type, data } as unknown as TrackingEvent,
  eventId: idOf(index + 1), commandId: 'command' as CommandId, correlationId: 'spec', classification: 'internal', scope: { orgId: null },
  actor: { orgId: null, role: 'spec', subject: 'spec', assurance: 'system' },
  validTime: on === null ? null : onDay(day(on)), knownTime: at(known), recordedAt: at(recorded ?? known),
  streamId: streamId(name), streamVersion: streamVersion(index + 1), position: position(10 * (index + 1)),
}));
const registered: Draft = { type: 'IssueRegistered', data: { issueId: 'i', track: 'TIMED' }, on: '2024-01-01', known: '2024-01-02' };
const started = (on: string, known: string, recorded = known): Draft => ({ type: 'RectificationStarted', data: {}, on, known, recorded });
const retracted = (kind: string, known: string, ...versions: readonly number[]): Draft =>
  ({ type: 'FactsRetracted', data: { eventIds: versions.map(idOf), reason: '更正', kind }, on: null, known });

const now = (at: number): Cut => ({ atPosition: position(at), knownAt: instant('2030-01-01T00:00:00Z'), validAt: day('2030-01-01') });
const told = (beliefs: readonly Belief[]) => beliefs.map(({ validFrom, validTo, knownFrom, knownTo, positionFrom, positionTo, state, from, endedBy, holds }) =>
  [state?.['state'], validFrom, validTo, knownFrom?.slice(0, 10) ?? null, knownTo?.slice(0, 10) ?? null, positionFrom, positionTo, from.position, endedBy?.position ?? null, holds]);

describe('beliefs by hand', () => {
  it('are superseded by what becomes known, and the days before it stay what they were', () => {
    expect(told(beliefsOf('issue', stream('issue-1', registered, started('2024-02-01', '2024-02-03')), now(20)))).toEqual([
      ['FED_BACK', '2024-01-01', null, '2024-01-02', null, 10, 20, 10, 20, false],
      ['FED_BACK', '2024-01-01', null, '2024-01-02', '2024-02-03', 20, null, 10, 20, false],
      ['FED_BACK', '2024-01-01', '2024-02-01', '2024-02-03', null, 20, null, 10, null, false],
      ['IN_PROGRESS', '2024-02-01', null, '2024-02-03', null, 20, null, 20, null, true],
    ]);
  });

  it('end by a withdrawal for those who know of it, and stay what was believed before', () => {
    const beliefs = beliefsOf('issue', stream('issue-1', registered, started('2024-02-01', '2024-02-03'), retracted('withdrawn', '2024-03-01', 2)), now(30));
    expect(told(beliefs.filter((belief) => belief.positionTo === null))).toEqual([
      ['FED_BACK', '2024-01-01', null, '2024-01-02', '2024-02-03', 20, null, 10, 20, false],
      ['FED_BACK', '2024-01-01', '2024-02-01', '2024-02-03', '2024-03-01', 30, null, 10, 30, false],
      ['IN_PROGRESS', '2024-02-01', null, '2024-02-03', '2024-03-01', 30, null, 20, 30, false],
      ['FED_BACK', '2024-01-01', null, '2024-03-01', null, 30, null, 10, null, true],
    ]);
    expect(beliefs.findLast((belief) => belief.state?.['state'] === 'IN_PROGRESS')?.endedBy?.retraction).toEqual({ kind: 'withdrawn', reason: '更正' });
  });

  it('are gone from the log for all who know anything where they were entered in error, and say at which position', () => {
    const beliefs = beliefsOf('issue', stream('issue-1', registered, started('2024-02-01', '2024-02-03'), retracted('entered-in-error', '2024-03-01', 2)), now(30));
    expect(told(beliefs.filter((belief) => belief.state?.['state'] === 'IN_PROGRESS'))).toEqual([['IN_PROGRESS', '2024-02-01', null, '2024-02-03', null, 20, 30, 20, 30, false]]);
    expect(told(beliefs.filter((belief) => belief.holds))).toEqual([['FED_BACK', '2024-01-01', null, '2024-01-02', null, 30, null, 10, null, true]]);
  });

  it('change for the past where a source of then is recorded later', () => {
    const beliefs = beliefsOf('issue', stream('issue-1', registered, started('2024-02-01', '2024-02-03', '2026-05-01')), { ...now(20), knownAt: at('2024-02-04'), validAt: day('2024-02-01') });
    expect(told(beliefs.filter((belief) => belief.holds))).toEqual([['IN_PROGRESS', '2024-02-01', null, '2024-02-03', null, 20, null, 20, null, true]]);
    expect(beliefs.find((belief) => belief.holds)?.from.recordedAt).toBe(at('2026-05-01'));
  });

  it('keep the event that a state came from while others say nothing of it', () => {
    const progress: Draft = { type: 'ProgressReported', data: { text: '已部署' }, on: '2024-02-10', known: '2024-02-11' };
    expect(told(beliefsOf('issue', stream('issue-1', registered, progress), now(20)))).toEqual([['FED_BACK', '2024-01-01', null, '2024-01-02', null, 10, null, 10, null, true]]);
  });
});

const kinds: readonly (readonly [prefix: string, kind: Exclude<TimelineKind, 'organisation'>])[] = [['issue-', 'issue'], ['measure-', 'measure'], ['funds-case-', 'fundsCase'], ['inspection-', 'inspection']];

interface Told { readonly kind: TimelineKind; readonly stream: readonly TrackingFact[] }

const toldOf = (history: readonly TrackingFact[]): readonly Told[] => {
  const byStream = Map.groupBy(history, (fact) => fact.streamId);
  const aggregates = [...byStream].flatMap(([id, facts]): Told[] => kinds.filter(([prefix]) => id.startsWith(prefix)).map(([, kind]) => ({ kind, stream: facts })));
  const trees = [...byStream].filter(([id]) => id.startsWith('org-tree-')).map(([, facts]) => facts);
  const orgs = new Set(history.flatMap(({ event }) => (event.type === 'OrgRegistered' ? [event.data.orgId] : [])));
  return [...aggregates, ...trees.flatMap((tree) => [...orgs].map((orgId: OrgId): Told => ({ kind: 'organisation', stream: factsOfOrganisation(tree, orgId) })))];
};

/** The fold of these facts, and the last of them that changed a field. */
const folded = (kind: TimelineKind, facts: readonly TrackingFact[]): { readonly state: unknown; readonly from: Position | null } => {
  const fold = kind === 'organisation' ? organisationFold : foldOf(facts[0]?.streamId ?? kinds.find((entry) => entry[1] === kind)![0])!;
  return facts.reduce<{ readonly state: unknown; readonly from: Position | null }>(({ state, from }, fact) => {
    const next = fold.evolve(state, fact);
    return { state: next, from: JSON.stringify(fieldsOf(next)) === JSON.stringify(fieldsOf(state)) ? from : fact.position };
  }, { state: fold.initial, from: null });
};

const exists = (kind: TimelineKind, state: unknown): boolean => {
  const fields = fieldsOf(state);
  return kind === 'organisation' ? 'level' in fields : (kind === 'issue' ? fields['registration'] : fields['identity']) !== null;
};
const shown = (kind: TimelineKind, state: unknown): string | null =>
  (kind === 'issue' ? shownState(state as IssueState) : kind === 'measure' ? shownMeasureState(state as MeasureState) : null);
const isAssertion = (kind: TimelineKind) => (type: string): boolean => (kind === 'issue' ? isIssueStatusAssertion(type) : kind === 'measure' && isMeasureStatusAssertion(type));

/** What is believed at a cut, by rules.md section 2 alone. */
const believed = ({ kind, stream: facts }: Told, cut: Cut): object | null => {
  const [last, first] = [folded(kind, countingFacts(facts, cut)), folded(kind, countingFactsByFirstDays(facts, cut, isAssertion(kind)))];
  const [byLast, byFirst] = [exists(kind, last.state) ? last : null, exists(kind, first.state) ? first : null];
  if (byLast === null && byFirst === null) return null;
  const possibly = byFirst === null ? null : shown(kind, byFirst.state);
  return {
    state: byLast === null ? null : JSON.parse(JSON.stringify(fieldsOf(byLast.state))) as object,
    possibly: byLast !== null && possibly === shown(kind, byLast.state) ? null : possibly,
    from: (byLast ?? byFirst)!.from,
  };
};

const holdsAt = ({ validFrom, validTo, knownFrom, knownTo, positionFrom, positionTo }: Belief, cut: Cut): boolean =>
  positionFrom <= cut.atPosition && (positionTo === null || cut.atPosition < positionTo) && (validFrom ?? '') <= cut.validAt && cut.validAt < (validTo ?? '~')
  && (knownFrom ?? '') <= cut.knownAt && cut.knownAt < (knownTo ?? '~');
const said = ({ state, possibly, from }: Belief): object => ({ state: JSON.parse(JSON.stringify(state)) as object | null, possibly, from: from.position });

describe.each([3, 4])('beliefs of the random history %i', (seed) => {
  const history: readonly Fact<TrackingEvent>[] = randomHistory(seed, 300);
  const things = toldOf(history);
  const head: Cut = { atPosition: position(history.length), knownAt: history.at(-1)!.recordedAt, validAt: lastDay };
  const cuts = Array.from({ length: 60 }, (_, n) => randomCut(seed * 100 + n, history));

  it('are at every cut what counts there: the one that holds, and the one that held there by the whole log', () => {
    let compared = 0;
    for (const thing of things) {
      const whole = beliefsOf(thing.kind, thing.stream, head);
      for (const cut of cuts) {
        const expected = believed(thing, cut);
        const upTo = beliefsOf(thing.kind, thing.stream.filter((fact) => fact.position <= cut.atPosition), cut);
        expect(upTo.filter((belief) => belief.holds).map(said)).toEqual(expected === null ? [] : [expected]);
        expect(whole.filter((belief) => holdsAt(belief, cut)).map(said)).toEqual(expected === null ? [] : [expected]);
        if (expected !== null) compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(1_000);
  });

  it('name the event that ended them: at its position, or known from the instant at which they end', () => {
    const seen = new Set<string>();
    for (const thing of things) {
      for (const { positionTo, knownTo, endedBy, from } of beliefsOf(thing.kind, thing.stream, head)) {
        if (positionTo !== null) expect(endedBy?.position).toBe(positionTo);
        else expect(endedBy?.knownTime ?? null).toBe(knownTo);
        if (endedBy !== null) seen.add(`${positionTo === null ? 'known' : 'recorded'} ${endedBy.type === 'FactsRetracted' ? 'retracted' : 'superseded'}`);
        expect(thing.stream.some((fact) => fact.position === from.position)).toBe(true);
      }
    }
    expect([...seen].sort()).toEqual(['known retracted', 'known superseded', 'recorded retracted', 'recorded superseded']);
  });
});

