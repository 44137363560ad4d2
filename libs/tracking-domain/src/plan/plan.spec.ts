// Goal: a plan is issued only after every approver of its submission has consented, each by a hand of its own.
// Method: commands decided given/when/then on the state of their day and today's; today is 2026-06-30.
import { describe, expect, it } from '@jest/globals';
import type { EventId, Fact, InspectionId, IssueId, OrgId, PlanId } from '@rectrail/kernel';
import { dated, eventIdOf, fact, specificationOf, streamOf, type GivenFact } from '../testing/decider-specification.ts';
import type { PlanCommand } from './plan.commands.ts';
import { decidePlan, unmetPlanNeeds } from './plan.decide.ts';
import type { PlanEvent } from './plan.events.ts';
import { evolvePlan, initialPlanState, type PlanState } from './plan.state.ts';

const fold = (facts: readonly Fact<PlanEvent>[]): PlanState => facts.reduce(evolvePlan, initialPlanState);
const { given } = specificationOf({ fold, decide: (command: PlanCommand, situation) => decidePlan(command, situation) });

const team = '市委巡察组';
const discipline = '市纪委监委';
const content = { title: '整改方案', issueIds: ['i1', 'i2'] as IssueId[] };
const plan = { planId: 'plan' as PlanId, orgId: 'org' as OrgId, inspectionId: 'inspection' as InspectionId, ...content };
const by = (subject = 'unit'): PlanCommand['by'] => ({ subject, orgId: null, role: 'unit' });

const drafted = fact<PlanEvent>('2026-02-01', { type: 'PlanDrafted', data: plan });
const submitted = (on: string, ...approvers: readonly string[]): GivenFact<PlanEvent> => fact(on, { type: 'PlanSubmitted', data: { approvers } });
const consented = (on: string, approver: string, subject: string): GivenFact<PlanEvent> => fact(on, { type: 'PlanConsented', data: { approver } }, { subject });
const returned = (on: string): GivenFact<PlanEvent> => fact(on, { type: 'PlanReturned', data: { approver: team, reason: '措施不够具体' } });
const revised = (on: string): GivenFact<PlanEvent> => fact(on, { type: 'PlanRevised', data: content });
const issued = (on: string, version = 1): GivenFact<PlanEvent> => fact(on, { type: 'PlanIssued', data: { version } });

const draft: PlanCommand = { type: 'DraftPlan', on: dated('2026-02-01'), by: by(), data: plan };
const submit = (on: string, ...approvers: readonly string[]): PlanCommand => ({ type: 'SubmitPlan', on: dated(on), by: by(), data: { approvers } });
const consent = (on: string, approver: string, subject: string): PlanCommand => ({ type: 'ConsentToPlan', on: dated(on), by: by(subject), data: { approver } });
const returnIt = (on: string, approver = team): PlanCommand => ({ type: 'ReturnPlan', on: dated(on), by: by('a'), data: { approver, reason: '措施不够具体' } });
const revise = (on: string, title = content.title): PlanCommand => ({ type: 'RevisePlan', on: dated(on), by: by(), data: { ...content, title } });
const issue = (on: string): PlanCommand => ({ type: 'IssuePlan', on: dated(on), by: by(), data: {} });

describe('drafting', () => {
  it('happens once, and everything else needs it', () => {
    given().when(draft, {}).then({ type: 'PlanDrafted', data: plan });
    given(drafted).when(draft, {}).thenNothing();
    given(drafted).when({ ...draft, data: { ...plan, title: '另一方案' } }, {}).thenRejected('plan-already-drafted');
    for (const command of [submit('2026-03-01'), consent('2026-03-01', team, 'a'), returnIt('2026-03-01'), revise('2026-03-01'), issue('2026-03-01')]) {
      given().when(command, {}).thenRejected('unknown-plan');
    }
  });
});

