import { onDay, type FuzzyDate, type OrgId } from '@rectrail/kernel';
import type { UnitOfWork } from '@rectrail/event-store';
import { administrativeTreeId, decideOrganisationTree, orgLevels, streams, treeAt, wire, type OrganisationTreeCommand, type OrganisationTreeEvent } from '@rectrail/tracking-domain';
import { z } from 'zod';
import { accepted, frameOf, live, stageEvents, type Frame } from '../aggregate.ts';
import { orgRef } from '../body-schema.ts';
import { defineCommand, type CommandContext, type CommandDefinition, type CommandResult } from '../command-definition.ts';
import { checkVersion } from '../if-match.ts';
import { organisationOf, requireJurisdiction, requireOwner, treeToday } from '../organisations.ts';
import { countingOn, factsOf } from '../situation.ts';

const stream = streams.organisationTree(administrativeTreeId);

const code = wire.slugOf<string>().describe('Code of the organisation: CN-330200-JT');

/** Decides on the tree of the command's day and today's, and stages. */
const changeTree = async (
  context: CommandContext, unit: UnitOfWork, { command, on, orgId }: { readonly command: OrganisationTreeCommand; readonly on: FuzzyDate; readonly orgId: OrgId },
): Promise<CommandResult> => {
  const facts = await factsOf<OrganisationTreeEvent>(unit, stream);
  const [then, now] = [on.last, context.today].map((d) => treeAt(countingOn(unit, facts, d)));
  if (then === undefined || now === undefined) throw new Error('two days give two trees');
  const events = accepted(decideOrganisationTree(command, { then, now, today: context.today, correction: context.correction !== null }));
  stageEvents(context, unit, { stream, scope: { orgId }, on }, events);
  return { id: orgId, created: command.type === 'RegisterOrg', stream, location: `/organisations/${orgId}` };
};

/** A parent is put over an organisation: the actor must be able to act on both; a root is the administrator's. */
const parentOf = async (context: CommandContext, unit: UnitOfWork, parent: string | null): Promise<OrgId | null> => {
  const tree = await treeToday(context, unit);
  const parentId = parent === null ? null : organisationOf(tree, parent, '/parent').orgId;
  requireJurisdiction(context, tree, parentId);
  return parentId;
};

const registerOrganisation = defineCommand({
  name: 'RegisterOrganisation',
  path: '/organisations',
  summary: 'Register an organisation under its parent; a root is registered by an administrator',
  body: z.strictObject({ code, name: wire.title, level: z.enum(orgLevels), parent: orgRef.nullable().describe('Null for a root') }),
  ifMatch: 'none',
  stream: null,
  execute: async (context, unit, _target, body) => {
    // An id made here is new; the brand says what it is an id of.
    const orgId = context.newId('organisation') as OrgId;
    const parentId = await parentOf(context, unit, body.parent);
    return changeTree(context, unit, { command: { type: 'RegisterOrg', data: { orgId, code: body.code, name: body.name, level: body.level, parentId } }, on: onDay(context.today), orgId });
  },
});

interface ChangeRow<B> {
  readonly name: string;
  readonly verb: string;
  readonly summary: string;
  readonly body: z.ZodType<B>;
  command(body: B, at: Frame & { readonly orgId: OrgId; readonly context: CommandContext; readonly unit: UnitOfWork }): Promise<OrganisationTreeCommand>;
}

/** `POST /organisations/:id/{verb}`; the id may be the code. If-Match speaks of the tree, in which an organisation is one node. */
const changing = <B extends { readonly on?: FuzzyDate | undefined }>(row: ChangeRow<B>): CommandDefinition => defineCommand({
  name: row.name,
  path: `/organisations/:id/${row.verb}`,
  summary: row.summary,
  body: row.body,
  ifMatch: 'optional',
  stream: () => stream,
  execute: async (context, unit, target, body) => {
    const tree = await treeToday(context, unit);
    const { orgId } = organisationOf(tree, target.id ?? '', null);
    requireJurisdiction(context, tree, orgId);
    await checkVersion(unit, stream, target.ifMatch);
    const frame = frameOf(context, body.on);
    return changeTree(context, unit, { command: await row.command(body, { ...frame, orgId, context, unit }), on: frame.on, orgId });
  },
});

export const organisationCommands: readonly CommandDefinition[] = [
  registerOrganisation,
  changing({
    name: 'MoveOrganisation', verb: 'move', summary: 'Hang an organisation below another one from a day on',
    body: live({ parent: orgRef.nullable().describe('Null makes it a root') }),
    command: async ({ parent }, { orgId, context, unit, on, by }) => ({ type: 'MoveOrg', on, by, data: { orgId, parentId: await parentOf(context, unit, parent) } }),
  }),
  changing({
    name: 'RenameOrganisation', verb: 'rename', summary: 'Give an organisation another name or code from a day on; its id stays',
    body: live({ name: wire.title, code }),
    command: ({ name, code: newCode }, { orgId, on, by }) => Promise.resolve({ type: 'RenameOrg', on, by, data: { orgId, name, code: newCode } }),
  }),
  changing({
    name: 'MergeOrganisation', verb: 'merge', summary: 'Merge an organisation into its successor; both keep what they own',
    body: live({ successor: orgRef }),
    command: async ({ successor }, { orgId, context, unit, on, by }) => {
      const successorId = await requireOwner(context, unit, successor, '/successor');
      return { type: 'MergeOrg', on, by, data: { orgId, successorId } };
    },
  }),
  changing({
    name: 'DissolveOrganisation', verb: 'dissolve', summary: 'Dissolve an organisation; it keeps its place and what it owns',
    body: live({}),
    command: (_body, { orgId, on, by }) => Promise.resolve({ type: 'DissolveOrg', on, by, data: { orgId } }),
  }),
];
