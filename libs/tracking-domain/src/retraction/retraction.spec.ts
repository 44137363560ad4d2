import { describe, expect, it } from '@jest/globals';
import { instant, lastDay, position, type Decision, type EventId } from '@rectrail/kernel';
import { unmetIssueNeeds } from '../issue/issue.needs.ts';
import type { IssueEvent } from '../issue/issue.events.ts';
import { foldIssue } from '../issue/issue.state.ts';
import { unmetMeasureNeeds } from '../measure/measure.decide.ts';
import type { MeasureEvent } from '../measure/measure.events.ts';
import { dated, eventIdOf, fact, streamOf, type GivenFact } from '../testing/decider-specification.ts';
import { countingFacts } from '../time/counting.ts';
import { decideRetraction, type RetractionRejection, type RetractionRequest } from './retraction.decide.ts';
import type { FactsRetracted, RetractionKind } from './retraction.events.ts';

/**
 * Goal: a retraction never leaves a counting fact without what it was built on (rules.md section 2).
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

type More = Partial<Pick<RetractionRequest<IssueEvent>, 'kind' | 'replacedBy' | 'withDependents'>>;
const retract = (given: readonly GivenFact<InIssue>[], versions: readonly number[], more: More = {}): Decision<FactsRetracted, RetractionRejection> =>
  decideRetraction<IssueEvent>({ facts: streamOf(...given), eventIds: versions.map(eventIdOf), kind: 'withdrawn', reason: '更正', now, unmetNeeds: unmetIssueNeeds, ...more });
const names = (decision: Decision<FactsRetracted>): readonly EventId[] => (decision.ok ? decision.events.flatMap((e) => e.data.eventIds) : []);
const builtUpon = (...types: readonly string[]): object => ({ ok: false, rejection: { code: 'built-upon', events: types.map((type) => ({ type })) } });

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

  it('is named in the order of the stream, each once, with kind and reason', () => {
    expect(retract(lived, [6, 5, 6])).toEqual({ ok: true, events: [{ type: 'FactsRetracted', data: { eventIds: [eventIdOf(5), eventIdOf(6)], reason: '更正', kind: 'withdrawn' } }] });
  });
});

describe('built-upon', () => {
  it('refuses to take the ground from under a live transition', () => {
    expect(retract(lived, [5])).toMatchObject(builtUpon('IssueVerified'));
    expect(retract(lived, [6])).toMatchObject({ ok: true });
  });

  it('refuses to take away the issue itself, for imported facts too', () => {
    expect(retract([registered, fact<InIssue>('2026-04-29', stated, { imported: true })], [1])).toMatchObject(builtUpon('IssueStatusStated'));
  });

  it('does not hold an imported status to what came before it', () => {
    expect(retract([...lived.slice(0, 4), fact<InIssue>('2026-04-29', stated, { imported: true })], [4])).toMatchObject({ ok: true });
  });

  it('does not hold any imported fact to what came before it, beyond the issue itself', () => {
    const lookBack = fact<InIssue>('2026-05-01', { type: 'LookBackChecked', data: { result: 'HELD', sample: null } }, { imported: true });
    expect(retract([registered, fact<InIssue>('2026-04-29', stated, { imported: true }), lookBack], [2])).toMatchObject({ ok: true });
  });

  it('holds a move into routine to the long-term track', () => {
    const given = [
      ...lived.slice(0, 4),
      fact<InIssue>('2026-02-02', { type: 'IssueClassifiedLongTerm', data: { reason: '长期' } }),
      fact<InIssue>('2026-03-01', { type: 'PhaseCompleted', data: { result: '成效', nextStep: null } }),
      fact<InIssue>('2026-04-01', { type: 'IssueMovedToRoutine', data: { continuation: 'KEEP_PUSHING', lookBackOn: dated('2026-12') } }),
    ];
    expect(retract(given, [5])).toMatchObject(builtUpon('IssueMovedToRoutine'));
  });

  it('holds a verification to the imported claim that it judged', () => {
    const given = [registered, fact<InIssue>('2026-04-29', stated, { imported: true }), lived[5]!];
    expect(retract(given, [2], { kind: 'entered-in-error' })).toMatchObject(builtUpon('IssueVerified'));
  });

  it('takes dependents along, and theirs', () => {
    expect(names(retract(lived, [3], { withDependents: true }))).toEqual([3, 4, 5, 6].map(eventIdOf));
    expect(names(retract(lived, [1], { withDependents: true }))).toEqual([1, 2, 3, 4, 5, 6].map(eventIdOf));
  });

  it('is not asked of what lacked its basis before', () => {
    expect(names(retract([registered, lived[5]!, fact('2026-06-01', { type: 'ProgressReported', data: { text: '进展' } })], [3]))).toEqual([eventIdOf(3)]);
  });

  it('finds the deadline extended, the residual completed and the look-back held', () => {
    const given = [
      ...lived.slice(0, 4),
      fact<InIssue>('2026-02-02', { type: 'DeadlineSet', data: { planned: dated('2026-06') } }),
      fact<InIssue>('2026-03-01', { type: 'DeadlineExtended', data: { planned: dated('2026-09'), reason: '疫情', askedBy: null } }),
      fact<InIssue>('2026-04-01', { type: 'IssueBasicallyCompleted', data: { residuals: [{ key: '③', printed: '③' }] } }),
      fact<InIssue>('2026-04-02', { type: 'ResidualCompleted', data: { key: '③' } }),
      fact<InIssue>('2026-04-03', { type: 'LookBackChecked', data: { result: 'HELD', sample: null } }),
    ];
    expect(retract(given, [5])).toMatchObject(builtUpon('DeadlineExtended'));
    expect(retract(given, [7])).toMatchObject(builtUpon('ResidualCompleted', 'LookBackChecked'));
    expect(retract(given, [9])).toMatchObject({ ok: true });
  });

  it('asks a measure the same', () => {
    const facts = streamOf<MeasureEvent | FactsRetracted>(
      fact('2026-01-01', { type: 'MeasurePlanned', data: { issueIds: [], planned: null } as unknown as Extract<MeasureEvent, { type: 'MeasurePlanned' }>['data'] }),
      fact('2026-02-01', { type: 'MeasureSuspended', data: { cause: '疫情' } }),
      fact('2026-03-01', { type: 'MeasureResumed', data: {} }),
    );
    const ask = (version: number): unknown => decideRetraction<MeasureEvent>({ facts, eventIds: [eventIdOf(version)], kind: 'withdrawn', reason: '更正', now, unmetNeeds: unmetMeasureNeeds });
    expect(ask(1)).toMatchObject(builtUpon('MeasureSuspended', 'MeasureResumed'));
    expect(ask(2)).toMatchObject(builtUpon('MeasureResumed'));
    expect(ask(3)).toMatchObject({ ok: true });
  });
});

describe('a correction', () => {
  const completedOn = (on: string): NonNullable<More['replacedBy']> => [{ event: lived[4]!.event as IssueEvent, validTime: dated(on) }];

  it('may replace what others build on, where they still stand', () => {
    expect(names(retract(lived, [5], { replacedBy: completedOn('2026-04-20') }))).toEqual([eventIdOf(5)]);
  });

  it('is refused where the right fact comes after what builds on it', () => {
    expect(retract(lived, [5], { replacedBy: completedOn('2026-05-11') })).toMatchObject({ ok: false, rejection: { code: 'built-upon' } });
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
