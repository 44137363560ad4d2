import { assertNever, type Day, type DomainEvent, type EventId, type Fact, type OrgId, type StreamVersion, type TreeId } from '@rectrail/kernel';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import { inFoldOrder } from '../time/counting.ts';
import type { OrganisationTreeEvent, OrgLevel, TreeKind } from './organisation-tree.events.ts';

export interface OrgNode {
  readonly orgId: OrgId;
  readonly code: string;
  readonly name: string;
  readonly level: OrgLevel;
  /** Where it hangs at this cut: the successor of a merged organisation, null for a root. */
  readonly parentId: OrgId | null;
  readonly mergedInto: OrgId | null;
  readonly mergedOn: Day | null;
  readonly dissolvedOn: Day | null;
  readonly registeredBy: EventId;
  /** The event that gave it its place: registration, last move or merger. */
  readonly placedBy: EventId;
}

/** An edge that could not be laid; shown to whoever keeps the tree, since a retraction or a move mends it. */
export interface LeftOutEdge {
  readonly orgId: OrgId;
  readonly parentId: OrgId;
  readonly eventId: EventId;
  readonly reason: 'cycle' | 'second-parent' | 'unknown-parent';
}

/** A tree at one cut. Every registered organisation stands in it exactly once; walking up always ends at a root. */
export interface OrgTree {
  /** Null where the tree was never opened. */
  readonly tree: { readonly treeId: TreeId; readonly jurisdiction: string; readonly kind: TreeKind } | null;
  readonly orgs: ReadonlyMap<OrgId, OrgNode>;
  readonly roots: readonly OrgId[];
  readonly leftOut: readonly LeftOutEdge[];
  /** In the order of registration; empty for an organisation that is not in the tree. */
  children(orgId: OrgId): readonly OrgId[];
  /** The organisation first, then all below it; empty for an organisation that is not in the tree. */
  subtree(orgId: OrgId): readonly OrgId[];
  /** The current holder of a code, else the last registered one that was merged or dissolved with it; null where nobody holds it. */
  byCode(code: string): OrgNode | null;
  /** Whether `orgId` is `ancestorId` or stands below it. */
  isWithin(orgId: OrgId, ancestorId: OrgId): boolean;
}

/** Neither merged nor dissolved at the cut: may be moved, renamed, and keeps its code from others. */
export const isCurrentOrg = (org: OrgNode): boolean => org.mergedInto === null && org.dissolvedOn === null;

interface Edge { readonly orgId: OrgId; readonly parentId: OrgId | null; readonly eventId: EventId; readonly version: StreamVersion }

/** What the fold leaves of one organisation, before the edges are laid. */
interface Entry {
  readonly orgId: OrgId;
  code: string;
  name: string;
  level: OrgLevel;
  registeredBy: EventId;
  placement: Edge;
  merger: Edge | null;
  mergedOn: Day | null;
  dissolvedOn: Day | null;
}

type TreeFact = Fact<OrganisationTreeEvent | FactsRetracted>;

const edgeOf = (fact: Fact, orgId: OrgId, parentId: OrgId | null): Edge => ({ orgId, parentId, eventId: fact.eventId, version: fact.streamVersion });

const register = (entries: Map<OrgId, Entry>, fact: Fact, data: Extract<OrganisationTreeEvent, { type: 'OrgRegistered' }>['data']): void => {
  const placement = edgeOf(fact, data.orgId, data.parentId);
  const { orgId, code, name, level } = data;
  entries.set(orgId, { orgId, code, name, level, registeredBy: fact.eventId, placement, merger: null, mergedOn: null, dissolvedOn: null });
};

const change = (entry: Entry, fact: Fact, event: Exclude<OrganisationTreeEvent, DomainEvent<'TreeOpened' | 'OrgRegistered'>>): void => {
  switch (event.type) {
    case 'OrgMoved':
      entry.placement = edgeOf(fact, event.data.orgId, event.data.parentId);
      return;
    case 'OrgRenamed':
      entry.name = event.data.name;
      entry.code = event.data.code;
      return;
    case 'OrgMerged':
      // The place that it had until this day is over; one that it is given for a later day competes with the successor.
      entry.placement = edgeOf(fact, event.data.orgId, null);
      entry.merger = edgeOf(fact, event.data.orgId, event.data.successorId);
      entry.mergedOn = fact.validTime?.last ?? null;
      return;
    case 'OrgDissolved':
      entry.dissolvedOn = fact.validTime?.last ?? null;
      return;
    default:
      assertNever(event);
  }
};

