import type { Day, Fact, IssueId, OrgId, ReminderId } from '@rectrail/kernel';
import { effectiveDay, reminderEventDefinitions, wire, type DataByType, type FactsRetracted, type ReminderEvent } from '@rectrail/tracking-domain';
import { z } from 'zod';
import { contractOf, listOf } from './contract.ts';

export const reminderState = z.object({
  reminderId: wire.slugOf<ReminderId>(),
  orgId: wire.uuidOf<OrgId>(),
  issueId: wire.uuidOf<IssueId>(),
  year: z.int(),
  number: wire.count.describe('within the organisation and the year, from 1'),
  colour: z.enum(['green', 'yellow', 'red']),
  issuedOn: wire.day.describe('the day that was evaluated'),
  deadline: wire.day.describe('the last day of the open date that the notice is about'),
  daysLeft: z.int().describe('calendar days to the deadline; negative after it'),
  recipients: listOf(wire.title).describe('roles, ranked, as the policy names them'),
  receipts: listOf(z.object({ recipient: wire.title, on: wire.day })).describe('one a recipient'),
});

interface FoldedReminder {
  readonly issued: (DataByType<ReminderEvent>['ReminderIssued'] & { readonly on: Day }) | null;
  readonly receipts: readonly { readonly recipient: string; readonly on: Day }[];
}

/** One notice of a register, in any order of its facts. */
const fold = (s: FoldedReminder, fact: Fact<ReminderEvent | FactsRetracted>): FoldedReminder => {
  const { event } = fact;
  if (event.type === 'FactsRetracted') return s;
  const on = effectiveDay(fact);
  if (event.type === 'ReminderIssued') return { ...s, issued: { ...event.data, on } };
  const { recipient } = event.data;
  return s.receipts.some((receipt) => receipt.recipient === recipient) ? s : { ...s, receipts: [...s.receipts, { recipient, on }] };
};

const tell = ({ issued, receipts }: FoldedReminder): z.output<typeof reminderState> | null => {
  if (issued === null) return null;
  const { reminderId, orgId, issueId, year, number, colour, on, deadline, daysLeft, recipients } = issued;
  return { reminderId, orgId, issueId, year, number, colour, issuedOn: on, deadline, daysLeft, recipients, receipts };
};

export const reminderContract = contractOf<ReminderEvent, FoldedReminder, typeof reminderState>({
  noun: 'reminders', singular: 'reminder', events: reminderEventDefinitions, state: reminderState, initial: { issued: null, receipts: [] }, fold, tell,
});
