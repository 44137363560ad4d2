import type { UnitOfWork } from '@rectrail/event-store';
import type { IssueId, MeasureId, Scope } from '@rectrail/kernel';
import { frequencies, residualsOfMeasure, wire, type IssueCommand, type IssueState, type LiveSituation, type MeasureState } from '@rectrail/tracking-domain';
import { z } from 'zod';
import { accepted, actingOn, frameOf, live, make, requireAggregate, situationOf, stageEvents, type Acting, type Frame } from '../aggregate.ts';
import { issues, measures } from '../aggregates.ts';
import { dateValue, orNull } from '../body-schema.ts';
import { defineCommand, type CommandContext, type CommandDefinition } from '../command-definition.ts';
import { requireJurisdiction, treeToday } from '../organisations.ts';

interface Work { readonly context: CommandContext; readonly unit: UnitOfWork; readonly frame: Frame }

/** Puts into an issue's stream what goes with a command on its measure, in the same append. */
const alsoOnIssue = async ({ context, unit, frame }: Work, id: IssueId, commandsOn: (situation: LiveSituation<IssueState>) => readonly IssueCommand[]): Promise<void> => {
  const { scope } = await requireAggregate(issues, context, unit, { id });
  const situation = await situationOf(issues, context, unit, { id, on: frame.on });
  const events = commandsOn(situation).flatMap((command) => accepted(issues.decide(command, situation)));
  stageEvents(context, unit, { stream: issues.stream(id), scope, on: frame.on }, events);
};

const addToIssue = (work: Work, issueId: IssueId, measureId: MeasureId): Promise<void> =>
  alsoOnIssue(work, issueId, () => [{ type: 'AddMeasures', ...work.frame, data: { measureIds: [measureId] } }]);

/** Residuals that name the measure end with it, where they were open on that day and still are. */
const completeResiduals = async ({ context, unit, frame, situation }: Acting<MeasureState>, measureId: MeasureId): Promise<void> => {
  for (const issueId of situation.now.issueIds) {
    await alsoOnIssue({ context, unit, frame }, issueId, ({ then, now }) => {
      const open = residualsOfMeasure(now, measureId);
      return residualsOfMeasure(then, measureId).filter((key) => open.includes(key)).map((key) => ({ type: 'CompleteResidual', ...frame, data: { key } }));
    });
  }
};

/** The issue that a measure serves, within the actor's part of the tree. */
const requireServed = async ({ context, unit }: Omit<Work, 'frame'>, id: IssueId, pointer: string): Promise<Scope> => {
  const { scope } = await requireAggregate(issues, context, unit, { id, pointer });
  requireJurisdiction(context, await treeToday(context, unit), scope.orgId);
  return scope;
};

const issueId = wire.uuidOf<IssueId>();

const planMeasure = defineCommand({
  name: 'PlanMeasure',
  path: '/measures',
  summary: 'Plan a measure for one or several issues; it belongs to the owner of the first',
  body: live({
    issueIds: z.array(issueId).min(1).max(wire.listItemsMax),
    title: wire.title,
    marker: orNull(wire.title).describe('As printed: ①, 一是'),
    planned: orNull(dateValue),
  }),
  ifMatch: 'none',
  stream: null,
  execute: async (context, unit, _target, { on, issueIds: named, title, marker, planned }) => {
    const issueIds = [...new Set(named)];
    const frame = frameOf(context, on);
    const served: Scope[] = [];
    for (const [i, id] of issueIds.entries()) served.push(await requireServed({ context, unit }, id, `/issueIds/${i}`));
    const [scope] = served;
    if (scope?.orgId == null || scope.inspectionId === undefined) throw new Error('an issue has an owner and an inspection');
    const measureId = context.newId('measure') as MeasureId;
    const result = await make(measures, context, unit, {
      id: measureId, scope, frame,
      command: { type: 'PlanMeasure', ...frame, data: { measureId, orgId: scope.orgId, inspectionId: scope.inspectionId, issueIds, marker, title, planned } },
    });
    for (const id of issueIds) await addToIssue({ context, unit, frame }, id, measureId);
    return result;
  },
});

const act = actingOn(measures);

export const measureCommands: readonly CommandDefinition[] = [
  planMeasure,
  act({
    name: 'ReportMeasureProgress', verb: 'progress', summary: 'Report progress on the measure', body: live({ text: wire.freeText }),
    command: ({ text }, { frame }) => ({ type: 'ReportMeasureProgress', ...frame, data: { text } }),
  }),
  act({
    name: 'CompleteMeasure', verb: 'complete', summary: 'The measure is done; residual items that name it are completed with it',
    body: live({ result: orNull(wire.freeText), evidence: wire.listOf(wire.title).default([]) }),
    command: ({ result, evidence }, { frame }) => ({ type: 'CompleteMeasure', ...frame, data: { result, evidence } }),
    also: async (_body, acting) => {
      const measureId = acting.situation.now.identity?.measureId;
      if (measureId !== undefined) await completeResiduals(acting, measureId);
    },
  }),
  act({
    name: 'SuspendMeasure', verb: 'suspend', summary: 'Suspend the measure (暂缓), with the cause', body: live({ cause: wire.freeText }),
    command: ({ cause }, { frame }) => ({ type: 'SuspendMeasure', ...frame, data: { cause } }),
  }),
  act({ name: 'ResumeMeasure', verb: 'resume', summary: 'Take the suspended measure up again', body: live({}), command: (_body, { frame }) => ({ type: 'ResumeMeasure', ...frame, data: {} }) }),
  act({
    name: 'MakeMeasureStanding', verb: 'standing', summary: 'Make the measure a standing one (常态化)', body: live({ frequency: z.enum(frequencies) }),
    command: ({ frequency }, { frame }) => ({ type: 'MakeMeasureStanding', ...frame, data: { frequency } }),
  }),
  act({
    name: 'WithdrawMeasure', verb: 'withdraw', summary: 'Withdraw the measure, with the reason', body: live({ reason: wire.freeText }),
    command: ({ reason }, { frame }) => ({ type: 'WithdrawMeasure', ...frame, data: { reason } }),
  }),
  act({
    name: 'LinkMeasureToIssue', verb: 'link', summary: 'Let the measure serve another issue too', body: live({ issueId }),
    command: async (body, { frame, context, unit }) => {
      await requireServed({ context, unit }, body.issueId, '/issueId');
      return { type: 'LinkMeasureToIssue', ...frame, data: { issueId: body.issueId } };
    },
    also: async (body, { situation, ...work }) => {
      const measureId = situation.now.identity?.measureId;
      if (measureId !== undefined) await addToIssue(work, body.issueId, measureId);
    },
  }),
];
