import { accept, assertNever, nothing, reject, type Decision, type EventId, type Fact, type OrgId } from '@rectrail/kernel';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import { unmet } from '../stream-needs.ts';
import { refuseFuture, type LiveSituation } from '../time/live-command.ts';
import type { FundsCaseCommand, FundsCaseRejection } from './funds-case.commands.ts';
import type { FundsCaseEvent } from './funds-case.events.ts';
import type { FundsCaseState, FundsEntry } from './funds-case.state.ts';

type FundsCaseDecision = Decision<FundsCaseEvent, FundsCaseRejection>;
type Situation = LiveSituation<FundsCaseState>;
type Command<T extends FundsCaseCommand['type']> = Extract<FundsCaseCommand, { type: T }>;

const ofAnother = (orgId: OrgId, { now }: Situation): FundsCaseRejection | null => (now.identity === null || now.identity.orgId === orgId ? null : {
  code: 'funds-case-of-another-organisation', detail: `the funds case belongs to organisation ${now.identity.orgId}`, orgId: now.identity.orgId,
});

const entryOf = (state: FundsCaseState, eventId: EventId): FundsEntry | undefined =>
  [...state.recovered, ...state.returned].find((entry) => entry.eventId === eventId);

/** The recovery or return named by `of` has happened by the command's day and stands. */
const standing = (of: EventId, { then, now }: Situation): FundsCaseRejection | null => {
  if (entryOf(then, of) === undefined) return { code: 'unknown-recovery', detail: `no recovery or return ${of} by that day`, eventId: of };
  return now.reversed.has(of) ? { code: 'recovery-already-reversed', detail: `${of} was reversed`, eventId: of } : null;
};

const specifyAmount = ({ data }: Command<'SpecifyRecoveryAmount'>, situation: Situation): FundsCaseDecision => {
  if (data.money.fen === null) return reject({ code: 'amount-missing', detail: 'the amount specified is itself unknown' });
  const specified = situation.now.specified.get(data.of);
  if (specified?.fen === data.money.fen) return nothing();
  const refusal = standing(data.of, situation);
  if (refusal !== null) return reject(refusal);
  const known = specified ?? entryOf(situation.now, data.of)?.money;
  return known === undefined || known.fen === null
    ? accept({ type: 'RecoveryAmountSpecified', data })
    : reject({ code: 'amount-already-known', detail: `the amount of ${data.of} is ${known.fen} fen`, eventId: data.of });
};

const reverse = ({ data }: Command<'ReverseRecovery'>, situation: Situation): FundsCaseDecision => {
  const refusal = standing(data.of, situation);
  return refusal === null ? accept({ type: 'RecoveryReversed', data }) : reject(refusal);
};

const linkDuplicate = ({ data }: Command<'LinkFundsDuplicate'>, { then, now }: Situation): FundsCaseDecision => {
  if (now.identity?.fundsCaseId === data.otherCaseId) return reject({ code: 'duplicate-of-itself', detail: `${data.otherCaseId} is the case itself` });
  const linked = then.duplicates.some(({ otherCaseId, statedBy }) => otherCaseId === data.otherCaseId && statedBy === data.statedBy);
  return linked ? nothing() : accept({ type: 'FundsDuplicateLinked', data });
};

const decideOnCase = (command: FundsCaseCommand, situation: Situation): FundsCaseDecision => {
  switch (command.type) {
    // Two equal payments on one day are two: only a repeated command id makes them one.
    case 'IdentifyFunds': return accept({ type: 'IrregularFundsIdentified', data: command.data });
    case 'RecoverFunds': return accept({ type: 'FundsRecovered', data: command.data });
    case 'ReturnFunds': return accept({ type: 'FundsReturned', data: command.data });
    case 'SpecifyRecoveryAmount': return specifyAmount(command, situation);
    case 'ReverseRecovery': return reverse(command, situation);
    case 'LinkFundsDuplicate': return linkDuplicate(command, situation);
    default: return assertNever(command);
  }
};

/** `situation.then` is the state on the last day of the command's `on`, `situation.now` today's. */
export const decideFundsCase = (command: FundsCaseCommand, situation: Situation): FundsCaseDecision => {
  const needsCase = !('orgId' in command.data);
  const unknown: FundsCaseRejection | null = needsCase && situation.now.identity === null ? { code: 'unknown-funds-case', detail: 'the funds case does not exist' } : null;
  const foreign = 'orgId' in command.data ? ofAnother(command.data.orgId, situation) : null;
  const refusal = refuseFuture(command.on, situation.today) ?? unknown ?? foreign;
  return refusal === null ? decideOnCase(command, situation) : reject(refusal);
};

/** An amount specified or a reversal needs its recovery or return; a duplicate link needs the case to exist. */
export const unmetFundsCaseNeeds = (countingFacts: readonly Fact<FundsCaseEvent | FactsRetracted>[]): readonly EventId[] => {
  const paid = new Set(countingFacts.flatMap(({ event, eventId }) => (event.type === 'FundsRecovered' || event.type === 'FundsReturned' ? [eventId] : [])));
  const exists = paid.size > 0 || countingFacts.some(({ event }) => event.type === 'IrregularFundsIdentified');
  return unmet<FundsCaseEvent | FactsRetracted>(countingFacts, (event) => {
    if (event.type === 'RecoveryAmountSpecified' || event.type === 'RecoveryReversed') return paid.has(event.data.of);
    return event.type !== 'FundsDuplicateLinked' || exists;
  });
};
