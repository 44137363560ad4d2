import type { Day, EventId, IssueId, OrgId, ReminderId, StreamVersion } from '@rectrail/kernel';
import type { LightColour } from '@rectrail/tracking-domain';
import type { Answered } from './answers.ts';
import type { PageRequest, RollUpRequest } from './requests.ts';

export interface RemindersRequest extends RollUpRequest, PageRequest {
  readonly colour?: LightColour | undefined;
  readonly issue?: IssueId | undefined;
  /** Whether every recipient has confirmed. */
  readonly received?: boolean | undefined;
}

export interface RemindersDueRequest extends RollUpRequest, PageRequest {}

/** A notice that counts at the cut; its organisation and issue by their names there. */
export interface ReminderItem {
  readonly reminderId: ReminderId;
  readonly orgId: OrgId;
  readonly orgCode: string | null;
  readonly orgName: string | null;
  readonly issueId: IssueId;
  /** Empty where the issue is not known at the cut; so `title` is null. */
  readonly numberPath: readonly string[];
  readonly title: string | null;
  readonly colour: LightColour;
  /** What such a notice is called: 整改提醒函, 整改预警函, 整改督办函. */
  readonly letter: string;
  readonly year: number;
  readonly number: number;
  /** 〔2026〕12号 */
  readonly citation: string;
  readonly deadline: Day;
  /** On the day of the notice. */
  readonly daysLeft: number;
  /** How often the issue had been reopened by then. */
  readonly reopenings: number;
  readonly evaluatedOn: Day;
  readonly recipients: readonly string[];
  readonly receipts: readonly { readonly recipient: string; readonly on: Day }[];
  /** Every recipient has confirmed. */
  readonly received: boolean;
  readonly eventId: EventId;
  readonly policyEventId: EventId;
}

export interface RemindersAnswer extends Answered {
  readonly items: readonly ReminderItem[];
  readonly nextCursor: string | null;
}

export interface ReminderDetail extends Answered {
  /** Of the organisation's register. */
  readonly streamVersion: StreamVersion;
  readonly reminder: ReminderItem;
  /** The letter for officials. */
  readonly text: string;
}

/** A notice that is due and not yet issued; its number is given when it is. */
export interface DueReminder {
  readonly orgId: OrgId;
  readonly orgCode: string | null;
  readonly orgName: string | null;
  readonly issueId: IssueId;
  readonly numberPath: readonly string[];
  readonly title: string;
  readonly colour: LightColour;
  readonly deadline: Day;
  readonly daysLeft: number;
  readonly recipients: readonly string[];
}

export interface RemindersDueAnswer extends Answered {
  readonly items: readonly DueReminder[];
  readonly nextCursor: string | null;
}
