import { accept, assertNever, nothing, reject, type Decision, type EventId, type Fact, type OrgId } from '@rectrail/kernel';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import { refuseFuture, type LiveSituation } from '../time/live-command.ts';
import type { OrganisationTreeCommand, OrganisationTreeRejection } from './organisation-tree.commands.ts';
import type { OrganisationTreeEvent } from './organisation-tree.events.ts';
import { isCurrentOrg, type OrgNode, type OrgTree } from './organisation-tree.state.ts';

type TreeDecision = Decision<OrganisationTreeEvent, OrganisationTreeRejection>;
/** `others`: the other trees as they are today, for what may be registered or renamed: a code has one holder, whatever tree it stands in. */
export type OrganisationTreeSituation = LiveSituation<OrgTree> & { readonly others?: readonly OrgTree[] };
type Situation = OrganisationTreeSituation;
type Command<T extends OrganisationTreeCommand['type']> = Extract<OrganisationTreeCommand, { type: T }>;

const unknownOrganisation = (orgId: OrgId): OrganisationTreeRejection => ({ code: 'unknown-organisation', detail: `organisation ${orgId} is not in the tree`, orgId });

const takenCode = (trees: readonly OrgTree[], orgId: OrgId, code: string): OrganisationTreeRejection | null => {
  const holder = trees.map((tree) => tree.byCode(code)).find((org) => org !== null && isCurrentOrg(org) && org.orgId !== orgId);
  return holder == null ? null : { code: 'org-code-taken', detail: `code ${code} belongs to organisation ${holder.orgId}`, holder: holder.orgId };
};

const notCurrent = ({ orgId, mergedInto, mergedOn, dissolvedOn }: OrgNode): OrganisationTreeRejection => ({
  code: 'org-not-current',
  detail: mergedInto === null ? `organisation ${orgId} was dissolved on ${dissolvedOn}` : `organisation ${orgId} was merged into ${mergedInto} on ${mergedOn}`,
  orgId,
});

/**
 * Whether hanging `orgId` below `parentId` would close a cycle on the command's day, or today where the place would still be
 * its own today. A cycle on a day between, of moves recorded out of order, is broken when the tree is read (`treeAt`).
 */
const cycle = ({ then, now }: Situation, orgId: OrgId, parentId: OrgId): OrganisationTreeRejection | null => {
  const holdsToday = then.orgs.get(orgId)?.placedBy === now.orgs.get(orgId)?.placedBy;
  return then.isWithin(parentId, orgId) || (holdsToday && now.isWithin(parentId, orgId))
    ? { code: 'tree-cycle', detail: `organisation ${parentId} stands below organisation ${orgId}`, orgId, parentId }
    : null;
};

const openTree = ({ data }: Command<'OpenTree'>, { now }: Situation): TreeDecision => {
  if (now.tree === null) return accept({ type: 'TreeOpened', data });
  const same = now.tree.treeId === data.treeId && now.tree.jurisdiction === data.jurisdiction && now.tree.kind === data.kind;
  return same ? nothing() : reject({ code: 'tree-already-open', detail: `tree ${now.tree.treeId} is open for ${now.tree.jurisdiction}` });
};

const registerOrg = ({ data }: Command<'RegisterOrg'>, { now, others = [] }: Situation): TreeDecision => {
  if (now.tree === null) return reject({ code: 'unknown-tree', detail: 'the tree has not been opened' });
  const known = now.orgs.get(data.orgId);
  if (known !== undefined) {
    const same = known.code === data.code && known.name === data.name && known.level === data.level && known.parentId === data.parentId;
    return same ? nothing() : reject({ code: 'org-already-registered', detail: `organisation ${data.orgId} is registered as ${known.code}`, orgId: data.orgId });
  }
  if (data.parentId !== null && !now.orgs.has(data.parentId)) return reject(unknownOrganisation(data.parentId));
  const taken = takenCode([now, ...others], data.orgId, data.code);
  return taken === null ? accept({ type: 'OrgRegistered', data }) : reject(taken);
};

/** What every command about a registered organisation asks first: it is there, and current on the command's day. */
const current = (orgId: OrgId, tree: OrgTree): OrganisationTreeRejection | null => {
  const org = tree.orgs.get(orgId);
  if (org === undefined) return unknownOrganisation(orgId);
  return isCurrentOrg(org) ? null : notCurrent(org);
};