describe('submitting', () => {
  it('names the approvers of the policy, possibly none', () => {
    given(drafted).when(submit('2026-03-01', team, discipline), {}).then({ type: 'PlanSubmitted', data: { approvers: [team, discipline] } });
    given(drafted).when(submit('2026-03-01'), {}).then({ type: 'PlanSubmitted', data: { approvers: [] } });
  });

  it('again changes nothing; a plan returned or issued is revised first', () => {
    given(drafted, submitted('2026-03-01', team)).when(submit('2026-03-02', team), {}).thenNothing();
    given(drafted, submitted('2026-03-01', team)).when(submit('2026-03-02', discipline), {}).thenRejected('illegal-plan-transition', { status: 'SUBMITTED' });
    given(drafted, submitted('2026-03-01', team), returned('2026-03-02')).when(submit('2026-03-03', team), {}).thenRejected('illegal-plan-transition', { status: 'RETURNED' });
    given(drafted, submitted('2026-03-01'), issued('2026-03-02')).when(submit('2026-03-03'), {}).thenRejected('illegal-plan-transition', { status: 'ISSUED' });
  });

  it('comes neither before the draft nor after today', () => {
    given(drafted).when(submit('2026-01-31', team), {}).thenRejected('effective-before-basis', { basis: 'PlanDrafted' });
    given(drafted).when(submit('2026-07-01', team), {}).thenRejected('effective-in-future');
  });
});

describe('consenting', () => {
  const base = [drafted, submitted('2026-03-01', team, discipline)];

  it('is an event of its own for each approver', () => {
    given(...base).when(consent('2026-03-05', team, 'a'), {}).then({ type: 'PlanConsented', data: { approver: team } });
    given(...base, consented('2026-03-05', team, 'a')).when(consent('2026-03-06', discipline, 'b'), {}).then({ type: 'PlanConsented', data: { approver: discipline } });
  });

  it('may be recorded in any order, but not before the submission', () => {
    given(...base, consented('2026-03-05', team, 'a')).when(consent('2026-03-04', discipline, 'b'), {}).then({ type: 'PlanConsented', data: { approver: discipline } });
    given(...base).when(consent('2026-02-28', team, 'a'), {}).thenRejected('effective-before-basis', { basis: 'PlanSubmitted' });
  });

  it('is given by nobody twice, neither as approver nor as person', () => {
    given(...base, consented('2026-03-05', team, 'a')).when(consent('2026-03-06', team, 'b'), {}).thenRejected('already-consented');
    given(...base, consented('2026-03-05', team, 'a')).when(consent('2026-03-06', discipline, 'a'), {}).thenRejected('already-consented');
    given(...base, consented('2026-03-06', team, 'a')).when(consent('2026-03-05', team, 'a'), {}).thenRejected('already-consented');
  });

  it('is refused to others, and while nothing is submitted', () => {
    given(...base).when(consent('2026-03-05', '市委组织部', 'c'), {}).thenRejected('not-an-approver', { approvers: [team, discipline] });
    given(drafted).when(consent('2026-03-05', team, 'a'), {}).thenRejected('illegal-plan-transition', { status: 'DRAFTED' });
  });

  it('ends with a return or a revision: the next submission needs all consents anew', () => {
    const again = [...base, consented('2026-03-05', team, 'a'), returned('2026-03-06'), revised('2026-03-07'), submitted('2026-03-08', team)];
    given(...again).when(issue('2026-03-09'), {}).thenRejected('consents-missing', { missing: [team] });
    given(...again).when(consent('2026-03-09', team, 'a'), {}).then({ type: 'PlanConsented', data: { approver: team } });
  });
});

