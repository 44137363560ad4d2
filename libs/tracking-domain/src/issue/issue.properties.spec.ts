import { describe, expect, it } from '@jest/globals';
import { addDays, day, instant, lastDay, onDay, position, type Cut, type Fact, type FuzzyDate, type InspectionId, type IssueId, type OrgId } from '@rectrail/kernel';
import fc from 'fast-check';
import { randomIssueEvent, issueRegistered } from '../testing/random-events.ts';
import { randomDate, randomOf } from '../testing/random.ts';
import { eventIdOf, streamOf, type GivenFact } from '../testing/decider-specification.ts';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import { countingFacts, countingFactsByFirstDays } from '../time/counting.ts';
import type { IssueCommand, IssueCommandData } from './issue.commands.ts';
import { decideIssue } from './issue.decide.ts';
import type { IssueEvent } from './issue.events.ts';
import { unmetIssueNeeds } from './issue.needs.ts';
import { deadlineOn, foldIssue, initialIssueState, isClosed, isIssueStatusAssertion, shownState } from './issue.state.ts';
import { issueTransitions } from './issue.transitions.ts';

/**
 * Goal: evolve is total at every cut, decide never throws and allows only what evolve takes to the right state.
 * Method: random streams of issue events (testing/random-events.ts) with fast-check drawing seeds, cuts and orders.
 */
type IssueFact = Fact<IssueEvent | FactsRetracted>;
const start = day('2026-03-01');
const ids = {
  issueId: '00000000-0000-8000-8000-000000000005' as IssueId, orgId: '00000000-0000-8000-8000-000000000001' as OrgId, inspectionId: '00000000-0000-8000-8000-000000000003' as InspectionId,
};
const around = { today: start, issueIds: [ids.issueId], measureIds: [] };

const eventsOf = (seed: number, length: number): readonly IssueEvent[] => {
  const random = randomOf(seed);
  return [issueRegistered(random, ids, 1), ...Array.from({ length }, () => randomIssueEvent(random, around))];
};

const given = (event: IssueEvent | FactsRetracted, on: FuzzyDate | null, subject = 'reporter'): GivenFact<IssueEvent | FactsRetracted> =>
  ({ on, event, subject, orgId: null, imported: event.type === 'IssueStatusStated', known: '2026-01-01' });

/** A stream with fuzzy dates in any order, and now and then a retraction. */
const randomStream = (seed: number, length: number): readonly IssueFact[] => {
  const random = randomOf(seed + 1);
  return streamOf<IssueEvent | FactsRetracted>(...eventsOf(seed, length).map((event, i) => (i > 0 && random.chance(0.15)
    ? given({ type: 'FactsRetracted', data: { eventIds: [eventIdOf(random.int(1, i))], reason: '更正', kind: random.pick(['withdrawn', 'entered-in-error'] as const) } }, null)
    : given(event, randomDate(random, start)))));
};

const seeds = fc.integer({ min: 0, max: 1_000_000 });
const lengths = fc.integer({ min: 0, max: 25 });
const cuts = fc.record({ offset: fc.integer({ min: -400, max: 400 }), atPosition: fc.integer({ min: 0, max: 30 }), known: fc.constantFrom('2025-01-01T00:00:00Z', '2027-01-01T00:00:00Z') })
  .map(({ offset, atPosition, known }): Cut => ({ validAt: addDays(start, offset), knownAt: instant(known), atPosition: position(atPosition) }));

describe('evolveIssue', () => {
  it('folds every subset in every order to a state that can be shown', () => {
    fc.assert(fc.property(seeds, lengths, fc.infiniteStream(fc.nat()), fc.infiniteStream(fc.boolean()), (seed, length, order, kept) => {
      const facts = randomStream(seed, length)
        .map((f) => ({ f, rank: order.next().value as number, keep: kept.next().value as boolean }))
        .filter((entry) => entry.keep).toSorted((a, b) => a.rank - b.rank).map((entry) => entry.f);
      const s = foldIssue(facts);
      expect([...Object.values(issueTransitions).map((t) => t.to), 'FED_BACK', 'NOT_DISCLOSED']).toContain(shownState(s));
      expect(isClosed(s)).toBe(s.closedOn !== null);
      expect(deadlineOn(s, lastDay)).toEqual(s.planned);
    }));
  });

  it('never throws at any cut, by last or by first days', () => {
    fc.assert(fc.property(seeds, lengths, cuts, (seed, length, cut) => {
      const facts = randomStream(seed, length);
      expect(foldIssue(countingFacts(facts, cut))).toBeDefined();
      expect(foldIssue(countingFactsByFirstDays(facts, cut, isIssueStatusAssertion))).toBeDefined();
    }));
  });

  it('comes to the same state whatever the order of arrival, where effective days differ', () => {
    fc.assert(fc.property(seeds, lengths, fc.infiniteStream(fc.nat()), (seed, length, order) => {
      const rows = eventsOf(seed, length).map((event, i) => given(event, onDay(addDays(start, i))));
      const shuffled = rows.map((row) => ({ row, rank: order.next().value as number })).toSorted((a, b) => a.rank - b.rank).map(({ row }) => row);
      const wide: Cut = { validAt: lastDay, knownAt: instant('2030-01-01T00:00:00Z'), atPosition: position(1_000) };
      // Ids follow the order of arrival; what the state says does not.
      const stateOf = (stream: readonly IssueFact[]): unknown => JSON.parse(JSON.stringify(foldIssue(countingFacts(stream, wide)), (key, value: unknown) => (key === 'eventId' ? null : value)));
      expect(stateOf(streamOf(...shuffled))).toEqual(stateOf(streamOf(...rows)));
    }));
  });
});

