// Goal: money identified, recovered and returned adds up as stated; unknown amounts are counted, reversals drop out, nothing is guessed.
// Method: commands decided given/when/then, sums read from folded states; today is 2026-06-30.
import { describe, expect, it } from '@jest/globals';
import type { EventId, Fact, FundsCaseId, IssueId, Money, OrgId } from '@rectrail/kernel';
import fc from 'fast-check';
import { dated, eventIdOf, fact, specificationOf, streamOf, type GivenFact } from '../testing/decider-specification.ts';
import type { FundsCaseCommand } from './funds-case.commands.ts';
import { decideFundsCase, unmetFundsCaseNeeds } from './funds-case.decide.ts';
import type { FundsCaseEvent } from './funds-case.events.ts';
import { evolveFundsCase, fundsTotals, initialFundsCaseState, type FundsCaseState, type FundsTotals } from './funds-case.state.ts';

const fold = (facts: readonly Fact<FundsCaseEvent>[]): FundsCaseState => facts.reduce(evolveFundsCase, initialFundsCaseState);
const { given } = specificationOf({ fold, decide: (command: FundsCaseCommand, situation) => decideFundsCase(command, situation) });
const totalsOf = (...facts: readonly GivenFact<FundsCaseEvent>[]): FundsTotals => fundsTotals(fold(streamOf(...facts)));

const identity = { fundsCaseId: 'case' as FundsCaseId, orgId: 'org' as OrgId, inspectionId: null, issueIds: ['issue'] as IssueId[] };
const yuan = (amount: number | null): Money => ({ fen: amount === null ? null : String(amount * 100) });
const stated = (amount: number | null): typeof identity & { money: Money; kind: 'ALLOWANCE' } => ({ ...identity, money: yuan(amount), kind: 'ALLOWANCE' });
const identified = (on: string, amount: number | null): GivenFact<FundsCaseEvent> => fact(on, { type: 'IrregularFundsIdentified', data: stated(amount) });
const recovered = (on: string, amount: number | null): GivenFact<FundsCaseEvent> => fact(on, { type: 'FundsRecovered', data: { ...stated(amount), voucher: null } });
const returned = (on: string, amount: number | null): GivenFact<FundsCaseEvent> => fact(on, { type: 'FundsReturned', data: { ...stated(amount), voucher: null } });
const specified = (on: string, of: number, amount: number): GivenFact<FundsCaseEvent> => fact(on, { type: 'RecoveryAmountSpecified', data: { of: eventIdOf(of), money: yuan(amount) } });
const reversed = (on: string, of: number): GivenFact<FundsCaseEvent> => fact(on, { type: 'RecoveryReversed', data: { of: eventIdOf(of), reason: '账户有误' } });

const by = { subject: 'unit', orgId: null, role: 'unit' };
const specify = (on: string, of: number, amount: number | null): FundsCaseCommand => ({ type: 'SpecifyRecoveryAmount', on: dated(on), by, data: { of: eventIdOf(of), money: yuan(amount) } });
const reverse = (on: string, of: number): FundsCaseCommand => ({ type: 'ReverseRecovery', on: dated(on), by, data: { of: eventIdOf(of), reason: '账户有误' } });
const link = (other: string): FundsCaseCommand =>
  ({ type: 'LinkFundsDuplicate', on: dated('2026-03-01'), by, data: { otherCaseId: other as FundsCaseId, statedBy: 'PERSON', note: '可能为同一笔' } });

describe('the sums of a case', () => {
  it('keep identified, recovered and returned apart', () => {
    expect(totalsOf(identified('2026-01-01', 500), recovered('2026-02-01', 300), recovered('2026-03-01', 100), returned('2026-03-01', 50))).toEqual({
      identified: { fen: 50_000n, unknownAmounts: 0 }, recovered: { fen: 40_000n, unknownAmounts: 0 }, returned: { fen: 5_000n, unknownAmounts: 0 }, beyondIdentified: false,
    });
  });

  it('count an unknown amount and do not guess it, until it is specified', () => {
    expect(totalsOf(recovered('2026-02-01', null), recovered('2026-02-02', 10)).recovered).toEqual({ fen: 1_000n, unknownAmounts: 1 });
    expect(totalsOf(recovered('2026-02-01', null), specified('2026-03-01', 1, 7)).recovered).toEqual({ fen: 700n, unknownAmounts: 0 });
  });

  it('leave out what was reversed, even where its amount was specified', () => {
    expect(totalsOf(recovered('2026-02-01', 5), returned('2026-02-01', 3), reversed('2026-03-01', 1))).toMatchObject({ recovered: { fen: 0n, unknownAmounts: 0 }, returned: { fen: 300n } });
    expect(totalsOf(recovered('2026-02-01', null), specified('2026-03-01', 1, 7), reversed('2026-03-02', 1)).recovered).toEqual({ fen: 0n, unknownAmounts: 0 });
  });

  it('flag, but do not refuse, that more came back than was identified', () => {
    expect(totalsOf(identified('2026-01-01', 5), recovered('2026-02-01', 6)).beyondIdentified).toBe(true);
    expect(totalsOf(recovered('2026-02-01', 6)).beyondIdentified).toBe(false);
    expect(totalsOf(identified('2026-01-01', 5), identified('2026-01-01', null), recovered('2026-02-01', 6)).beyondIdentified).toBe(false);
  });

  it('do not depend on the order of the facts', () => {
    const facts = streamOf(identified('2026-01-01', 500), recovered('2026-02-01', null), returned('2026-02-01', 50), specified('2026-03-01', 2, 7), reversed('2026-03-01', 3));
    fc.assert(fc.property(fc.shuffledSubarray([...facts], { minLength: facts.length }), (shuffled) => {
      expect(fundsTotals(fold(shuffled))).toEqual(fundsTotals(fold(facts)));
    }));
  });
});

