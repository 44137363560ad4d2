import type { Cut, OrgId } from '@rectrail/kernel';
import type { LeftOutEdge } from '@rectrail/tracking-domain';
import { ReferenceStream } from './reference-stream.ts';
import { MembersWalk } from './members-walk.ts';
import { at, idOf, TreeAtCut, type LaidEdges, type TreeFact, type TreeFold, type TreeRecord } from './tree-at-cut.ts';

const isStructural = (type: TreeFact['event']['type'] | undefined): boolean => type === 'OrgRegistered' || type === 'OrgMoved' || type === 'OrgMerged';

interface GrowingFold extends TreeFold {
  opened: number;
  readonly mergers: Map<number, number>;
  readonly names: Map<number, number>;
  readonly dissolutions: Map<number, number>;
}

/** Under which organisation a fact puts its own; null where under none. */
const targetOf = ({ event }: TreeFact): OrgId | null =>
  (event.type === 'OrgMerged' ? event.data.successorId : event.type === 'OrgRegistered' || event.type === 'OrgMoved' ? event.data.parentId : null);

/**
 * The stream of a tree, prepared so that the tree at any cut is a pass over numbers: what `treeAt` of the domain makes of the facts that count there, by the same
 * rules.
 */
export class TreeStream extends ReferenceStream<TreeFact> implements TreeRecord {
  readonly ids: OrgId[] = [];
  readonly numbers = new Map<OrgId, number>();
  readonly byCode = new Map<string, Set<number>>();
  /** By place in the stream: what a fact is, of which organisation, and under which one it puts it; -1 for none. */
  readonly #types: TreeFact['event']['type'][] = [];
  readonly #subjects: number[] = [];
  readonly #targets: number[] = [];

  override add(fact: TreeFact): void {
    super.add(fact);
    const { event } = fact;
    const subject = event.type === 'TreeOpened' || event.type === 'FactsRetracted' ? -1 : this.#take(event.data.orgId);
    const target = targetOf(fact);
    this.#types.push(event.type);
    this.#subjects.push(subject);
    this.#targets.push(target === null ? -1 : this.#take(target));
    if (event.type !== 'OrgRegistered' && event.type !== 'OrgRenamed') return;
    const holders = this.byCode.get(event.data.code);
    if (holders === undefined) this.byCode.set(event.data.code, new Set([subject]));
    else holders.add(subject);
  }

