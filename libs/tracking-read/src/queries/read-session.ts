import { dayIn, firstInstant, instant, isDay, lastInstantOf, maxInstant, position, type Clock, type Cut, type Day, type Fact, type Instant, type OrgId, type Position } from '@rectrail/kernel';
import type { EventStore, StoredEvent } from '@rectrail/event-store';
import type { ProjectionRunner, Transaction } from '@rectrail/projections';
import { administrativeTreeId, type OrgNode, type OrgTree } from '@rectrail/tracking-domain';
import type { DataSource } from 'typeorm';
import { readTransaction, type Plans } from '../database/data-source.ts';
import { schema } from '../database/rows.ts';
import { instantText } from '../projections/register.ts';
import type { OrgLabel, TreeChosen } from './answers.ts';
import { ReferenceData } from './reference-data.ts';
import type { ReadRequest, TreeChoice } from './requests.ts';
import { ReadRejected } from './tracking-read.ts';
import { among, type TreeAtCut } from './tree-at-cut.ts';

export interface ReadContext {
  readonly dataSource: DataSource;
  readonly runner: ProjectionRunner;
  readonly store: EventStore;
  readonly decode: (stored: StoredEvent) => Fact;
  readonly clock: Clock;
  /** IANA name of the zone of the installation. */
  readonly zone: string;
  readonly reference: ReferenceData;
  /** Points up to which a comparison looks at each issue of a selection, rather than for what happened between its cuts. */
  readonly fewPoints: number;
}

/** How long a read waits for a position that the log has and the read models have not (rules.md section 7), in ms. */
export const waitMsMax = 5_000;

/** Where the read models stand in the snapshot of a read. */
export interface Standings {
  /** Of the registers and their roll-ups. */
  readonly registers: Position;
  /** Up to which position trees, policies and calendars are known. */
  readonly reference: Position;
  /** The last tree, policy or calendar event that the roll-ups rest on. */
  readonly referencePosition: Position;
  /** Organisations that stand below no other in the tree that roll-ups are kept on. */
  readonly roots: readonly OrgId[];
}

/** Everything that one answer looks at: one snapshot, one cut, and the part of the forest that the caller may see. */
export interface ReadSession {
  readonly tx: Transaction;
  readonly cut: Cut;
  /** When the event at the cut's position was recorded; the beginning of time before the first. */
  readonly recordedAt: Instant;
  readonly zone: string;
  readonly standing: Standings;
  readonly reference: ReferenceData;
  /** The administrative tree at the cut. */
  readonly tree: TreeAtCut;
  /** The tree by which organisations roll up: that one, unless the request says otherwise. */
  readonly rollUp: TreeAtCut;
  /** Null: everything; else the organisations of the caller's jurisdiction, by the tree as it is now. */
  readonly visible: ReadonlySet<OrgId> | null;
  /** What "now" is for a jurisdiction. */
  readonly present: Cut;
  /** Whether any content was ever purged. */
  readonly purges: boolean;
}

/**
 * How long a read that names no position waits for the head (its default) before it answers at what has been reached, in ms:
 * in ordinary times the read models are some milliseconds behind, and who has just written sees it. One that has stopped is not waited for.
 */
const headWaitMsMax = 1_000;

const wait = async (context: ReadContext, request: ReadRequest): Promise<void> => {
  const { position: head } = await context.store.head();
  if (request.atPosition === undefined && request.atLeast === undefined) {
    await context.runner.catchUp(head, headWaitMsMax, { ofReadable: true });
    return;
  }
  const wanted = Math.max(request.atPosition ?? 0, request.atLeast ?? 0);
  if (wanted > head) throw new ReadRejected('position-unknown', `the log ends at position ${head}, asked was ${wanted}`, { head });
  if (!(await context.runner.catchUp(position(wanted), waitMsMax, { ofReadable: true }))) {
    throw new ReadRejected('projection-behind', `the read models have not reached position ${wanted} yet. Potential solutions: ask again in a moment`, { wanted });
  }
};