const moveOrg = (command: Command<'MoveOrg'>, situation: Situation): TreeDecision => {
  const { orgId, parentId } = command.data;
  const refusal = refuseFuture(command.on, situation.today) ?? current(orgId, situation.then);
  if (refusal !== null) return reject(refusal);
  if (situation.then.orgs.get(orgId)?.parentId === parentId) return nothing();
  if (parentId === null) return accept({ type: 'OrgMoved', data: command.data });
  const below = current(parentId, situation.then) ?? cycle(situation, orgId, parentId);
  return below === null ? accept({ type: 'OrgMoved', data: command.data }) : reject(below);
};

const renameOrg = (command: Command<'RenameOrg'>, { then, now, today, others = [] }: Situation): TreeDecision => {
  const { orgId, name, code } = command.data;
  const refusal = refuseFuture(command.on, today) ?? current(orgId, then) ?? takenCode([then, now, ...others], orgId, code);
  if (refusal !== null) return reject(refusal);
  const org = then.orgs.get(orgId);
  return org?.name === name && org.code === code ? nothing() : accept({ type: 'OrgRenamed', data: command.data });
};

const mergeOrg = (command: Command<'MergeOrg'>, situation: Situation): TreeDecision => {
  const { orgId, successorId } = command.data;
  const merged = situation.now.orgs.get(orgId);
  const future = refuseFuture(command.on, situation.today);
  if (future !== null) return reject(future);
  if (merged?.mergedInto === successorId && merged.mergedOn === command.on.last) return nothing();
  // An organisation ends once: what is merged or dissolved today cannot be merged into another on an earlier day either.
  const refusal = current(orgId, situation.now) ?? current(orgId, situation.then) ?? current(successorId, situation.then) ?? cycle(situation, orgId, successorId);
  return refusal === null ? accept({ type: 'OrgMerged', data: command.data }) : reject(refusal);
};

const dissolveOrg = (command: Command<'DissolveOrg'>, { then, now, today }: Situation): TreeDecision => {
  const { orgId } = command.data;
  const future = refuseFuture(command.on, today);
  if (future !== null) return reject(future);
  if (now.orgs.get(orgId)?.dissolvedOn === command.on.last) return nothing();
  const refusal = current(orgId, now) ?? current(orgId, then);
  return refusal === null ? accept({ type: 'OrgDissolved', data: command.data }) : reject(refusal);
};

/** `situation.then` is the tree on the last day of the command's `on`, `situation.now` today's; see rules.md section 6. */
export const decideOrganisationTree = (command: OrganisationTreeCommand, situation: Situation): TreeDecision => {
  switch (command.type) {
    case 'OpenTree': return openTree(command, situation);
    case 'RegisterOrg': return registerOrg(command, situation);
    case 'MoveOrg': return moveOrg(command, situation);
    case 'RenameOrg': return renameOrg(command, situation);
    case 'MergeOrg': return mergeOrg(command, situation);
    case 'DissolveOrg': return dissolveOrg(command, situation);
    default: return assertNever(command);
  }
};

const orgsNeededBy = (event: OrganisationTreeEvent): readonly OrgId[] => {
  switch (event.type) {
    case 'TreeOpened': return [];
    case 'OrgRegistered': return event.data.parentId === null ? [] : [event.data.parentId];
    case 'OrgMoved': return event.data.parentId === null ? [event.data.orgId] : [event.data.orgId, event.data.parentId];
    case 'OrgRenamed': case 'OrgDissolved': return [event.data.orgId];
    case 'OrgMerged': return [event.data.orgId, event.data.successorId];
    default: return assertNever(event);
  }
};

/** Of the facts that count, those that lack the opened tree or the registration of an organisation that they name. */
export const unmetOrganisationTreeNeeds = (countingFacts: readonly Fact<OrganisationTreeEvent | FactsRetracted>[]): readonly EventId[] => {
  const opened = countingFacts.some((fact) => fact.event.type === 'TreeOpened');
  const registered = new Set(countingFacts.flatMap(({ event }) => (event.type === 'OrgRegistered' ? [event.data.orgId] : [])));
  const isMet = (event: OrganisationTreeEvent): boolean => event.type === 'TreeOpened' || (opened && orgsNeededBy(event).every((orgId) => registered.has(orgId)));
  return countingFacts.flatMap(({ event, eventId }) => (event.type === 'FactsRetracted' || isMet(event) ? [] : [eventId]));
};
