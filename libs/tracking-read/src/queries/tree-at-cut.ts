import type { Day, Fact, OrgId } from '@rectrail/kernel';
import { isCurrentOrg, type FactsRetracted, type LeftOutEdge, type OrganisationTreeEvent, type OrgNode, type OrgTree } from '@rectrail/tracking-domain';

export type TreeFact = Fact<OrganisationTreeEvent | FactsRetracted>;

/** An element that is there; its type alone leaves that open. */
export const at = (numbers: Int32Array, place: number): number => numbers[place] ?? -1;

/** What all cuts of one tree share. It only grows, so a tree keeps its meaning while facts are added. */
export interface TreeRecord {
  /** The stream, whole. */
  readonly facts: readonly TreeFact[];
  /** Organisations in the order in which the stream first names them: what follows speaks of them by their numbers. */
  readonly ids: readonly OrgId[];
  readonly numbers: ReadonlyMap<OrgId, number>;
  /** Organisations that ever had a code. */
  readonly byCode: ReadonlyMap<string, ReadonlySet<number>>;
}

/** What the fold of a cut leaves of each organisation: facts by their places in the stream, -1 or nothing for none. */
export interface TreeFold {
  /** The opening of the tree. */
  readonly opened: number;
  /** In the order of registration. */
  readonly order: Int32Array;
  readonly registrations: Int32Array;
  /** What gave it its place: registration, last move or merger. */
  readonly placements: Int32Array;
  readonly mergers: ReadonlyMap<number, number>;
  readonly names: ReadonlyMap<number, number>;
  readonly dissolutions: ReadonlyMap<number, number>;
}

export interface LaidEdges {
  /** -1 for a root, and for what is not in the tree. */
  readonly parents: Int32Array;
  readonly leftOut: readonly LeftOutEdge[];
}

/** Organisations of one tree as a set that is made and asked by their numbers. */
export class OrgMembers implements ReadonlySet<OrgId> {
  readonly record: TreeRecord;
  readonly numbers: Int32Array;
  readonly #held: Uint8Array;

  /** `numbers` without repetition. */
  constructor(record: TreeRecord, numbers: Int32Array) {
    this.record = record;
    this.numbers = numbers;
    this.#held = new Uint8Array(record.ids.length);
    for (const number of numbers) this.#held[number] = 1;
  }

  /** Those of some organisations that the tree's stream has ever named. */
  static of(record: TreeRecord, orgs: ReadonlySet<OrgId>): OrgMembers {
    if (orgs instanceof OrgMembers && orgs.record === record) return orgs;
    const numbers = new Int32Array(orgs.size);
    let count = 0;
    for (const orgId of orgs) {
      const number = record.numbers.get(orgId);
      if (number !== undefined) numbers[count++] = number;
    }
    return new OrgMembers(record, numbers.subarray(0, count));
  }

  get size(): number {
    return this.numbers.length;
  }

  hasNumber(number: number): boolean {
    return this.#held[number] === 1;
  }

  has(orgId: OrgId): boolean {
    return this.hasNumber(this.record.numbers.get(orgId) ?? -1);
  }

  values(): SetIterator<OrgId> {
    return idsOf(this.record, this.numbers).values();
  }

  keys(): SetIterator<OrgId> {
    return this.values();
  }

  entries(): SetIterator<[OrgId, OrgId]> {
    return idsOf(this.record, this.numbers).map((id): [OrgId, OrgId] => [id, id]).values();
  }

  forEach(callback: (value: OrgId, key: OrgId, set: ReadonlySet<OrgId>) => void): void {
    for (const id of this) callback(id, id, this);
  }

  [Symbol.iterator](): SetIterator<OrgId> {
    return this.values();
  }
}