  treeAt(cut: Cut): TreeAtCut {
    const fold = this.#fold(this.countingAt(cut));
    return new TreeAtCut(this, fold, this.#layEdges(fold));
  }

  /**
   * An organisation and all below it at each of the cuts, which are of one position and go forwards in both times: the same set where it stays the same. No tree is laid
   * where what changed leaves everyone in or out.
   */
  membersAlong(orgId: OrgId, cuts: readonly [Cut, ...Cut[]]): readonly ReadonlySet<OrgId>[] {
    const changes = this.changesAlong(cuts).map((places) => new Set(places.filter((place) => isStructural(this.#types[place])).map((place) => this.#subjects[place] ?? -1)));
    const concerned = new Set(changes.flatMap((subjects) => [...subjects]));
    const counting = this.countingAmong((place) => concerned.has(this.#subjects[place] ?? -1));
    let walk = new MembersWalk(this.treeAt(cuts[0]), orgId);
    return cuts.map((cut, i) => {
      const changed = changes[i];
      if (changed !== undefined && changed.size > 0 && !walk.keeps(this.#edgesOf(changed, counting(cut)))) walk = new MembersWalk(this.treeAt(cut), orgId, walk);
      return walk.members;
    });
  }

  /** What facts in fold order say of where each of these organisations hangs: the targets of its edges; null where it is not registered. */
  #edgesOf(subjects: ReadonlySet<number>, counting: readonly number[]): ReadonlyMap<number, readonly number[] | null> {
    const edges = new Map<number, { readonly placement: number; readonly merger: number } | null>([...subjects].map((subject) => [subject, null]));
    for (const place of counting) {
      const [subject, type, target] = [this.#subjects[place] ?? -1, this.#types[place], this.#targets[place] ?? -1];
      const known = edges.get(subject);
      if (type === 'OrgRegistered' && known !== undefined) edges.set(subject, { placement: target, merger: -1 });
      else if (known != null && type === 'OrgMoved') edges.set(subject, { ...known, placement: target });
      else if (known != null && type === 'OrgMerged') edges.set(subject, { placement: -1, merger: target });
    }
    return new Map([...edges].map(([subject, known]) => [subject, known === null ? null : [known.placement, known.merger].filter((target) => target !== -1)]));
  }

  #take(orgId: OrgId): number {
    const known = this.numbers.get(orgId);
    if (known !== undefined) return known;
    this.numbers.set(orgId, this.ids.length);
    return this.ids.push(orgId) - 1;
  }

  /** A fact about an organisation whose registration does not count changes nothing. */
  #fold(counting: Int32Array): TreeFold {
    const none = (): Int32Array => new Int32Array(this.ids.length).fill(-1);
    const fold: GrowingFold = { opened: -1, order: none(), registrations: none(), placements: none(), mergers: new Map(), names: new Map(), dissolutions: new Map() };
    let registered = 0;
    for (const index of counting) {
      const subject = this.#subjects[index] ?? -1;
      const isRegistered = subject !== -1 && fold.registrations[subject] !== -1;
      if (this.#types[index] === 'TreeOpened') fold.opened = index;
      else if (this.#types[index] === 'OrgRegistered') {
        if (!isRegistered) fold.order[registered++] = subject;
        this.#register(fold, subject, index);
      } else if (isRegistered) this.#change(fold, subject, index);
    }
    return { ...fold, order: fold.order.subarray(0, registered) };
  }

  #register(fold: GrowingFold, subject: number, index: number): void {
    if (fold.registrations[subject] !== -1) for (const last of [fold.mergers, fold.names, fold.dissolutions]) last.delete(subject);
    fold.registrations[subject] = index;
    fold.placements[subject] = index;
  }

  #change(fold: GrowingFold, subject: number, index: number): void {
    const type = this.#types[index];
    if (type === 'OrgMoved' || type === 'OrgMerged') fold.placements[subject] = index;
    if (type === 'OrgMerged') fold.mergers.set(subject, index);
    else if (type === 'OrgRenamed') fold.names.set(subject, index);
    else if (type === 'OrgDissolved') fold.dissolutions.set(subject, index);
  }

  /** From the newest recorded to the oldest; what would close a cycle or give a second parent is left out. */
  #layEdges({ order, registrations, placements, mergers }: TreeFold): LaidEdges {
    const inForce = new Uint8Array(this.facts.length);
    for (const subject of order) {
      const index = at(placements, subject);
      if (this.#targets[index] !== -1) inForce[index] = 1;
    }
    // A later place does not end a merger.
    for (const index of mergers.values()) inForce[index] = 1;
    const parents = new Int32Array(registrations.length).fill(-1);
    const leftOut: LeftOutEdge[] = [];
    for (let index = inForce.length - 1; index >= 0; index -= 1) {
      if (inForce[index] !== 1) continue;
      const [subject, target] = [this.#subjects[index] ?? -1, this.#targets[index] ?? -1];
      const reason = registrations[target] === -1 ? 'unknown-parent' : parents[subject] !== -1 ? 'second-parent' : isBelow(parents, target, subject) ? 'cycle' : null;
      const fact = this.facts[index];
      if (reason === null) parents[subject] = target;
      else if (fact !== undefined) leftOut.push({ orgId: idOf(this, subject), parentId: idOf(this, target), eventId: fact.eventId, reason });
    }
    return { parents, leftOut };
  }
}

/** Whether walking up from an organisation, itself included, leads to another. */
const isBelow = (parents: Int32Array, from: number, to: number): boolean => {
  let number = from;
  while (number !== to && number !== -1) number = at(parents, number);
  return number === to;
};