/**
 * Edges from the newest recorded to the oldest; what would close a cycle or give a second parent is left out. So the newest word
 * always holds, and one organisation always has one place.
 */
const layEdges = (entries: ReadonlyMap<OrgId, Entry>): { readonly parents: ReadonlyMap<OrgId, OrgId>; readonly leftOut: readonly LeftOutEdge[] } => {
  const parents = new Map<OrgId, OrgId>();
  const leftOut: LeftOutEdge[] = [];
  const closesCycle = (orgId: OrgId, parentId: OrgId): boolean => {
    for (let at: OrgId | undefined = parentId; at !== undefined; at = parents.get(at)) if (at === orgId) return true;
    return false;
  };
  const edges = [...entries.values()].flatMap((entry) => (entry.merger === null ? [entry.placement] : [entry.placement, entry.merger]));
  for (const { orgId, parentId, eventId } of edges.sort((a, b) => b.version - a.version)) {
    if (parentId === null) continue;
    if (!entries.has(parentId)) leftOut.push({ orgId, parentId, eventId, reason: 'unknown-parent' });
    else if (parents.has(orgId)) leftOut.push({ orgId, parentId, eventId, reason: 'second-parent' });
    else if (closesCycle(orgId, parentId)) leftOut.push({ orgId, parentId, eventId, reason: 'cycle' });
    else parents.set(orgId, parentId);
  }
  return { parents, leftOut };
};

const treeOf = (tree: OrgTree['tree'], entries: ReadonlyMap<OrgId, Entry>): OrgTree => {
  const { parents, leftOut } = layEdges(entries);
  const orgs = new Map<OrgId, OrgNode>();
  const roots: OrgId[] = [];
  const childrenOf = new Map<OrgId, OrgId[]>();
  const codes = new Map<string, OrgNode>();
  for (const { orgId, code, name, level, registeredBy, placement, merger, mergedOn, dissolvedOn } of entries.values()) {
    const parentId = parents.get(orgId) ?? null;
    const node: OrgNode = { orgId, code, name, level, parentId, mergedInto: merger?.parentId ?? null, mergedOn, dissolvedOn, registeredBy, placedBy: placement.eventId };
    orgs.set(node.orgId, node);
    if (parentId === null) roots.push(node.orgId);
    else {
      const siblings = childrenOf.get(parentId);
      if (siblings === undefined) childrenOf.set(parentId, [node.orgId]);
      else siblings.push(node.orgId);
    }
    const holder = codes.get(node.code);
    if (holder === undefined || isCurrentOrg(node) || !isCurrentOrg(holder)) codes.set(node.code, node);
  }
  const children = (orgId: OrgId): readonly OrgId[] => childrenOf.get(orgId) ?? [];
  const subtree = (orgId: OrgId): readonly OrgId[] => {
    const found: OrgId[] = [];
    const waiting: OrgId[] = orgs.has(orgId) ? [orgId] : [];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      found.push(at);
      waiting.push(...children(at).toReversed());
    }
    return found;
  };
  const isWithin = (orgId: OrgId, ancestorId: OrgId): boolean => {
    for (let at: OrgId | null = orgs.has(orgId) ? orgId : null; at !== null; at = parents.get(at) ?? null) if (at === ancestorId) return true;
    return false;
  };
  return { tree, orgs, roots, leftOut, children, subtree, byCode: (code) => codes.get(code) ?? null, isWithin };
};

/**
 * The tree at a cut, from the facts of one tree's stream that count there, in any order.
 *
 * @remarks The edges at a cut are those in force there by the fold of rules.md section 2, (last day, streamVersion): the last
 * placement of each organisation (registered, moved) and, from its merger on, the edge to its successor. An earlier placement
 * is simply over, not left out. These edges are laid by rules.md section 6, the newest recorded (highest streamVersion) first.
 * Moves recorded out of order can make a cycle on a day that no command saw, and a merged organisation can be given a later place;
 * then the older record yields and is reported. A fact about an organisation whose registration does not count changes nothing.
 */
export const treeAt = (countingFacts: readonly TreeFact[]): OrgTree => {
  let tree: OrgTree['tree'] = null;
  const entries = new Map<OrgId, Entry>();
  for (const fact of inFoldOrder(countingFacts)) {
    const event = fact.event;
    if (event.type === 'FactsRetracted') continue;
    if (event.type === 'TreeOpened') tree = event.data;
    else if (event.type === 'OrgRegistered') register(entries, fact, event.data);
    else {
      const entry = entries.get(event.data.orgId);
      if (entry !== undefined) change(entry, fact, event);
    }
  }
  return treeOf(tree, entries);
};
