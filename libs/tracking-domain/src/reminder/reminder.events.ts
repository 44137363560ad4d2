import type { Day, DomainEvent, EventId, IssueId, OrgId, ReminderId } from '@rectrail/kernel';
import type { LightColour } from '../policy/policy.events.ts';

export type ReminderIssued = DomainEvent<'ReminderIssued', {
  readonly reminderId: ReminderId;
  /** Owner of the issue. */
  readonly orgId: OrgId;
  readonly year: number;
  /** From 1, without gaps; that of a retracted notice is never given again. */
  readonly number: number;
  readonly issueId: IssueId;
  readonly colour: LightColour;
  /** The last day of the open date that the notice is about. */
  readonly deadline: Day;
  /** Calendar days from the day of the notice to the deadline; negative after it. */
  readonly daysLeft: number;
  /** How often the issue had been reopened: each time its lights begin anew, also towards the same day. */
  readonly reopenings: number;
  /** Those of the light, ranked; the organisation itself where the policy names none. */
  readonly recipients: readonly string[];
  /** The `PolicyAdopted` by which the light was due. */
  readonly policyEventId: EventId;
}>;

export type ReminderReceiptConfirmed = DomainEvent<'ReminderReceiptConfirmed', { readonly reminderId: ReminderId; readonly recipient: string }>;

/**
 * Stream `reminders-{orgId}`: the register of the notices (督办提醒) that an organisation was sent, numbered within each year. A notice takes effect on the day whose
 * evaluation issued it. Its text is made from it and from the issue (reminder.text.ts).
 */
export type ReminderEvent = ReminderIssued | ReminderReceiptConfirmed;