describe('identifying, recovering, returning', () => {
  it('opens the case, in whichever order a report tells them', () => {
    given().when({ type: 'IdentifyFunds', on: dated('2026-03-01'), by, data: stated(5) }, {}).then({ type: 'IrregularFundsIdentified', data: stated(5) });
    given().when({ type: 'RecoverFunds', on: dated('2026-03-01'), by, data: { ...stated(null), voucher: null } }, {}).then({ type: 'FundsRecovered', data: { ...stated(null), voucher: null } });
    given().when({ type: 'ReturnFunds', on: dated('2026-03-01'), by, data: { ...stated(5), voucher: '收据' } }, {}).then({ type: 'FundsReturned', data: { ...stated(5), voucher: '收据' } });
  });

  it('takes two equal payments for two', () => {
    given(recovered('2026-03-01', 5)).when({ type: 'RecoverFunds', on: dated('2026-03-01'), by, data: { ...stated(5), voucher: null } }, {}).then({ type: 'FundsRecovered', data: { ...stated(5), voucher: null } });
  });

  it('is refused on the case of another organisation and after today', () => {
    const foreign = { ...stated(5), orgId: 'other' as OrgId };
    given(identified('2026-01-01', 5)).when({ type: 'IdentifyFunds', on: dated('2026-03-01'), by, data: foreign }, {}).thenRejected('funds-case-of-another-organisation', { orgId: 'org' });
    given().when({ type: 'IdentifyFunds', on: dated('2026-07-01'), by, data: stated(5) }, {}).thenRejected('effective-in-future');
  });
});

describe('specifying an amount', () => {
  it('replaces an unknown one, once', () => {
    given(recovered('2026-02-01', null)).when(specify('2026-03-01', 1, 7), {}).then({ type: 'RecoveryAmountSpecified', data: { of: eventIdOf(1), money: yuan(7) } });
    given(returned('2026-02-01', null)).when(specify('2026-03-01', 1, 7), {}).then({ type: 'RecoveryAmountSpecified', data: { of: eventIdOf(1), money: yuan(7) } });
    given(recovered('2026-02-01', null), specified('2026-03-01', 1, 7)).when(specify('2026-03-01', 1, 7), {}).thenNothing();
    given(recovered('2026-02-01', null), specified('2026-03-01', 1, 7)).when(specify('2026-03-02', 1, 8), {}).thenRejected('amount-already-known');
    given(recovered('2026-02-01', 5)).when(specify('2026-03-01', 1, 7), {}).thenRejected('amount-already-known');
  });

  it('needs a number, and a recovery or return that stands by that day', () => {
    given(recovered('2026-02-01', null)).when(specify('2026-03-01', 1, null), {}).thenRejected('amount-missing');
    given(recovered('2026-02-01', null)).when(specify('2026-01-31', 1, 7), {}).thenRejected('unknown-recovery');
    given(identified('2026-02-01', null)).when(specify('2026-03-01', 1, 7), {}).thenRejected('unknown-recovery');
    given(recovered('2026-02-01', null), reversed('2026-02-02', 1)).when(specify('2026-03-01', 1, 7), {}).thenRejected('recovery-already-reversed');
    given().when(specify('2026-03-01', 1, 7), {}).thenRejected('unknown-funds-case');
  });
});

describe('reversing', () => {
  it('drops a recovery or a return, once', () => {
    given(recovered('2026-02-01', 5)).when(reverse('2026-03-01', 1), {}).then({ type: 'RecoveryReversed', data: { of: eventIdOf(1), reason: '账户有误' } });
    given(recovered('2026-02-01', 5), reversed('2026-03-02', 1)).when(reverse('2026-03-01', 1), {}).thenRejected('recovery-already-reversed');
    given(recovered('2026-02-01', 5)).when(reverse('2026-03-01', 9), {}).thenRejected('unknown-recovery');
    given(recovered('2026-02-01', 5)).when(reverse('2026-01-01', 1), {}).thenRejected('unknown-recovery');
  });
});

describe('linking a possible double count', () => {
  it('is a fact that a source or a person states, once, never about the case itself', () => {
    const linked = fact<FundsCaseEvent>('2026-02-01', { type: 'FundsDuplicateLinked', data: { otherCaseId: 'other' as FundsCaseId, statedBy: 'PERSON', note: '可能为同一笔' } });
    given(recovered('2026-02-01', 5)).when(link('other'), {}).then(linked.event);
    given(recovered('2026-02-01', 5), linked).when(link('other'), {}).thenNothing();
    given(recovered('2026-02-01', 5)).when(link('case'), {}).thenRejected('duplicate-of-itself');
    given().when(link('other'), {}).thenRejected('unknown-funds-case');
  });
});

describe('what the facts of a case need', () => {
  it('is the recovery or return that they are about, or the case', () => {
    const linked = fact<FundsCaseEvent>('2026-02-01', { type: 'FundsDuplicateLinked', data: { otherCaseId: 'other' as FundsCaseId, statedBy: 'SOURCE', note: '同一笔' } });
    const all = streamOf(recovered('2026-02-01', null), specified('2026-03-01', 1, 7), reversed('2026-03-02', 1), linked);
    const without = (...left: readonly number[]): readonly EventId[] => unmetFundsCaseNeeds(all.filter(({ streamVersion }) => !left.includes(streamVersion)));
    expect(without()).toEqual([]);
    expect(without(1)).toEqual([2, 3, 4].map(eventIdOf));
    expect(without(2)).toEqual([]);
  });
});
