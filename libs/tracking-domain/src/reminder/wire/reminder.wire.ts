import type { EventId, IssueId, OrgId, ReminderId } from '@rectrail/kernel';
import { z } from 'zod';
import { lightColours } from '../../policy/policy.events.ts';
import { count, day, definitionsOf, nonEmptyListOf, title, uuidOf, type EventSchemas } from '../../wire/primitives.ts';
import { orgOfReminder, reminderIdOf } from '../reminder.state.ts';
import type { ReminderEvent } from '../reminder.events.ts';

/** Days of ten thousand years: what two days of the calendar may lie apart. */
const daysMax = 3_660_000;

// The brand says what the refinement proves.
const reminderId = z.string().max(60).refine((id) => orgOfReminder(id) !== null, { error: 'no id of a notice' }) as unknown as z.ZodType<ReminderId, string>;

/** The newest version of each event of a register of notices. */
export const reminderEventSchemas = {
  ReminderIssued: z.strictObject({
    reminderId,
    orgId: uuidOf<OrgId>(),
    year: z.int().min(1_000).max(9_999),
    number: z.int().min(1).max(999_999_999),
    issueId: uuidOf<IssueId>(),
    colour: z.enum(lightColours),
    deadline: day,
    daysLeft: z.int().min(-daysMax).max(daysMax),
    reopenings: count,
    recipients: nonEmptyListOf(title),
    policyEventId: uuidOf<EventId>(),
  }).refine(({ reminderId: id, orgId, year, number }) => id === reminderIdOf(orgId, year, number), { error: 'is not the place in its register', path: ['reminderId'] }),
  ReminderReceiptConfirmed: z.strictObject({ reminderId, recipient: title }),
} satisfies EventSchemas<ReminderEvent>;

export const reminderEventDefinitions = definitionsOf(reminderEventSchemas);
