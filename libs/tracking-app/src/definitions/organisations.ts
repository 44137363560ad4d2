import { onDay, type FuzzyDate, type OrgId, type TreeId } from '@rectrail/kernel';
import { hashedUuid, type UnitOfWork } from '@rectrail/event-store';
import {
  administrativeTreeId, decideOrganisationTree, isCurrentOrg, orgLevels, streams, treeAt, treeKinds, wire,
  type OrganisationTreeCommand, type OrganisationTreeEvent, type OrgNode,
} from '@rectrail/tracking-domain';
import { z } from 'zod';
import { accepted, frameOf, live, stageEvents, type Frame } from '../aggregate.ts';
import { orgRef } from '../body-schema.ts';
import { defineCommand, type CommandContext, type CommandDefinition, type CommandResult } from '../command-definition.ts';
import { CommandRejected } from '../command-rejected.ts';
import { checkVersion } from '../if-match.ts';
import { organisationOf, requireJurisdiction, requireOwner, treesBeside, treeToday } from '../organisations.ts';
import { countingOn, factsOf } from '../situation.ts';

const code = wire.slugOf<string>().describe('Code of the organisation: CN-330200-JT');
const treeRef = wire.slugOf<TreeId>().describe('Id of an organisation tree (GET /trees); default the administrative one');
const inTree = { tree: treeRef.default(administrativeTreeId) };
const parentRef = orgRef.nullable().describe('Null for a root, which is the administrator’s');

/** A command of one tree. */
interface Change { readonly treeId: TreeId; readonly command: OrganisationTreeCommand; readonly on: FuzzyDate; readonly scope: { readonly orgId: OrgId | null } }

/** Decides on the tree of the command's day and today's, and stages. */
const changeTree = async (context: CommandContext, unit: UnitOfWork, { treeId, command, on, scope }: Change): Promise<readonly OrganisationTreeEvent[]> => {
  const stream = streams.organisationTree(treeId);
  const facts = await factsOf<OrganisationTreeEvent>(unit, stream);
  const [then, now] = [on.last, context.today].map((d) => treeAt(countingOn(unit, facts, d)));
  if (then === undefined || now === undefined) throw new Error('two days give two trees');
  const others = command.type === 'RegisterOrg' || command.type === 'RenameOrg' ? await treesBeside(context, unit, treeId) : [];
  const events = accepted(decideOrganisationTree(command, { then, now, today: context.today, correction: context.correction !== null, others }));
  stageEvents(context, unit, { stream, scope, on }, events);
  return events;
};

/** Jurisdiction is always that of the administrative tree, whichever tree is changed. */
const requireActingOn = async (context: CommandContext, unit: UnitOfWork, orgId: OrgId | null): Promise<void> => {
  requireJurisdiction(context, await treeToday(context, unit), orgId);
};

/** @throws CommandRejected `unknown-tree`. */
const requireTree = async (context: CommandContext, unit: UnitOfWork, treeId: TreeId): Promise<void> => {
  if ((await treeToday(context, unit, treeId)).tree !== null) return;
  const detail = `no tree ${treeId} has been opened`;
  throw new CommandRejected('unknown-tree', detail, { errors: [{ pointer: '/tree', code: 'unknown-tree', detail }] });
};

/** A parent is put over an organisation: the actor must be able to act on both. */
const parentOf = async (context: CommandContext, unit: UnitOfWork, parent: string | null): Promise<OrgId | null> => {
  const parentId = parent === null ? null : (await organisationOf(context, unit, parent, '/parent')).orgId;
  await requireActingOn(context, unit, parentId);
  return parentId;
};

const openTree = defineCommand({
  name: 'OpenTree',
  path: '/trees',
  summary: 'Open an organisation tree, one for each jurisdiction and kind; by an administrator',
  body: z.strictObject({ jurisdiction: wire.title, kind: z.enum(treeKinds) }),
  ifMatch: 'none',
  stream: null,
  execute: async (context, unit, _target, { jurisdiction, kind }): Promise<CommandResult> => {
    const { tree: first } = await treeToday(context, unit);
    await requireActingOn(context, unit, null);
    const isFirst = first?.jurisdiction === jurisdiction && first.kind === kind;
    // The same jurisdiction and kind give the same id, so that there is one stream for them. The hash is a UUID, and the brand says of what.
    const treeId = isFirst ? administrativeTreeId : hashedUuid('rectrail.tree/1', kind, jurisdiction) as TreeId;
    const command: OrganisationTreeCommand = { type: 'OpenTree', data: { treeId, jurisdiction, kind } };
    const events = await changeTree(context, unit, { treeId, command, on: onDay(context.today), scope: { orgId: null } });
    return { id: treeId, created: events.length > 0, stream: streams.organisationTree(treeId), location: null };
  },
});

