import type { OrgId } from '@rectrail/kernel';
import type { TreeAtCut } from './tree-at-cut.ts';

const isSame = (a: ReadonlySet<OrgId>, b: ReadonlySet<OrgId>): boolean => a.size === b.size && [...a].every((member) => b.has(member));

/** An organisation and all below it, while the tree changes edge by edge from how it was laid. */
export class MembersWalk {
  readonly members: ReadonlySet<OrgId>;
  readonly #tree: TreeAtCut;
  readonly #top: number;
  /** Where it is no longer what the tree says; -1 for a root. */
  readonly #parents = new Map<number, number>();
  readonly #held: Uint8Array;

  /** The set itself is that of the walk before, where it holds the same. */
  constructor(tree: TreeAtCut, orgId: OrgId, before?: MembersWalk) {
    const laid = tree.members(orgId);
    this.members = before !== undefined && isSame(before.members, laid) ? before.members : laid;
    this.#tree = tree;
    this.#top = tree.numberOf(orgId);
    this.#held = new Uint8Array(tree.record.ids.length);
    for (const member of laid) this.#held[tree.record.numbers.get(member) ?? -1] = 1;
  }

  /**
   * Whether the same are members with these organisations at other places: true where it surely is so. A tree from which edges were left out, or to which one comes that
   * may have to be, has to be laid anew.
   */
  keeps(edges: ReadonlyMap<number, readonly number[] | null>): boolean {
    if (this.#tree.leftOut.length > 0 || this.#top === -1) return false;
    for (const [subject, targets] of edges) {
      if (targets === null || targets.length > 1 || !this.#tree.hasNumber(subject)) return false;
      const [parent = -1] = targets;
      if (parent !== -1 && !this.#tree.hasNumber(parent)) return false;
      if (subject !== this.#top && this.#held[subject] !== (parent === -1 ? 0 : this.#held[parent])) return false;
      if (this.#isAbove(subject, parent)) return false;
      this.#parents.set(subject, parent);
    }
    return true;
  }

  #isAbove(subject: number, from: number): boolean {
    let number = from;
    while (number !== -1 && number !== subject) number = this.#parents.get(number) ?? this.#tree.parentNumber(number);
    return number === subject && number !== -1;
  }
}
