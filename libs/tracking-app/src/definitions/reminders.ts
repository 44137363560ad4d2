import type { ReminderId } from '@rectrail/kernel';
import { wire } from '@rectrail/tracking-domain';
import { actingOn, live } from '../aggregate.ts';
import { reminders } from '../aggregates.ts';
import type { CommandDefinition } from '../command-definition.ts';

const act = actingOn(reminders);

/** Notices are issued by the evaluation of a day alone; people confirm that they have them. */
export const reminderCommands: readonly CommandDefinition[] = [
  act({
    name: 'ConfirmReceipt', verb: 'confirm-receipt', summary: 'Confirm the receipt of a notice, in the role that the token gives or on behalf of a recipient',
    body: live({ recipient: wire.title.optional().describe('One of the recipients of the notice; default the role of the token') }),
    // A path only ever looks its id up.
    command: ({ recipient }, { id, frame }) => ({ type: 'ConfirmReceipt', ...frame, data: { reminderId: id as ReminderId, recipient: recipient ?? frame.by.role } }),
  }),
];