/** Those that are also among the others, in the same order. */
export const among = (some: ReadonlySet<OrgId>, others: ReadonlySet<OrgId>): ReadonlySet<OrgId> => {
  if (!(some instanceof OrgMembers)) return new Set([...some].filter((orgId) => others.has(orgId)));
  const known = OrgMembers.of(some.record, others);
  const both = some.numbers.filter((number) => known.hasNumber(number));
  return both.length === some.size ? some : new OrgMembers(some.record, both);
};

const lastDayOf = (fact: Fact | undefined): Day | null => fact?.validTime?.last ?? null;

export const idOf = (record: TreeRecord, number: number): OrgId => {
  const id = record.ids[number];
  if (id === undefined) throw new RangeError(`no organisation has the number ${number}`);
  return id;
};

export const idsOf = (record: TreeRecord, numbers: Iterable<number>): readonly OrgId[] => {
  const ids: OrgId[] = [];
  for (const number of numbers) ids.push(idOf(record, number));
  return ids;
};

/** The organisations of a tree; each is described when it is asked for. */
class OrgsAtCut implements ReadonlyMap<OrgId, OrgNode> {
  readonly #tree: TreeAtCut;
  readonly #order: Int32Array;

  constructor(tree: TreeAtCut, order: Int32Array) {
    this.#tree = tree;
    this.#order = order;
  }

  get size(): number {
    return this.#order.length;
  }

  get(orgId: OrgId): OrgNode | undefined {
    const number = this.#tree.numberOf(orgId);
    return number === -1 ? undefined : this.#tree.node(number);
  }

  has(orgId: OrgId): boolean {
    return this.#tree.numberOf(orgId) !== -1;
  }

  keys(): MapIterator<OrgId> {
    return idsOf(this.#tree.record, this.#order).values();
  }

  values(): MapIterator<OrgNode> {
    return this.#nodes().values();
  }

  entries(): MapIterator<[OrgId, OrgNode]> {
    return this.#nodes().map((node): [OrgId, OrgNode] => [node.orgId, node]).values();
  }

  forEach(callback: (value: OrgNode, key: OrgId, map: ReadonlyMap<OrgId, OrgNode>) => void): void {
    for (const node of this.values()) callback(node, node.orgId, this);
  }

  [Symbol.iterator](): MapIterator<[OrgId, OrgNode]> {
    return this.entries();
  }

  #nodes(): readonly OrgNode[] {
    return Array.from(this.#order, (number) => this.#tree.node(number));
  }
}

/** A tree at one cut in arrays by the numbers of organisations: each has its parent, its first child and its next sibling, in the order of registration. */
export class TreeAtCut implements OrgTree {
  readonly record: TreeRecord;
  readonly tree: OrgTree['tree'];
  readonly orgs: ReadonlyMap<OrgId, OrgNode>;
  readonly roots: readonly OrgId[];
  readonly leftOut: readonly LeftOutEdge[];
  readonly #fold: TreeFold;
  readonly #parents: Int32Array;
  readonly #firstChildren: Int32Array;
  readonly #nextSiblings: Int32Array;

