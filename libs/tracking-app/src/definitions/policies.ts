import type { OrgId, StreamId } from '@rectrail/kernel';
import type { UnitOfWork } from '@rectrail/event-store';
import {
  buckets, calendarAt, completionBases, decideCalendar, decidePolicy, disclosures, issueStates, lightColours, policyAt, streams, tracks, wire,
  type PolicyContent, type PolicyEvent, type WorkingCalendarEvent,
} from '@rectrail/tracking-domain';
import { z } from 'zod';
import { accepted, frameOf, live, stageEvents, type Frame } from '../aggregate.ts';
import { defineCommand, type CommandContext, type CommandDefinition, type CommandResult } from '../command-definition.ts';
import { checkVersion } from '../if-match.ts';
import { requireJurisdiction, requireOwner, treeToday } from '../organisations.ts';
import { countingOn, factsOf } from '../situation.ts';

const someOf = <T extends readonly [string, ...string[]]>(values: T) => z.array(z.enum(values)).min(1).readonly().exactOptional();

const policyBody = live({
  name: wire.title,
  buckets: z.array(z.strictObject({
    when: z.strictObject({
      state: someOf(issueStates), track: someOf(tracks), disclosure: someOf(disclosures), basis: someOf(completionBases), openDatedResidual: z.boolean().exactOptional(),
    }),
    bucket: z.enum(buckets),
  })).min(1).max(wire.listItemsMax).describe('The first rule that holds decides; the last holds always (`when` empty)'),
  dueSoon: z.strictObject({ days: wire.count.max(3_650), unit: z.enum(['calendar', 'working']) }),
  lights: z.array(z.strictObject({ colour: z.enum(lightColours), atDaysLeft: z.int().min(-3_650).max(3_650), recipients: wire.listOf(wire.slugOf<string>()) })).max(20),
  approvers: wire.listOf(wire.slugOf<string>()).describe('Roles whose consent a plan needs before it is issued'),
});

interface Adoption { readonly orgId: OrgId | null; readonly frame: Frame; readonly content: PolicyContent; readonly ifMatch: number | null }

const adopt = async (context: CommandContext, unit: UnitOfWork, { orgId, frame, content, ifMatch }: Adoption): Promise<CommandResult> => {
  const stream = orgId === null ? streams.defaultPolicy : streams.policy(orgId);
  await checkVersion(unit, stream, ifMatch);
  const facts = await factsOf<PolicyEvent>(unit, stream);
  const [then, now] = [policyAt(countingOn(unit, facts, frame.on.last)), policyAt(countingOn(unit, facts, context.today))];
  const decision = decidePolicy({ type: 'AdoptPolicy', ...frame, data: { ...content, orgId } }, { then, now, today: context.today });
  stageEvents(context, unit, { stream, scope: { orgId }, on: frame.on }, accepted(decision));
  return { id: orgId ?? 'default', created: false, stream, location: null };
};

const policyStreamOf = (id: string): StreamId => streams.policy(id as OrgId);

export const policyCommands: readonly CommandDefinition[] = [
  defineCommand({
    name: 'AdoptDefaultPolicy', path: '/policies/default', summary: 'Adopt the default policy from a day on (administrator)', body: policyBody, ifMatch: 'optional', stream: null,
    execute: async (context, unit, { ifMatch }, { on, ...content }) => {
      requireJurisdiction(context, await treeToday(context, unit), null);
      return adopt(context, unit, { orgId: null, frame: frameOf(context, on), content, ifMatch });
    },
  }),
  defineCommand({
    name: 'AdoptPolicy', path: '/organisations/:id/policy', summary: "Adopt an organisation's own policy from a day on: buckets, thresholds, lights, approvers", body: policyBody,
    ifMatch: 'optional', stream: policyStreamOf,
    execute: async (context, unit, target, { on, ...content }) =>
      adopt(context, unit, { orgId: await requireOwner(context, unit, target.id ?? '', null), frame: frameOf(context, on), content, ifMatch: target.ifMatch }),
  }),
  defineCommand({
    name: 'SetCalendarYear', path: '/calendar-years', summary: 'Set the working days of a year in full (administrator)',
    body: z.strictObject({ year: z.int().min(1).max(9_999), workingDays: z.array(wire.day).min(1).max(366) }),
    ifMatch: 'none', stream: null,
    execute: async (context, unit, _target, data) => {
      requireJurisdiction(context, await treeToday(context, unit), null);
      const stream = streams.workingCalendar;
      const calendar = calendarAt(countingOn(unit, await factsOf<WorkingCalendarEvent>(unit, stream), context.today));
      stageEvents(context, unit, { stream, scope: { orgId: null }, on: frameOf(context, undefined).on }, accepted(decideCalendar({ type: 'SetCalendarYear', data }, calendar)));
      return { id: String(data.year), created: false, stream, location: null };
    },
  }),
];