describe('returning and revising', () => {
  it('is returned by an approver while submitted', () => {
    given(drafted, submitted('2026-03-01', team)).when(returnIt('2026-03-02'), {}).then({ type: 'PlanReturned', data: { approver: team, reason: '措施不够具体' } });
    given(drafted, submitted('2026-03-01', team)).when(returnIt('2026-03-02', discipline), {}).thenRejected('not-an-approver');
    given(drafted).when(returnIt('2026-03-02'), {}).thenRejected('illegal-plan-transition');
    given(drafted, submitted('2026-03-01', team), consented('2026-03-05', team, 'a')).when(returnIt('2026-03-04'), {}).thenRejected('effective-before-basis', { basis: 'PlanConsented' });
  });

  it('is revised in any status; a draft that stays the same is not', () => {
    given(drafted).when(revise('2026-03-01', '修订稿'), {}).then({ type: 'PlanRevised', data: { ...content, title: '修订稿' } });
    given(drafted).when(revise('2026-03-01'), {}).thenNothing();
    given(drafted, submitted('2026-03-01'), issued('2026-03-02')).when(revise('2026-03-03'), {}).then({ type: 'PlanRevised', data: content });
  });
});

describe('issuing', () => {
  it('waits for every consent', () => {
    const base = [drafted, submitted('2026-03-01', team, discipline), consented('2026-03-05', team, 'a')];
    given(...base).when(issue('2026-03-10'), {}).thenRejected('consents-missing', { missing: [discipline] });
    given(...base, consented('2026-03-08', discipline, 'b')).when(issue('2026-03-10'), {}).then({ type: 'PlanIssued', data: { version: 1 } });
    given(...base, consented('2026-03-08', discipline, 'b')).when(issue('2026-03-07'), {}).thenRejected('effective-before-basis', { basis: 'PlanConsented' });
  });

  it('needs nobody where the policy names no approver, yet a submission', () => {
    given(drafted, submitted('2026-03-01')).when(issue('2026-03-01'), {}).then({ type: 'PlanIssued', data: { version: 1 } });
    given(drafted).when(issue('2026-03-01'), {}).thenRejected('illegal-plan-transition');
  });

  it('counts its versions, and happens once each', () => {
    const once = [drafted, submitted('2026-03-01'), issued('2026-03-02')];
    given(...once).when(issue('2026-03-02'), {}).thenNothing();
    given(...once).when(issue('2026-03-03'), {}).thenRejected('illegal-plan-transition', { status: 'ISSUED' });
    given(...once, revised('2026-03-04'), submitted('2026-03-05')).when(issue('2026-03-06'), {}).then({ type: 'PlanIssued', data: { version: 2 } });
  });
});

describe('the version in force', () => {
  it('covers what it was issued for, until the revision is issued too', () => {
    const added = ['i1', 'i2', 'i3'] as IssueId[];
    const addition = [drafted, submitted('2026-03-01', team), consented('2026-03-02', team, 'a'), issued('2026-03-03'), fact<PlanEvent>('2026-03-04', { type: 'PlanRevised', data: { ...content, issueIds: added } })];
    expect(fold(streamOf(drafted, submitted('2026-03-01', team))).issuedFor).toEqual([]);
    expect(fold(streamOf(...addition))).toMatchObject({ version: 1, issueIds: added, issuedFor: content.issueIds });
    expect(fold(streamOf(...addition, submitted('2026-03-05'), issued('2026-03-06', 2)))).toMatchObject({ version: 2, issuedFor: added });
  });
});

describe('what the facts of a plan need', () => {
  it('is the step before them', () => {
    const all = streamOf(drafted, submitted('2026-03-01', team), consented('2026-03-05', team, 'a'), issued('2026-03-06'), revised('2026-03-07'));
    const without = (...left: readonly number[]): readonly EventId[] => unmetPlanNeeds(all.filter(({ streamVersion }) => !left.includes(streamVersion)));
    expect(without()).toEqual([]);
    expect(without(3)).toEqual([eventIdOf(4)]);
    expect(without(2)).toEqual([3, 4].map(eventIdOf));
    expect(without(4)).toEqual([]);
    expect(without(1)).toContain(eventIdOf(2));
  });
});