  constructor(record: TreeRecord, fold: TreeFold, { parents, leftOut }: LaidEdges) {
    this.record = record;
    this.#fold = fold;
    this.#parents = parents;
    this.leftOut = leftOut;
    const opening = record.facts[fold.opened]?.event;
    this.tree = opening?.type === 'TreeOpened' ? opening.data : null;
    this.orgs = new OrgsAtCut(this, fold.order);
    this.#firstChildren = new Int32Array(parents.length).fill(-1);
    this.#nextSiblings = new Int32Array(parents.length).fill(-1);
    this.roots = idsOf(record, this.#link());
  }

  /** All that are in it, in the order of registration. */
  get numbers(): Int32Array {
    return this.#fold.order;
  }

  children(orgId: OrgId): readonly OrgId[] {
    const number = this.numberOf(orgId);
    const children: OrgId[] = [];
    if (number !== -1) this.forEachChild(number, (child) => children.push(idOf(this.record, child)));
    return children;
  }

  subtree(orgId: OrgId): readonly OrgId[] {
    const number = this.numberOf(orgId);
    return number === -1 ? [] : idsOf(this.record, this.#below(number));
  }

  byCode(code: string): OrgNode | null {
    const candidates = [...this.record.byCode.get(code) ?? []].filter((number) => this.hasNumber(number)).map((number) => this.node(number)).filter((node) => node.code === code);
    if (candidates.length < 2) return candidates[0] ?? null;
    const place = ({ orgId }: OrgNode): number => this.#fold.order.indexOf(this.numberOf(orgId));
    const inOrder = candidates.toSorted((a, b) => place(a) - place(b));
    return inOrder.findLast(isCurrentOrg) ?? inOrder.at(-1) ?? null;
  }

  isWithin(orgId: OrgId, ancestorId: OrgId): boolean {
    const ancestor = this.numberOf(ancestorId);
    let number = this.numberOf(orgId);
    while (number !== ancestor && number !== -1) number = this.parentNumber(number);
    return number !== -1;
  }

  /** An organisation and all below it; it alone where it is not in the tree. */
  members(orgId: OrgId): ReadonlySet<OrgId> {
    const number = this.numberOf(orgId);
    return number === -1 ? new Set([orgId]) : new OrgMembers(this.record, this.#below(number));
  }

  hasNumber(number: number): boolean {
    return (this.#fold.registrations[number] ?? -1) !== -1;
  }

  /** -1 for one that is not in the tree. */
  numberOf(orgId: OrgId): number {
    const number = this.record.numbers.get(orgId) ?? -1;
    return this.hasNumber(number) ? number : -1;
  }

  /** -1 for a root. */
  parentNumber(number: number): number {
    return at(this.#parents, number);
  }

  forEachChild(number: number, callback: (child: number) => void): void {
    for (let child = at(this.#firstChildren, number); child !== -1; child = at(this.#nextSiblings, child)) callback(child);
  }

  node(number: number): OrgNode {
    const { facts } = this.record;
    const { registrations, placements, mergers, names, dissolutions } = this.#fold;
    const [registration, placement] = [facts[at(registrations, number)], facts[at(placements, number)]];
    if (registration?.event.type !== 'OrgRegistered' || placement === undefined) throw new RangeError(`organisation ${number} is not in the tree`);
    const [merger, renaming, dissolution] = [mergers, names, dissolutions].map((last) => facts[last.get(number) ?? -1]);
    const { orgId, level } = registration.event.data;
    const { code, name } = renaming?.event.type === 'OrgRenamed' ? renaming.event.data : registration.event.data;
    const parent = this.parentNumber(number);
    const mergedInto = merger?.event.type === 'OrgMerged' ? merger.event.data.successorId : null;
    return {
      orgId, code, name, level, parentId: parent === -1 ? null : idOf(this.record, parent), mergedInto, mergedOn: lastDayOf(merger), dissolvedOn: lastDayOf(dissolution),
      registeredBy: registration.eventId, placedBy: placement.eventId,
    };
  }

  /** An organisation and all below it: one after the other, each before its children. */
  #below(top: number): Int32Array {
    const below: number[] = [];
    for (let number = top; number !== -1;) {
      below.push(number);
      let next = at(this.#firstChildren, number);
      for (; next === -1 && number !== top; number = this.parentNumber(number)) next = at(this.#nextSiblings, number);
      number = next;
    }
    return new Int32Array(below);
  }

  /** Hangs all below their parents; gives the roots. */
  #link(): readonly number[] {
    const { order } = this.#fold;
    const roots: number[] = [];
    for (let place = order.length - 1; place >= 0; place -= 1) {
      const number = at(order, place);
      const parent = at(this.#parents, number);
      if (parent === -1) roots.push(number);
      else {
        this.#nextSiblings[number] = at(this.#firstChildren, parent);
        this.#firstChildren[parent] = number;
      }
    }
    return roots.reverse();
  }
}
