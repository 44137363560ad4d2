import { describe, expect, it } from '@jest/globals';
import { addDays, day, onDay, type InspectionId, type IssueId, type MeasureId, type OrgId } from '@rectrail/kernel';
import fc from 'fast-check';
import { dated, eventIdOf, fact, newlyUnmet, specificationOf, streamOf, type GivenFact, type Outcome } from '../testing/decider-specification.ts';
import { randomMeasureEvent } from '../testing/random-events.ts';
import { randomOf } from '../testing/random.ts';
import { residualsOfMeasure } from '../issue/issue.needs.ts';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import type { MeasureCommand, MeasureCommandData, MeasureCommandType } from './measure.commands.ts';
import { decideMeasure, unmetMeasureNeeds } from './measure.decide.ts';
import type { MeasureEvent, MeasureStateName } from './measure.events.ts';
import { foldMeasure, shownMeasureState, type MeasureState } from './measure.state.ts';

/**
 * Goal: a measure moves as rules.md section 3 and rows 8 and 17 of domain.md section 3.2 say.
 * Method: given facts, when a command, then whole events or the code; random streams for totality. Today is 2026-06-30.
 */
const issueId = '00000000-0000-8000-8000-000000000005' as IssueId;
const otherIssueId = '00000000-0000-8000-8000-000000000009' as IssueId;
const identity = {
  measureId: '00000000-0000-8000-8000-000000000006' as MeasureId, orgId: '00000000-0000-8000-8000-000000000001' as OrgId,
  inspectionId: '00000000-0000-8000-8000-000000000003' as InspectionId, issueIds: [issueId], marker: '①', title: '修订办法',
};

const planned = fact<MeasureEvent>('2026-01-01', { type: 'MeasurePlanned', data: { ...identity, planned: null } });
const progressed = fact<MeasureEvent>('2026-02-01', { type: 'MeasureProgressed', data: { text: '进展' } });
const suspended = fact<MeasureEvent>('2026-03-01', { type: 'MeasureSuspended', data: { cause: '疫情' } });
const completed = fact<MeasureEvent>('2026-04-01', { type: 'MeasureCompleted', data: { result: '印发', evidence: ['文件'] } });
const standing = fact<MeasureEvent>('2026-04-01', { type: 'MeasureMadeStanding', data: { frequency: 'MONTHLY' } });
const withdrawn = fact<MeasureEvent>('2026-04-01', { type: 'MeasureWithdrawn', data: { reason: '职责划转' } });
const stated = (state: MeasureStateName | null): MeasureEvent => ({ type: 'MeasureStated', data: { ...identity, state, printedStatus: null, planned: null } });

const toState: Readonly<Record<MeasureStateName, readonly GivenFact<MeasureEvent>[]>> = {
  PLANNED: [planned], IN_PROGRESS: [planned, progressed], SUSPENDED: [planned, progressed, suspended],
  DONE: [planned, completed], STANDING: [planned, standing], WITHDRAWN: [planned, withdrawn],
};

const specification = specificationOf<MeasureState, MeasureEvent, MeasureCommand>({ fold: foldMeasure, decide: decideMeasure });
const command = <K extends MeasureCommandType>(type: K, data: MeasureCommandData[K], on = '2026-06-30'): MeasureCommand =>
  ({ type, data, on: dated(on), by: { subject: 'someone', orgId: null, role: 'unit' } }) as MeasureCommand;
const when = (given: readonly GivenFact<MeasureEvent>[], asked: MeasureCommand): Outcome<MeasureEvent> => specification.given(...given).when(asked);
const fold = (...given: readonly GivenFact<MeasureEvent>[]): MeasureState => foldMeasure(streamOf(...given));