/** A command for each event that one can lead to; the payload of the event serves. */
const commandOf: Readonly<Partial<Record<IssueEvent['type'], keyof IssueCommandData>>> = {
  IssueAccepted: 'AcceptIssue', IssuePlanned: 'PlanIssue', DeadlineSet: 'SetDeadline', DeadlineExtended: 'ExtendDeadline', IssueMarkedImmediate: 'MarkImmediate',
  RectificationStarted: 'StartRectification', PhaseResultReported: 'ReportPhaseResult', PhaseCompleted: 'CompletePhase', IssueBasicallyCompleted: 'ReportBasicCompletion',
  IssueCompletionReported: 'ReportCompletion', IssueMovedToRoutine: 'MoveToRoutine', IssueVerified: 'VerifyIssue', IssueVerificationRejected: 'RejectCompletion',
  IssueWrittenOff: 'WriteOffIssue', WriteOffRevoked: 'RevokeWriteOff', IssueReopened: 'ReopenIssue', RectificationResumed: 'ResumeRectification',
  IssueTransferredOut: 'TransferIssue', LookBackChecked: 'RecordLookBack', ResidualCompleted: 'CompleteResidual', IssueStatusStated: 'StateStatus',
};

const commandFor = (event: IssueEvent, on: FuzzyDate, subject: string): IssueCommand | null => {
  const type = commandOf[event.type];
  const data = event.type === 'IssuePlanned' ? { ...event.data, leader: null, departmentOrgId: null, planned: null }
    : event.type === 'LookBackChecked' ? { ...event.data, finding: '情况' } : event.data;
  return type === undefined ? null : { type, data, on, by: { subject, orgId: null, role: 'unit' } } as IssueCommand;
};

describe('decideIssue', () => {
  it('never throws, whatever the states', () => {
    fc.assert(fc.property(seeds, lengths, cuts, cuts, (seed, length, first, second) => {
      const facts = randomStream(seed, length);
      const situation = { then: foldIssue(countingFacts(facts, first)), now: foldIssue(countingFacts(facts, second)), today: start };
      for (const event of eventsOf(seed + 7, 10)) {
        const asked = commandFor(event, randomDate(randomOf(seed), start), 'someone');
        if (asked !== null) expect(decideIssue(asked, situation)).toHaveProperty('ok');
      }
    }));
  });

  it('accepts only what leads where its table says, and never lacks its basis afterwards', () => {
    fc.assert(fc.property(seeds, (seed) => {
      let facts: readonly IssueFact[] = streamOf(given(issueRegistered(randomOf(seed), ids, 1), onDay(start)));
      eventsOf(seed, 60).slice(1).forEach((event, i) => {
        const on = onDay(addDays(start, i));
        const asked = commandFor(event, on, `person-${i % 3}`);
        const state = foldIssue(facts);
        const decision = asked === null ? null : decideIssue(asked, { then: state, now: state, today: on.last });
        for (const accepted of decision?.ok === true ? decision.events : []) {
          facts = streamOf<IssueEvent | FactsRetracted>(...facts.map((f) => given(f.event, f.validTime, f.actor.subject)), given(accepted, on, asked?.by.subject));
          const { to = null } = Object.entries(issueTransitions).find(([type]) => type === accepted.type)?.[1] ?? {};
          if (to !== null) expect(foldIssue(facts).state).toBe(to);
        }
      });
      expect(unmetIssueNeeds(facts)).toEqual([]);
    }));
  });

  it('refuses every live command on an issue that does not exist', () => {
    for (const event of eventsOf(1, 200).slice(1)) {
      const asked = commandFor(event, onDay(start), 'someone');
      if (asked !== null && asked.type !== 'StateStatus') {
        expect(decideIssue(asked, { then: initialIssueState, now: initialIssueState, today: start })).toMatchObject({ ok: false, rejection: { code: 'unknown-issue' } });
      }
    }
  });
});
