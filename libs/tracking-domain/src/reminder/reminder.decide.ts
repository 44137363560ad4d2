import { accept, daysBetween, nothing, reject, type Decision, type EventId, type Fact } from '@rectrail/kernel';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import { unmet } from '../stream-needs.ts';
import { refuseBeforeBasis, refuseFuture, type LiveSituation } from '../time/live-command.ts';
import type { ConfirmReceipt, IssueReminders, ReminderRejection } from './reminder.commands.ts';
import type { ReminderEvent, ReminderIssued } from './reminder.events.ts';
import { ladderKey, lightDue, recipientsOf, severityOf } from './reminder.lights.ts';
import { reminderIdOf, type Reminders } from './reminder.state.ts';

type RegisterFacts = readonly Fact<ReminderEvent | FactsRetracted>[];

/** What every notice has taken for good, whether it counts or not: a retracted one is neither issued again by the next evaluation nor is its number. */
const takenBy = (facts: RegisterFacts, year: number): { readonly severities: Map<string, number>; readonly lastNumber: number } => {
  const severities = new Map<string, number>();
  let lastNumber = 0;
  for (const { event } of facts) {
    if (event.type !== 'ReminderIssued') continue;
    const key = ladderKey(event.data.issueId, event.data);
    severities.set(key, Math.max(severities.get(key) ?? -1, severityOf(event.data.colour)));
    if (event.data.year === year) lastNumber = Math.max(lastNumber, event.data.number);
  }
  return { severities, lastNumber };
};

/**
 * The notices due on the command's day: of each issue the severest due light, unless this one or a severer was issued on its ladder before. `facts` is the whole register, so
 * that deciding again, on whatever day, issues nothing twice.
 */
export const decideReminders = ({ on, data: { orgId, policyEventId, lights, issues } }: IssueReminders, facts: RegisterFacts): readonly ReminderIssued[] => {
  const evaluatedOn = on.last;
  const year = Number(evaluatedOn.slice(0, 4));
  const { severities, lastNumber } = takenBy(facts, year);
  const issued: ReminderIssued[] = [];
  for (const { issueId, ...ladder } of issues) {
    const daysLeft = daysBetween(evaluatedOn, ladder.deadline);
    const light = lightDue(lights, daysLeft);
    const key = ladderKey(issueId, ladder);
    if (light === null || severityOf(light.colour) <= (severities.get(key) ?? -1)) continue;
    severities.set(key, severityOf(light.colour));
    const number = lastNumber + issued.length + 1;
    issued.push({
      type: 'ReminderIssued',
      data: {
        reminderId: reminderIdOf(orgId, year, number), orgId, year, number, issueId, colour: light.colour, ...ladder, daysLeft, recipients: recipientsOf(light), policyEventId,
      },
    });
  }
  return issued;
};

/** A recipient confirms once; again changes nothing. */
export const decideReceipt = (
  { on, data: { reminderId, recipient } }: ConfirmReceipt, { now, today, correction }: LiveSituation<Reminders>,
): Decision<ReminderEvent, ReminderRejection> => {
  const future = refuseFuture(on, today);
  if (future !== null) return reject(future);
  const reminder = now.get(reminderId);
  if (reminder === undefined) return reject({ code: 'unknown-reminder', detail: `no notice ${reminderId} was issued` });
  const early = refuseBeforeBasis(on, { type: 'ReminderIssued', last: reminder.evaluatedOn }, correction);
  if (early !== null) return reject(early);
  const { recipients, receipts } = reminder;
  if (!recipients.includes(recipient)) return reject({ code: 'not-a-recipient', detail: `the notice goes to ${recipients.join(', ')}, not to ${recipient}`, recipients });
  return receipts.some((receipt) => receipt.recipient === recipient) ? nothing() : accept({ type: 'ReminderReceiptConfirmed', data: { reminderId, recipient } });
};

/** A receipt needs the notice that it confirms. */
export const unmetReminderNeeds = (countingFacts: RegisterFacts): readonly EventId[] => {
  const issued = new Set(countingFacts.flatMap(({ event }) => (event.type === 'ReminderIssued' ? [event.data.reminderId] : [])));
  return unmet(countingFacts, (event) => event.type === 'ReminderIssued' || issued.has(event.data.reminderId));
};