interface Reached { readonly all: Position; readonly registers: Position; readonly reference: Position }

const reachedIn = async (tx: Transaction, context: ReadContext): Promise<Reached> => {
  const reached = await context.runner.reached(tx);
  if (reached === null) throw new ReadRejected('projection-behind', 'a read model is being made for this version. Potential solutions: ask again once it has caught up');
  const of = (name: string): Position => reached.get(name) ?? position(0);
  return { all: position(Math.min(...reached.values())), registers: of('registers'), reference: of('events') };
};

interface StandingRow {
  /** When the events at the position asked for and at the one reached were recorded; for one without a row, since its content is gone, the one before it. */
  readonly recorded: Instant | null;
  readonly last_recorded: Instant | null;
  readonly reference_position: string | null;
  readonly roots: readonly OrgId[];
  readonly purges: boolean;
}

/** What of the snapshot a read needs at its position, in one round trip. */
const standingAt = async (tx: Transaction, at: Position, reached: Position): Promise<StandingRow> => {
  const [row] = await tx.query<StandingRow>(
    `select (select ${instantText('recorded_at')} from ${schema}.event where position <= $1 order by position desc limit 1) as recorded,
            (select ${instantText('recorded_at')} from ${schema}.event where position <= $2 order by position desc limit 1) as last_recorded,
            (select max(reference_position)::text from ${schema}.figure_state) as reference_position,
            array(select org_id::text from ${schema}.figure_org where parent_id is null order by 1) as roots,
            exists (select from ${schema}.event where type = 'ContentPurged') as purges`, [at, reached],
  );
  return row ?? { recorded: null, last_recorded: null, reference_position: null, roots: [], purges: false };
};

/** The instant at which everything up to a position is known: now, or its recording where this clock is behind it. */
const presentAt = ({ clock }: ReadContext, recorded: Instant | null): Instant => {
  const now = clock.now();
  return maxInstant(now, recorded ?? now);
};

/** A date means its last instant in the zone of the installation. */
const knownAtOf = (zone: string, asked: Instant | Day): Instant => (isDay(asked) ? lastInstantOf(zone, asked as Day) : instant(asked));

const resolveCut = (context: ReadContext, request: ReadRequest, atPosition: Position, recorded: Instant | null): Cut => {
  const { zone } = context;
  const knownAt = request.knownAt === undefined ? presentAt(context, recorded) : knownAtOf(zone, request.knownAt);
  return { atPosition, knownAt, validAt: request.validAt ?? dayIn(zone, knownAt) };
};

/** Whether a cursor's cut is what the request asks for, where it says anything. */
export const isSameCut = (zone: string, cut: Cut, request: ReadRequest): boolean =>
  (request.atPosition === undefined || request.atPosition === cut.atPosition)
  && (request.validAt === undefined || request.validAt === cut.validAt)
  && (request.knownAt === undefined || knownAtOf(zone, request.knownAt) === cut.knownAt);

/** The jurisdiction by the tree as it is now, whatever the cut. */
const visibleTo = ({ reference }: ReadContext, within: OrgId | null, present: Cut): ReadonlySet<OrgId> | null =>
  (within === null ? null : reference.administrativeTree(present).members(within));

/** The day of the tree by which a read rolls up. */
const treeDay = (zone: string, cut: Cut, { treeAt }: TreeChoice): Day => (treeAt === 'now' ? dayIn(zone, cut.knownAt) : cut.validAt);

