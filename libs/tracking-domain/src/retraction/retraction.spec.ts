import { describe, expect, it } from '@jest/globals';
import { instant, lastDay, position, type Decision, type EventId } from '@rectrail/kernel';
import type { IssueEvent } from '../issue/issue.events.ts';
import { foldIssue } from '../issue/issue.state.ts';
import { eventIdOf, fact, streamOf, type GivenFact } from '../testing/decider-specification.ts';
import { countingFacts } from '../time/counting.ts';
import { decideRetraction, type RetractionRejection, type RetractionRequest } from './retraction.decide.ts';
import { defaultPolicy } from '../policy/policy.state.ts';
import type { PolicyEvent } from '../policy/policy.events.ts';
import type { FactsRetracted, RetractionKind } from './retraction.events.ts';

/**
 * Goal: what a retraction may name, and what naming it again comes to (rules.md section 2). What builds on it: issue.needs.spec.ts and the like.
 * Method: a stream of an issue that was accepted, planned, started, completed and verified; one case for each rule.
 */
type InIssue = IssueEvent | FactsRetracted;

const now = instant('2026-06-30T04:00:00Z');
const stated: IssueEvent = {
  type: 'IssueStatusStated',
  data: { state: 'DONE_REPORTED', track: null, printedStatus: '已完成', disclosure: 'STATED', continuation: 'NONE', continuationPrinted: null, residuals: [], completionBasis: null },
};
const retracted = (kind: RetractionKind, ...versions: readonly number[]): GivenFact<InIssue> =>
  fact<InIssue>(null, { type: 'FactsRetracted', data: { eventIds: versions.map(eventIdOf), reason: '更正', kind } });
const registered = fact<InIssue>('2026-01-01', { type: 'IssueRegistered', data: {} as Extract<IssueEvent, { type: 'IssueRegistered' }>['data'] });
const lived: readonly GivenFact<InIssue>[] = [
  registered,
  fact('2026-01-05', { type: 'IssueAccepted', data: { leader: null } }),
  fact('2026-01-20', { type: 'IssuePlanned', data: { planId: null } }),
  fact('2026-02-01', { type: 'RectificationStarted', data: {} }),
  fact('2026-05-01', { type: 'IssueCompletionReported', data: { basis: 'RECTIFIED', result: null, openSubFindings: null } }),
  fact('2026-05-10', { type: 'IssueVerified', data: { record: '验收', evidence: [] } }),
];

type More = Partial<Pick<RetractionRequest<IssueEvent>, 'kind'>>;
const retract = (given: readonly GivenFact<InIssue>[], versions: readonly number[], more: More = {}): Decision<FactsRetracted, RetractionRejection> =>
  decideRetraction<IssueEvent>({ facts: streamOf(...given), eventIds: versions.map(eventIdOf), kind: 'withdrawn', reason: '更正', now, ...more });
const names = (decision: Decision<FactsRetracted>): readonly EventId[] => (decision.ok ? decision.events.flatMap((e) => e.data.eventIds) : []);

describe('what may be named', () => {
  it('is an event of the stream', () => {
    expect(retract(lived, [])).toMatchObject({ ok: false, rejection: { code: 'nothing-to-retract' } });
    expect(retract(lived, [6, 99])).toMatchObject({ ok: false, rejection: { code: 'unknown-event', eventIds: [eventIdOf(99)] } });
  });

  it('is a retraction only where the kind is entered-in-error', () => {
    const given = [...lived, retracted('withdrawn', 6)];
    expect(retract(given, [7])).toMatchObject({ ok: false, rejection: { code: 'retraction-of-retraction', eventIds: [eventIdOf(7)] } });
    expect(names(retract(given, [7], { kind: 'entered-in-error' }))).toEqual([eventIdOf(7)]);
  });

  it('comes to nothing where it is retracted already, unless the new retraction is the stronger one', () => {
    expect(retract([...lived, retracted('withdrawn', 6)], [6])).toEqual({ ok: true, events: [] });
    expect(retract([...lived, retracted('entered-in-error', 6)], [6])).toEqual({ ok: true, events: [] });
    expect(names(retract([...lived, retracted('withdrawn', 6)], [6], { kind: 'entered-in-error' }))).toEqual([eventIdOf(6)]);
    expect(names(retract([...lived, retracted('withdrawn', 6), retracted('entered-in-error', 7)], [6]))).toEqual([eventIdOf(6)]);
  });

  it('is nothing that the first start laid down', () => {
    const policy = { type: 'PolicyAdopted', data: { ...defaultPolicy, orgId: null } } as const;
    const adopted = streamOf<PolicyEvent | FactsRetracted>(fact(null, policy), fact('2026-01-01', policy));
    const retractPolicy = (version: number): unknown => decideRetraction<PolicyEvent>({ facts: adopted, eventIds: [eventIdOf(version)], kind: 'entered-in-error', reason: '误', now });
    expect(retractPolicy(1)).toMatchObject({ ok: false, rejection: { code: 'laid-at-first-start', eventIds: [eventIdOf(1)] } });
    expect(retractPolicy(2)).toMatchObject({ ok: true, events: [{ data: { eventIds: [eventIdOf(2)] } }] });
  });

  it('is named in the order of the stream, each once, with kind and reason', () => {
    expect(retract(lived, [6, 5, 6])).toEqual({ ok: true, events: [{ type: 'FactsRetracted', data: { eventIds: [eventIdOf(5), eventIdOf(6)], reason: '更正', kind: 'withdrawn' } }] });
  });
});

describe('undoing', () => {
  it('restores what a restated import had replaced', () => {
    const given = [
      registered,
      fact<InIssue>('2026-04-29', stated, { imported: true }),
      retracted('entered-in-error', 2),
      fact<InIssue>('2026-04-29', { ...stated, data: { ...stated.data, state: 'PHASED' } }, { imported: true }),
    ];
    const decision = retract(given, [3, 4], { kind: 'entered-in-error' });
    expect(names(decision)).toEqual([eventIdOf(3), eventIdOf(4)]);
    const after = streamOf(...given, retracted('entered-in-error', 3, 4));
    const stateAt = (atPosition: number): string => foldIssue(countingFacts(after, { validAt: lastDay, knownAt: now, atPosition: position(atPosition) })).state;
    expect([2, 4, 5].map(stateAt)).toEqual(['DONE_REPORTED', 'PHASED', 'DONE_REPORTED']);
  });
});
