import { jurisdictionOf } from '@rectrail/access';
import type { UnitOfWork } from '@rectrail/event-store';
import type { OrgId, TreeId } from '@rectrail/kernel';
import { administrativeTreeId, streams, treeAt, type OrganisationTreeEvent, type OrgNode, type OrgTree } from '@rectrail/tracking-domain';
import type { CommandContext } from './command-definition.ts';
import { CommandRejected } from './command-rejected.ts';
import { countingOn, factsOf } from './situation.ts';

/** The administrative tree, or another, as it is today. It is loaded, so the append fails if it changes meanwhile. */
export const treeToday = async (context: CommandContext, unit: UnitOfWork, treeId: TreeId = administrativeTreeId): Promise<OrgTree> =>
  treeAt(countingOn(unit, await factsOf<OrganisationTreeEvent>(unit, streams.organisationTree(treeId)), context.today));

/** The other trees as they are today. */
export const treesBeside = async (context: CommandContext, unit: UnitOfWork, treeId: TreeId): Promise<readonly OrgTree[]> => {
  const trees: OrgTree[] = [];
  for (const other of await context.lookups.trees()) if (other !== treeId) trees.push(await treeToday(context, unit, other));
  return trees;
};

/** @throws CommandRejected `outside-jurisdiction` unless the actor may act on the organisation; null is the installation itself. */
export const requireJurisdiction = (context: CommandContext, tree: OrgTree, orgId: OrgId | null): void => {
  if (jurisdictionOf(context.actor, (of) => tree.orgs.get(of)?.parentId ?? null).mayActOn(orgId)) return;
  throw orgId === null
    ? new CommandRejected('administrator-only', 'only an administrator may act on the installation as a whole')
    : new CommandRejected('outside-jurisdiction', `organisation ${orgId} is outside the part of the tree on which this token acts`, { extensions: { orgId } });
};

/**
 * What a command only names (the inspection, the issue that it links) belongs to the actor's part of the tree or stands above it: a unit
 * leans on its committee's inspection, a stranger on neither, since what leans on a thing keeps it from being retracted.
 *
 * @throws CommandRejected `outside-jurisdiction`
 */
export const requireInLine = (context: CommandContext, tree: OrgTree, orgId: OrgId | null): void => {
  const { orgId: own } = context.actor;
  if (orgId !== null && own !== null && tree.subtree(orgId).includes(own)) return;
  requireJurisdiction(context, tree, orgId);
};

/**
 * In the administrative tree, else in another one.
 *
 * @throws CommandRejected `unknown-organisation` where no organisation has this id or present code; `pointer` is where the body names it.
 */
export const organisationOf = async (context: CommandContext, unit: UnitOfWork, reference: string, pointer: string | null): Promise<OrgNode> => {
  // An id that is not one of the tree's is just another text that no organisation has.
  const nodeIn = (tree: OrgTree): OrgNode | null => tree.orgs.get(reference as OrgId) ?? tree.byCode(reference);
  const org = nodeIn(await treeToday(context, unit))
    ?? (await treesBeside(context, unit, administrativeTreeId)).map(nodeIn).find((node) => node !== null);
  if (org !== undefined) return org;
  const detail = `no organisation has the id or the code ${reference}`;
  throw new CommandRejected('unknown-organisation', detail, { errors: pointer === null ? [] : [{ pointer, code: 'unknown-organisation', detail }] });
};

/** The organisation that is to own something: known today, and within the actor's part of the tree. */
export const requireOwner = async (context: CommandContext, unit: UnitOfWork, reference: string, pointer: string | null = '/org'): Promise<OrgId> => {
  const { orgId } = await organisationOf(context, unit, reference, pointer);
  requireJurisdiction(context, await treeToday(context, unit), orgId);
  return orgId;
};

/** An organisation that is only named: it needs to be known, nothing more. */
export const requireKnown = async (context: CommandContext, unit: UnitOfWork, reference: string, pointer: string): Promise<OrgId> =>
  (await organisationOf(context, unit, reference, pointer)).orgId;