/** @throws ReadRejected `unknown-tree`. */
const rollUpTree = ({ reference, zone }: ReadContext, { cut, tree: ofCut }: Pick<ReadSession, 'cut' | 'tree'>, choice: TreeChoice): TreeAtCut => {
  const { tree: treeId } = choice;
  const at = { ...cut, validAt: treeDay(zone, cut, choice) };
  if (treeId === undefined) return at.validAt === cut.validAt ? ofCut : reference.administrativeTree(at);
  // Only what is there is folded and kept: the name comes from outside.
  const tree = reference.trees(cut.atPosition).some((known) => known.treeId === treeId) ? reference.tree(treeId, at) : null;
  if (tree === null || tree.tree === null) throw new ReadRejected('unknown-tree', `no tree ${treeId} was open at position ${cut.atPosition}`);
  return tree;
};

type SessionRequest = ReadRequest & TreeChoice;

const sessionAt = async (context: ReadContext, tx: Transaction, request: SessionRequest): Promise<ReadSession> => {
  const reached = await reachedIn(tx, context);
  const atPosition = request.atPosition ?? reached.all;
  const { recorded, last_recorded: lastRecorded, reference_position: referencePosition, roots, purges } = await standingAt(tx, atPosition, reached.all);
  const cut = resolveCut(context, request, atPosition, recorded);
  const { reference, zone } = context;
  await reference.refresh(tx, reached.reference);
  const standing: Standings = { registers: reached.registers, reference: reached.reference, referencePosition: position(Number(referencePosition ?? 0)), roots };
  const tree = reference.administrativeTree(cut);
  const now = presentAt(context, lastRecorded);
  const present: Cut = { atPosition: reached.all, knownAt: now, validAt: dayIn(zone, now) };
  return {
    tx, cut, recordedAt: recorded ?? firstInstant, zone, standing, reference, tree, rollUp: rollUpTree(context, { cut, tree }, request),
    visible: visibleTo(context, request.within, present), present, purges,
  };
};

/** Waits for what is asked, resolves the cut and runs the read in one REPEATABLE READ snapshot. */
export const readAt = async <T>(context: ReadContext, request: SessionRequest, read: (session: ReadSession) => Promise<T>, plans?: Plans): Promise<T> => {
  await wait(context, request);
  return readTransaction(context.dataSource, async (tx) => read(await sessionAt(context, tx, request)), plans);
};

/** The same for two cuts in one snapshot; where the first request names no position it is read at that of the second. */
export const readAtBoth = async <T>(context: ReadContext, from: SessionRequest, to: SessionRequest, read: (from: ReadSession, to: ReadSession) => Promise<T>): Promise<T> => {
  await wait(context, to);
  if (from.atPosition !== undefined) await wait(context, from);
  return readTransaction(context.dataSource, async (tx) => {
    const later = await sessionAt(context, tx, to);
    return read(await sessionAt(context, tx, { ...from, atPosition: from.atPosition ?? later.cut.atPosition }), later);
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

/** What of the request changes figures, as it was resolved. */
export const treeChosen = ({ zone, cut, present }: ReadSession, { tree = administrativeTreeId, treeAt = 'then', within }: SessionRequest): TreeChosen =>
  ({ tree, treeAt, treeOn: treeDay(zone, cut, { treeAt }), within, withinAt: within === null ? null : present });

/** What a read is about: the organisation asked for (null: the forest) and the owners that count, null for all. */
export interface Selected {
  readonly org: OrgLabel | null;
  readonly members: ReadonlySet<OrgId> | null;
  /** The same as a list, made when it is asked for. */
  readonly owners: readonly OrgId[] | null;
}

const selected = (org: OrgLabel | null, members: ReadonlySet<OrgId> | null): Selected =>
  ({ org, members, get owners() { return members === null ? null : [...members]; } });

/** An organisation and all below it in the tree by which the read rolls up; one that does not stand in it is alone. */
export const select = (session: ReadSession, org: string | undefined): Selected => {
  const { visible } = session;
  if (org === undefined) return selected(null, visible);
  const { orgId, code, name } = findOrg(session, org);
  const members = session.rollUp.members(orgId);
  return selected({ orgId, code, name }, visible === null ? members : among(members, visible));
};