const registerOrganisation = defineCommand({
  name: 'RegisterOrganisation',
  path: '/organisations',
  summary: 'Register a new organisation under its parent; a root is registered by an administrator',
  body: z.strictObject({ code, name: wire.title, level: z.enum(orgLevels), parent: parentRef, ...inTree }),
  ifMatch: 'none',
  stream: null,
  execute: async (context, unit, _target, { tree, parent, ...data }): Promise<CommandResult> => {
    await requireTree(context, unit, tree);
    // An id made here is new; the brand says what it is an id of.
    const orgId = context.newId('organisation') as OrgId;
    const command: OrganisationTreeCommand = { type: 'RegisterOrg', data: { orgId, ...data, parentId: await parentOf(context, unit, parent) } };
    await changeTree(context, unit, { treeId: tree, command, on: onDay(context.today), scope: { orgId } });
    return { id: orgId, created: true, stream: streams.organisationTree(tree), location: `/organisations/${orgId}` };
  },
});

interface ChangeRow<B> {
  readonly name: string;
  readonly verb: string;
  readonly summary: string;
  readonly body: z.ZodType<B>;
  command(body: B, at: Frame & { readonly org: OrgNode; readonly context: CommandContext; readonly unit: UnitOfWork }): Promise<OrganisationTreeCommand>;
}

/** The trees in which an organisation stands: its own first, then those where it has not come to an end. */
const treesOf = async (context: CommandContext, unit: UnitOfWork, orgId: OrgId): Promise<readonly TreeId[]> => {
  const trees = [await treeToday(context, unit), ...(await treesBeside(context, unit, administrativeTreeId))];
  const standing = trees.flatMap(({ tree, orgs }) => {
    const node = orgs.get(orgId);
    return tree === null || node === undefined ? [] : [{ treeId: tree.treeId, isCurrent: isCurrentOrg(node) }];
  });
  return standing.filter(({ isCurrent }, i) => i === 0 || isCurrent).map(({ treeId }) => treeId);
};

/** `POST /organisations/:id/{verb}`; the id may be the code. If-Match speaks of the tree, in which an organisation is one node. */
const changing = <B extends { readonly on?: FuzzyDate | undefined; readonly tree?: TreeId | undefined }>(row: ChangeRow<B>): CommandDefinition => defineCommand({
  name: row.name,
  path: `/organisations/:id/${row.verb}`,
  summary: row.summary,
  body: row.body,
  ifMatch: 'optional',
  stream: () => streams.organisationTree(administrativeTreeId),
  execute: async (context, unit, target, body): Promise<CommandResult> => {
    const org = await organisationOf(context, unit, target.id ?? '', null);
    const { orgId } = org;
    await requireActingOn(context, unit, orgId);
    if (body.tree !== undefined) await requireTree(context, unit, body.tree);
    // What names no tree is said of the organisation, wherever it stands.
    const treeIds = body.tree === undefined ? await treesOf(context, unit, orgId) : [body.tree];
    const stream = streams.organisationTree(treeIds[0] ?? administrativeTreeId);
    await checkVersion(unit, stream, target.ifMatch);
    const frame = frameOf(context, body.on);
    const command = await row.command(body, { ...frame, org, context, unit });
    for (const treeId of treeIds) await changeTree(context, unit, { treeId, command, on: frame.on, scope: { orgId } });
    return { id: orgId, created: false, stream, location: `/organisations/${orgId}` };
  },
});

export const organisationCommands: readonly CommandDefinition[] = [
  openTree,
  registerOrganisation,
  changing({
    name: 'PlaceOrganisation', verb: 'place', summary: 'Let an organisation stand in another tree too; its id, code and name stay the same',
    body: z.strictObject({ tree: treeRef, parent: parentRef }),
    command: async ({ parent }, { org: { orgId, code: itsCode, name, level }, context, unit }) =>
      ({ type: 'RegisterOrg', data: { orgId, code: itsCode, name, level, parentId: await parentOf(context, unit, parent) } }),
  }),
  changing({
    name: 'MoveOrganisation', verb: 'move', summary: 'Hang an organisation below another one from a day on',
    body: live({ parent: parentRef, ...inTree }),
    command: async ({ parent }, { org: { orgId }, context, unit, on, by }) => ({ type: 'MoveOrg', on, by, data: { orgId, parentId: await parentOf(context, unit, parent) } }),
  }),
  changing({
    name: 'RenameOrganisation', verb: 'rename', summary: 'Give an organisation another name or code from a day on, in every tree; its id stays',
    body: live({ name: wire.title, code }),
    command: ({ name, code: newCode }, { org: { orgId }, on, by }) => Promise.resolve({ type: 'RenameOrg', on, by, data: { orgId, name, code: newCode } }),
  }),
  changing({
    name: 'MergeOrganisation', verb: 'merge', summary: 'Merge an organisation into its successor; both keep what they own',
    body: live({ successor: orgRef, ...inTree }),
    command: async ({ successor }, { org: { orgId }, context, unit, on, by }) =>
      ({ type: 'MergeOrg', on, by, data: { orgId, successorId: await requireOwner(context, unit, successor, '/successor') } }),
  }),
  changing({
    name: 'DissolveOrganisation', verb: 'dissolve', summary: 'Dissolve an organisation; it keeps its place and what it owns',
    body: live({ ...inTree }),
    command: (_body, { org: { orgId }, on, by }) => Promise.resolve({ type: 'DissolveOrg', on, by, data: { orgId } }),
  }),
];