const transitions: readonly { readonly asked: MeasureCommand; readonly type: MeasureEvent['type']; readonly from: readonly MeasureStateName[] }[] = [
  { asked: command('ReportMeasureProgress', { text: '进展' }), type: 'MeasureProgressed', from: ['PLANNED', 'IN_PROGRESS', 'STANDING'] },
  { asked: command('CompleteMeasure', { result: null, evidence: [] }), type: 'MeasureCompleted', from: ['PLANNED', 'IN_PROGRESS', 'STANDING'] },
  { asked: command('SuspendMeasure', { cause: '疫情' }), type: 'MeasureSuspended', from: ['PLANNED', 'IN_PROGRESS', 'STANDING'] },
  { asked: command('ResumeMeasure', {}), type: 'MeasureResumed', from: ['SUSPENDED'] },
  { asked: command('MakeMeasureStanding', { frequency: 'DAILY' }), type: 'MeasureMadeStanding', from: ['PLANNED', 'IN_PROGRESS', 'DONE'] },
  { asked: command('WithdrawMeasure', { reason: '划转' }), type: 'MeasureWithdrawn', from: ['PLANNED', 'IN_PROGRESS', 'SUSPENDED', 'STANDING'] },
];

describe('commands on a measure', () => {
  const states = Object.keys(toState) as MeasureStateName[];

  it.each(transitions.flatMap((t) => states.map((s) => ({ ...t, s, name: t.asked.type }))))('$name from $s', ({ asked, type, from, s }) => {
    const outcome = when(toState[s], asked);
    if (from.includes(s)) outcome.then({ type, data: asked.data } as MeasureEvent);
    else outcome.thenRejected('illegal-transition', { from: s, allowedFrom: from });
  });

  it.each(transitions.map((t) => t.asked))('$type needs a measure, and a day that has come and lies behind its basis', (asked) => {
    when([], asked).thenRejected('unknown-measure');
    when(toState.IN_PROGRESS, { ...asked, on: dated('2026-07-01') }).thenRejected('effective-in-future');
    when(toState.IN_PROGRESS, { ...asked, on: dated('2026-01-31') }).thenRejected('effective-before-basis', { basis: 'MeasureProgressed' });
  });

  it('plan it once, for at least one issue', () => {
    const data = { ...identity, planned: dated('2026-09') };
    when([], command('PlanMeasure', data)).then({ type: 'MeasurePlanned', data });
    when([fact('2026-01-01', { type: 'MeasurePlanned', data })], command('PlanMeasure', data)).thenNothing();
    when([planned], command('PlanMeasure', { ...identity, title: '另一措施', planned: null })).thenRejected('measure-already-planned');
    when([], command('PlanMeasure', { ...data, issueIds: [] })).thenRejected('measure-without-issue');
    when([], command('PlanMeasure', data, '2026-07-01')).thenRejected('effective-in-future');
  });

  it('link it to a further issue once', () => {
    when([planned], command('LinkMeasureToIssue', { issueId: otherIssueId })).then({ type: 'MeasureLinkedToIssue', data: { issueId: otherIssueId } });
    when([planned], command('LinkMeasureToIssue', { issueId })).thenNothing();
    when([], command('LinkMeasureToIssue', { issueId })).thenRejected('unknown-measure');
  });

  it('come to nothing where the very fact is asserted already', () => {
    when(toState.DONE, command('CompleteMeasure', { result: '印发', evidence: ['文件'] }, '2026-04-01')).thenNothing();
    when(toState.DONE, command('CompleteMeasure', { result: '印发', evidence: [] }, '2026-04-01')).thenRejected('illegal-transition');
  });

  it('state an imported one without any guard', () => {
    specification.given(...toState.DONE).when(command('StateMeasure', stated('PLANNED').data as MeasureCommandData['StateMeasure'])).then(stated('PLANNED'));
  });
});

