import type { EventId, IssueId, OrgId, Rejection, ReminderId } from '@rectrail/kernel';
import type { Light } from '../policy/policy.events.ts';
import type { DomainCommand, LiveRejection, RejectionText } from '../time/live-command.ts';
import type { Ladder } from './reminder.lights.ts';

/** `lights` are those of the policy in force on the command's day; `issues` belong to the organisation, and each has its ladder of that day. */
export type IssueReminders = DomainCommand<'IssueReminders', {
  readonly orgId: OrgId;
  readonly policyEventId: EventId;
  readonly lights: readonly Light[];
  readonly issues: readonly (Ladder & { readonly issueId: IssueId })[];
}>;

export type ConfirmReceipt = DomainCommand<'ConfirmReceipt', { readonly reminderId: ReminderId; readonly recipient: string }>;

export const reminderRejections = {
  'unknown-reminder': { en: 'There is no such notice.', zh: '没有这份督办提醒。' },
  'not-a-recipient': { en: 'The notice is not addressed to this recipient.', zh: '该签收人不在本提醒函的发送对象之列。' },
} as const satisfies Record<string, RejectionText>;

export type ReminderRejection = LiveRejection | (Rejection & { readonly code: keyof typeof reminderRejections });
