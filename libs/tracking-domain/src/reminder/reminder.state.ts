import type { Day, EventId, Fact, OrgId, ReminderId } from '@rectrail/kernel';
import type { DataByType } from '../event-handlers.ts';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import { effectiveDay } from '../time/counting.ts';
import type { ReminderEvent } from './reminder.events.ts';

export interface ReminderReceipt { readonly recipient: string; readonly on: Day }

export interface Reminder extends Readonly<DataByType<ReminderEvent>['ReminderIssued']> {
  readonly eventId: EventId;
  /** The day that was evaluated. */
  readonly evaluatedOn: Day;
  /** One a recipient, in the order of confirmation. */
  readonly receipts: readonly ReminderReceipt[];
}

/** The notices that count, in the order of their days. */
export type Reminders = ReadonlyMap<ReminderId, Reminder>;

/** A register has no natural end: its facts are folded in one pass, a receipt after the notice that it is of. */
export const foldReminders = (countingFacts: readonly Fact<ReminderEvent | FactsRetracted>[]): Reminders => {
  const reminders = new Map<ReminderId, Reminder>();
  for (const fact of countingFacts) {
    if (fact.event.type === 'ReminderIssued') reminders.set(fact.event.data.reminderId, { ...fact.event.data, eventId: fact.eventId, evaluatedOn: effectiveDay(fact), receipts: [] });
  }
  for (const fact of countingFacts) {
    if (fact.event.type !== 'ReminderReceiptConfirmed') continue;
    const { reminderId, recipient } = fact.event.data;
    const reminder = reminders.get(reminderId);
    if (reminder === undefined || reminder.receipts.some((receipt) => receipt.recipient === recipient)) continue;
    reminders.set(reminderId, { ...reminder, receipts: [...reminder.receipts, { recipient, on: effectiveDay(fact) }] });
  }
  return reminders;
};

/** Every recipient has confirmed. */
export const isReceived = ({ recipients, receipts }: Pick<Reminder, 'recipients' | 'receipts'>): boolean =>
  recipients.every((recipient) => receipts.some((receipt) => receipt.recipient === recipient));

export const reminderIdOf = (orgId: OrgId, year: number, number: number): ReminderId => `${orgId}-${year}-${number}` as ReminderId;

/** Whose register holds it; null for what is no id of a notice. */
export const orgOfReminder = (reminderId: string): OrgId | null => {
  const [, orgId] = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-\d{4}-[1-9]\d{0,8}$/.exec(reminderId) ?? [];
  return orgId === undefined ? null : (orgId as OrgId);
};
