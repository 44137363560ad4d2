import { dayIn, instant, isDay, lastInstantOf, maxInstant, position, type Clock, type Cut, type Day, type Instant, type OrgId, type Position } from '@rectrail/kernel';
import type { EventStore } from '@rectrail/event-store';
import { readCheckpoints, type ProjectionRunner, type Transaction } from '@rectrail/projections';
import type { OrgNode, OrgTree } from '@rectrail/tracking-domain';
import type { DataSource, EntityManager } from 'typeorm';
import { readTransaction } from '../database/data-source.ts';
import { schema } from '../database/rows.ts';
import type { OrgLabel } from './answers.ts';
import { ReferenceData } from './reference-data.ts';
import type { ReadRequest, TreeChoice } from './requests.ts';
import { ReadRejected } from './tracking-read.ts';

export interface ReadContext {
  readonly dataSource: DataSource;
  readonly runner: ProjectionRunner;
  readonly store: EventStore;
  readonly clock: Clock;
  /** IANA name of the zone of the installation. */
  readonly zone: string;
  /** Names of the projections that reads use: an answer is as of the smallest position of them. */
  readonly projections: readonly string[];
  readonly reference: ReferenceData;
}

/** How long a read waits for a position that the log has and the read models have not (rules.md section 7), in ms. */
export const waitMsMax = 5_000;

/** Everything that one answer looks at: one snapshot, one cut, and the part of the forest that the caller may see. */
export interface ReadSession {
  readonly tx: Transaction;
  readonly manager: EntityManager;
  readonly cut: Cut;
  readonly reference: ReferenceData;
  /** The administrative tree at the cut. */
  readonly tree: OrgTree;
  /** The tree by which organisations roll up: that one, unless the request says otherwise. */
  readonly rollUp: OrgTree;
  /** Null: everything; else the organisations of the caller's jurisdiction, by the tree as it is now. */
  readonly visible: ReadonlySet<OrgId> | null;
}

/**
 * How long a read that names no position waits for the head (its default) before it answers at what has been reached, in ms:
 * in ordinary times the read models are some milliseconds behind, and who has just written sees it. One that has stopped is not waited for.
 */
const headWaitMsMax = 1_000;

const wait = async (context: ReadContext, request: ReadRequest): Promise<void> => {
  const { position: head } = await context.store.head();
  if (request.atPosition === undefined && request.atLeast === undefined) {
    await context.runner.catchUp(head, headWaitMsMax);
    return;
  }
  const wanted = Math.max(request.atPosition ?? 0, request.atLeast ?? 0);
  if (wanted > head) throw new ReadRejected('position-unknown', `the log ends at position ${head}, asked was ${wanted}`, { head });
  if (!(await context.runner.catchUp(position(wanted), waitMsMax))) {
    throw new ReadRejected('projection-behind', `the read models have not reached position ${wanted} yet. Potential solutions: ask again in a moment`, { wanted });
  }
};

const reachedIn = async (tx: Transaction, context: ReadContext): Promise<Position> => {
  const checkpoints = await readCheckpoints(tx, schema, context.projections);
  if (checkpoints.length < context.projections.length || checkpoints.some((c) => c.position < c.rebuildingTo)) {
    throw new ReadRejected('projection-behind', 'a read model is being made anew. Potential solutions: ask again once it has caught up');
  }
  return position(Math.min(...checkpoints.map((c) => c.position)));
};

/** The instant at which everything up to a position is known: now, or its recording where this clock is behind it. */
const presentAt = async (tx: Transaction, { clock }: ReadContext, at: Position): Promise<Instant> => {
  const now = clock.now();
  const [row] = await tx.query<{ recorded: Instant }>(`select fact ->> 'recordedAt' as recorded from ${schema}.event where position = $1`, [at]);
  return maxInstant(now, row?.recorded ?? now);
};

/** A date means its last instant in the zone of the installation. */
const knownAtOf = (zone: string, asked: Instant | Day): Instant => (isDay(asked) ? lastInstantOf(zone, asked as Day) : instant(asked));

const resolveCut = async (tx: Transaction, context: ReadContext, request: ReadRequest, reached: Position): Promise<Cut> => {
  const atPosition = request.atPosition ?? reached;
  const { zone } = context;
  const knownAt = request.knownAt === undefined ? await presentAt(tx, context, atPosition) : knownAtOf(zone, request.knownAt);
  return { atPosition, knownAt, validAt: request.validAt ?? dayIn(zone, knownAt) };
};

