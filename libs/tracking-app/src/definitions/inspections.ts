import type { InspectionId } from '@rectrail/kernel';
import { inspectionKinds, inspectionTypes, wire } from '@rectrail/tracking-domain';
import { z } from 'zod';
import { actingOn, frameOf, live, make, requireNamed } from '../aggregate.ts';
import { inspections } from '../aggregates.ts';
import { orgRef, orNull } from '../body-schema.ts';
import { defineCommand, type CommandDefinition } from '../command-definition.ts';
import { requireOwner } from '../organisations.ts';

const inspectionId = wire.uuidOf<InspectionId>();

const openInspection = defineCommand({
  name: 'OpenInspection',
  path: '/inspections',
  summary: 'Open an inspection (巡视, 巡察, audit) of an organisation',
  body: live({
    org: orgRef.describe('The inspected organisation, by id or code'),
    kind: z.enum(inspectionKinds),
    types: wire.listOf(z.enum(inspectionTypes)).default([]),
    title: wire.title,
    committee: orNull(wire.title),
    topic: orNull(wire.title),
    term: orNull(wire.title),
    round: orNull(wire.count),
  }),
  ifMatch: 'none',
  stream: null,
  execute: async (context, unit, _target, { on, org, ...data }) => {
    const orgId = await requireOwner(context, unit, org);
    const id = context.newId('inspection') as InspectionId;
    const frame = frameOf(context, on);
    return make(inspections, context, unit, { id, scope: { orgId, inspectionId: id }, frame, command: { type: 'OpenInspection', ...frame, data: { ...data, inspectionId: id, orgId } } });
  },
});

const act = actingOn(inspections);

export const inspectionCommands: readonly CommandDefinition[] = [
  openInspection,
  act({
    name: 'AssignTeam', verb: 'assign-team', summary: 'Name the inspection team',
    body: live({ team: wire.title }), command: ({ team }, { frame }) => ({ type: 'AssignTeam', ...frame, data: { team } }),
  }),
  act({ name: 'StartFieldwork', verb: 'start-fieldwork', summary: 'The team goes in', body: live({}), command: (_body, { frame }) => ({ type: 'StartFieldwork', ...frame, data: {} }) }),
  act({ name: 'EndFieldwork', verb: 'end-fieldwork', summary: 'The team leaves', body: live({}), command: (_body, { frame }) => ({ type: 'EndFieldwork', ...frame, data: {} }) }),
  act({
    name: 'DeliverFeedback', verb: 'deliver-feedback', summary: 'Deliver the findings (反馈): the clock of every issue starts',
    body: live({ recommendations: orNull(wire.count) }), command: ({ recommendations }, { frame }) => ({ type: 'DeliverFeedback', ...frame, data: { recommendations } }),
  }),
  act({
    name: 'AttachSpecialCheck', verb: 'attach-special-check', summary: 'Attach a special check that ran in parallel (专项检查)',
    body: live({ topic: wire.title }), command: ({ topic }, { frame }) => ({ type: 'AttachSpecialCheck', ...frame, data: { topic } }),
  }),
  act({
    name: 'LinkPreviousRound', verb: 'link-previous-round', summary: 'Link the inspection of the previous round',
    body: live({ inspectionId }),
    command: async ({ inspectionId: previous }, { frame, context, unit }) => {
      await requireNamed(inspections, context, unit, { id: previous, pointer: '/inspectionId' });
      return { type: 'LinkPreviousRound', ...frame, data: { inspectionId: previous } };
    },
  }),
];
