// Goal: an inspection is opened, worked and fed back once, never before it began, and its facts need its opening.
// Method: commands decided given/when/then on the state of their day and today's; today is 2026-06-30.
import { describe, expect, it } from '@jest/globals';
import type { EventId, Fact, InspectionId, OrgId } from '@rectrail/kernel';
import { dated, eventIdOf, fact, specificationOf, streamOf, type GivenFact } from '../testing/decider-specification.ts';
import type { InspectionCommand } from './inspection.commands.ts';
import { decideInspection, unmetInspectionNeeds } from './inspection.decide.ts';
import type { InspectionEvent } from './inspection.events.ts';
import { evolveInspection, initialInspectionState, type InspectionIdentity, type InspectionState } from './inspection.state.ts';

const identity: InspectionIdentity = {
  inspectionId: 'inspection' as InspectionId, orgId: 'org' as OrgId, kind: 'XUNCHA', types: ['LOOK_BACK'],
  title: '巡察“回头看”', committee: null, topic: null, term: null, round: 1,
};
const by = { subject: 'team', orgId: null, role: 'inspection-team' };
const fold = (facts: readonly Fact<InspectionEvent>[]): InspectionState => facts.reduce(evolveInspection, initialInspectionState);
const { given } = specificationOf({ fold, decide: (command: InspectionCommand, situation) => decideInspection(command, situation) });

const opened = fact<InspectionEvent>('2026-01-10', { type: 'InspectionOpened', data: identity });
const started = (on: string): GivenFact<InspectionEvent> => fact(on, { type: 'FieldworkStarted', data: {} });
const fedBack = (on: string): GivenFact<InspectionEvent> => fact(on, { type: 'FeedbackDelivered', data: { recommendations: 3 } });
const deliver = (on: string, recommendations: number | null = 3): InspectionCommand => ({ type: 'DeliverFeedback', on: dated(on), by, data: { recommendations } });
const open = (on: string, change: Partial<InspectionIdentity> = {}): InspectionCommand => ({ type: 'OpenInspection', on: dated(on), by, data: { ...identity, ...change } });
const start = (on: string): InspectionCommand => ({ type: 'StartFieldwork', on: dated(on), by, data: {} });
const end = (on: string): InspectionCommand => ({ type: 'EndFieldwork', on: dated(on), by, data: {} });

describe('opening an inspection', () => {
  it('happens once', () => {
    given().when(open('2026-01-10'), {}).then({ type: 'InspectionOpened', data: identity });
    given(opened).when(open('2026-01-10'), {}).thenNothing();
    given(opened).when(open('2026-01-11'), {}).thenRejected('inspection-already-open');
    given(opened).when(open('2026-01-10', { kind: 'XUNSHI' }), {}).thenRejected('inspection-already-open');
    given(opened).when(open('2026-01-10', { types: [] }), {}).thenRejected('inspection-already-open');
  });

  it('is needed by everything else', () => {
    given().when(deliver('2026-03-01'), {}).thenRejected('unknown-inspection');
    given().when(start('2026-03-01'), {}).thenRejected('unknown-inspection');
  });

  it('is never after what follows it, nor after today', () => {
    given().when(open('2026-07-01'), {}).thenRejected('effective-in-future');
    given(opened).when(deliver('2026-01-09'), {}).thenRejected('effective-before-basis', { basis: 'InspectionOpened', basisOn: '2026-01-10' });
    given(opened).when(deliver('2026-01-09'), { correction: true }).then({ type: 'FeedbackDelivered', data: { recommendations: 3 } });
    given(opened).when(start('2026-01-09'), {}).thenRejected('effective-before-basis');
  });
});

describe('delivering the feedback', () => {
  it('happens once, on the day of the opening at the earliest', () => {
    given(opened).when(deliver('2026-01-10'), {}).then({ type: 'FeedbackDelivered', data: { recommendations: 3 } });
    given(opened, fedBack('2026-03-01')).when(deliver('2026-03-01'), {}).thenNothing();
    given(opened, fedBack('2026-03-01')).when(deliver('2026-03-01', 4), {}).thenRejected('feedback-already-delivered', { eventId: eventIdOf(2) });
    given(opened, fedBack('2026-03-01')).when(deliver('2026-02-01'), {}).thenRejected('feedback-already-delivered');
  });
});

describe('fieldwork', () => {
  it('starts once', () => {
    given(opened).when(start('2026-02-01'), {}).then({ type: 'FieldworkStarted', data: {} });
    given(opened, started('2026-02-01')).when(start('2026-02-01'), {}).thenNothing();
    given(opened, started('2026-02-01')).when(start('2026-02-02'), {}).thenRejected('fieldwork-already-started');
  });

  it('ends once, after it has started', () => {
    const ended = fact<InspectionEvent>('2026-03-01', { type: 'FieldworkEnded', data: {} });
    given(opened, started('2026-02-01')).when(end('2026-03-01'), {}).then({ type: 'FieldworkEnded', data: {} });
    given(opened).when(end('2026-03-01'), {}).thenRejected('fieldwork-not-started');
    given(opened, started('2026-02-01')).when(end('2026-01-31'), {}).thenRejected('fieldwork-not-started');
    given(opened, started('2026-02-01'), ended).when(end('2026-03-01'), {}).thenNothing();
    given(opened, started('2026-02-01'), ended).when(end('2026-03-02'), {}).thenRejected('fieldwork-already-ended');
  });
});

describe('team, special checks, previous rounds', () => {
  it('are kept, each once', () => {
    const assign: InspectionCommand = { type: 'AssignTeam', on: dated('2026-02-01'), by, data: { team: '第三巡察组' } };
    given(opened).when(assign, {}).then({ type: 'TeamAssigned', data: { team: '第三巡察组' } });
    given(opened, fact('2026-01-20', { type: 'TeamAssigned', data: { team: '第三巡察组' } })).when(assign, {}).thenNothing();
    const attach: InspectionCommand = { type: 'AttachSpecialCheck', on: dated('2026-02-01'), by, data: { topic: '选人用人' } };
    given(opened).when(attach, {}).then({ type: 'SpecialCheckAttached', data: { topic: '选人用人' } });
    given(opened, fact('2026-01-20', { type: 'SpecialCheckAttached', data: { topic: '选人用人' } })).when(attach, {}).thenNothing();
    const link = (id: string): InspectionCommand => ({ type: 'LinkPreviousRound', on: dated('2026-02-01'), by, data: { inspectionId: id as InspectionId } });
    given(opened).when(link('earlier'), {}).then({ type: 'PreviousRoundLinked', data: { inspectionId: 'earlier' as InspectionId } });
    given(opened, fact('2026-01-20', { type: 'PreviousRoundLinked', data: { inspectionId: 'earlier' as InspectionId } })).when(link('earlier'), {}).thenNothing();
    given(opened).when(link('inspection'), {}).thenRejected('previous-round-is-itself');
  });
});

describe('what the facts of an inspection need', () => {
  it('is its opening, and for the end of the fieldwork its start', () => {
    const all = streamOf(opened, started('2026-02-01'), fact<InspectionEvent>('2026-03-01', { type: 'FieldworkEnded', data: {} }), fedBack('2026-04-01'));
    const without = (version: number): readonly EventId[] => unmetInspectionNeeds(all.filter(({ streamVersion }) => streamVersion !== version));
    expect(without(0)).toEqual([]);
    expect(without(1)).toEqual([2, 3, 4].map(eventIdOf));
    expect(without(2)).toEqual([eventIdOf(3)]);
    expect(without(3)).toEqual([]);
  });
});