/** Whether a cursor's cut is what the request asks for, where it says anything. */
export const isSameCut = (zone: string, cut: Cut, request: ReadRequest): boolean =>
  (request.atPosition === undefined || request.atPosition === cut.atPosition)
  && (request.validAt === undefined || request.validAt === cut.validAt)
  && (request.knownAt === undefined || knownAtOf(zone, request.knownAt) === cut.knownAt);

const visibleTo = async (tx: Transaction, context: ReadContext, within: OrgId | null, reached: Position): Promise<ReadonlySet<OrgId> | null> => {
  if (within === null) return null;
  const now = await presentAt(tx, context, reached);
  const tree = context.reference.administrativeTree({ atPosition: reached, knownAt: now, validAt: dayIn(context.zone, now) });
  return new Set([within, ...tree.subtree(within)]);
};

/** @throws ReadRejected `unknown-tree`. */
const rollUpTree = ({ reference, zone }: ReadContext, cut: Cut, { tree: treeId, treeAt }: TreeChoice): OrgTree => {
  const at = treeAt === 'now' ? { ...cut, validAt: dayIn(zone, cut.knownAt) } : cut;
  if (treeId === undefined) return reference.administrativeTree(at);
  // Only what is there is folded and kept: the name comes from outside.
  const tree = reference.trees(cut.atPosition).some((known) => known.treeId === treeId) ? reference.tree(treeId, at) : null;
  if (tree === null || tree.tree === null) throw new ReadRejected('unknown-tree', `no tree ${treeId} was open at position ${cut.atPosition}`);
  return tree;
};

/** Waits for what is asked, resolves the cut and runs the read in one REPEATABLE READ snapshot. */
export const readAt = async <T>(context: ReadContext, request: ReadRequest & TreeChoice, read: (session: ReadSession) => Promise<T>): Promise<T> => {
  await wait(context, request);
  return readTransaction(context.dataSource, async (tx, { manager }) => {
    const reached = await reachedIn(tx, context);
    const cut = await resolveCut(tx, context, request, reached);
    await context.reference.refresh(tx, reached);
    const { reference } = context;
    const visible = await visibleTo(tx, context, request.within, reached);
    return read({ tx, manager, cut, reference, tree: reference.administrativeTree(cut), rollUp: rollUpTree(context, cut, request), visible });
  });
};

/** Where an organisation is found first: in the administrative tree, else in another one. */
const firstNode = ({ reference, cut, tree }: ReadSession, find: (tree: OrgTree) => OrgNode | null | undefined): OrgNode | null => {
  const found = find(tree);
  if (found != null) return found;
  for (const { treeId } of reference.trees(cut.atPosition)) {
    const other = find(reference.tree(treeId, cut));
    if (other != null) return other;
  }
  return null;
};

/** Code and name are the organisation's, whatever tree it is looked at in; null where it was not registered. */
export const labelOf = (session: ReadSession, orgId: OrgId): OrgLabel | null => {
  const org = firstNode(session, (tree) => tree.orgs.get(orgId));
  return org === null ? null : { orgId, code: org.code, name: org.name };
};

/** The organisation with this id or, at the cut, this code; in the administrative tree first. @throws ReadRejected `unknown-organisation`, `outside-jurisdiction`. */
export const findOrg = (session: ReadSession, idOrCode: string): OrgNode => {
  const { cut, visible } = session;
  const found = firstNode(session, (tree) => tree.orgs.get(idOrCode as OrgId) ?? tree.byCode(idOrCode));
  if (found === null) throw new ReadRejected('unknown-organisation', `no organisation ${idOrCode} was registered at position ${cut.atPosition}`);
  if (visible !== null && !visible.has(found.orgId)) throw new ReadRejected('outside-jurisdiction', `the organisation ${idOrCode} lies outside the jurisdiction of this token`);
  return found;
};

/** What a read is about: the organisation asked for (null: the forest) and the owners that count, null for all. */
export interface Selected {
  readonly org: OrgLabel | null;
  readonly owners: readonly OrgId[] | null;
}

/** An organisation and all below it in the tree by which the read rolls up; one that does not stand in it is alone. */
export const select = (session: ReadSession, org: string | undefined): Selected => {
  const { visible } = session;
  if (org === undefined) return { org: null, owners: visible === null ? null : [...visible] };
  const { orgId, code, name } = findOrg(session, org);
  const owners = [...new Set([orgId, ...session.rollUp.subtree(orgId)])].filter((owner) => visible?.has(owner) ?? true);
  return { org: { orgId, code, name }, owners };
};