describe('the state of a measure', () => {
  it.each(['PLANNED', 'IN_PROGRESS', 'STANDING'] as const)('goes on as %s after a suspension', (state) => {
    const resumed = fact<MeasureEvent>('2026-06-01', { type: 'MeasureResumed', data: {} });
    expect(fold(...toState[state], fact('2026-05-01', { type: 'MeasureSuspended', data: { cause: '疫情' } })).state).toBe('SUSPENDED');
    expect(fold(...toState[state], fact('2026-05-01', { type: 'MeasureSuspended', data: { cause: '疫情' } }), resumed)).toMatchObject({ state, suspensionCause: null });
  });

  it('goes on from before the first of two suspensions', () => {
    const again = fact<MeasureEvent>('2026-04-01', stated('SUSPENDED'), { imported: true });
    expect(fold(planned, progressed, suspended, again, fact('2026-06-01', { type: 'MeasureResumed', data: {} })).state).toBe('IN_PROGRESS');
  });

  it('keeps the title under which it was first known', () => {
    const renamed: MeasureEvent = { type: 'MeasureStated', data: { ...identity, title: '另一措施', state: null, printedStatus: null, planned: null } };
    expect(fold(planned, fact('2026-05-01', renamed, { imported: true })).identity?.title).toBe(identity.title);
  });

  it('stays standing while it is reported on', () => {
    expect(fold(planned, standing, fact('2026-05-01', { type: 'MeasureProgressed', data: { text: '5月调度' } }))).toMatchObject({ state: 'STANDING', frequency: 'MONTHLY' });
  });

  it('is kept but not shown while the last report prints none', () => {
    const hidden = fold(planned, completed, fact('2026-05-01', stated(null), { imported: true }));
    expect([hidden.state, shownMeasureState(hidden)]).toEqual(['DONE', 'NOT_DISCLOSED']);
    expect(shownMeasureState(fold(fact('2026-05-01', stated(null)), fact('2026-05-02', stated('DONE'))))).toBe('DONE');
  });

  it('is not lowered by a later plan, and knows each issue once', () => {
    expect(fold(fact('2026-05-01', stated('DONE')), fact('2026-06-01', planned.event), fact('2026-06-02', { type: 'MeasureLinkedToIssue', data: { issueId: otherIssueId } })))
      .toMatchObject({ state: 'DONE', issueIds: [issueId, otherIssueId] });
  });

  it('names the open residuals of its issue that it completes', () => {
    const residual = { printed: '③', measureId: identity.measureId };
    expect(residualsOfMeasure({ residuals: [{ ...residual, key: '③', open: true }, { ...residual, key: '①', open: false }, { key: '②', printed: '②', open: true }] }, identity.measureId)).toEqual(['③']);
  });
});

describe('what a fact of a measure needs', () => {
  it('is the measure, and for a live one the status that it was built on', () => {
    const given: readonly GivenFact<MeasureEvent | FactsRetracted>[] = [planned, suspended, fact('2026-03-15', { type: 'MeasureResumed', data: {} })];
    const lacking = (version: number): readonly string[] =>
      newlyUnmet<MeasureEvent | FactsRetracted>(unmetMeasureNeeds, given, { type: 'FactsRetracted', data: { eventIds: [eventIdOf(version)], reason: '更正', kind: 'withdrawn' } });
    expect([1, 2, 3].map(lacking)).toEqual([['MeasureSuspended', 'MeasureResumed'], ['MeasureResumed'], []]);
  });
});

describe('properties of a measure', () => {
  const around = { today: day('2026-03-01'), issueIds: [issueId, otherIssueId], measureIds: [identity.measureId] };

  it('folds every subset in every order, and decides without throwing', () => {
    fc.assert(fc.property(fc.nat(), fc.array(fc.boolean(), { maxLength: 20 }), (seed, kept) => {
      const random = randomOf(seed);
      const s = fold(...kept.map(() => fact('2026-03-01', randomMeasureEvent(random, around))).filter((_, i) => kept[i]));
      expect(Object.keys(toState)).toContain(s.state);
      for (const { asked } of transitions) expect(decideMeasure(asked, { then: s, now: s, today: around.today })).toHaveProperty('ok');
    }));
  });

  it('lacks no basis after any run of accepted commands', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: transitions.length - 1 })), (picks) => {
      let given = [planned];
      picks.forEach((pick, i) => {
        const on = onDay(addDays(day('2026-01-02'), i));
        const { asked, type } = transitions[pick]!;
        const s = fold(...given);
        const { ok } = decideMeasure({ ...asked, on }, { then: s, now: s, today: on.last });
        if (ok) given = [...given, fact<MeasureEvent>(on.last, { type, data: asked.data } as MeasureEvent)];
      });
      expect(unmetMeasureNeeds(streamOf(...given))).toEqual([]);
    }));
  });
});
