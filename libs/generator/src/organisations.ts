import type { Actor, OrgId, PersonRef } from '@rectrail/kernel';
import { administrativeTreeId, isCurrentOrg, streams, type OrgLevel, type OrgNode } from '@rectrail/tracking-domain';
import { StreamEnd } from './journal.ts';
import { LiveTree } from './live-tree.ts';
import type { Random } from './random.ts';

export const administrator: Actor = { orgId: null, role: 'administrator', subject: 'province-office', assurance: 'local-token' };

/** How often an organisation of a level is inspected: all levels own issues, bureaus and units nearly all of them. */
const inspectedByLevel: readonly (readonly [number, OrgLevel])[] = [[0.3, 'province'], [3, 'city'], [4, 'district'], [6, 'county'], [47, 'bureau'], [39.7, 'unit']];
/** Every so manyth bureau is a large owner; together they are inspected as often as this. */
const largeOf = 100;
const largeShare = 0.08;
/** Persons of an organisation who act, and who judge. */
const hands = 4;

/** The organisations of the province: their tree, who of them acts, who is inspected next. */
export class Organisations {
  readonly tree = new LiveTree();
  readonly end = new StreamEnd(streams.organisationTree(administrativeTreeId));
  readonly #byLevel = new Map<OrgLevel, OrgId[]>();
  #inspected = 0;
  readonly #actors = new Map<number, Actor>();
  readonly #numbers = new Map<OrgId, number>();

  /** Called for each after its registration was recorded. */
  registered(orgId: OrgId, level: OrgLevel): void {
    this.#numbers.set(orgId, this.#numbers.size + 1);
    const peers = this.#byLevel.get(level);
    if (peers === undefined) this.#byLevel.set(level, [orgId]);
    else peers.push(orgId);
  }

  get count(): number {
    return this.#numbers.size;
  }

  node(orgId: OrgId): OrgNode {
    const node = this.tree.orgs.get(orgId);
    if (node === undefined) throw new Error(`organisation ${orgId} is not registered`);
    return node;
  }

  /** Any that stands today. */
  ofLevel(random: Random, level: OrgLevel): OrgId | null {
    const peers = this.#byLevel.get(level) ?? [];
    for (let tries = 0; tries < 20 && peers.length > 0; tries++) {
      const orgId = random.pick(peers);
      if (isCurrentOrg(this.node(orgId))) return orgId;
    }
    return null;
  }

  isLarge(orgId: OrgId): boolean {
    return this.node(orgId).level === 'bureau' && this.#numberOf(orgId) % largeOf === 0;
  }

  /** One of each level at first, then as their weights say. */
  inspectedNext(random: Random): OrgId {
    const large = random.chance(largeShare);
    const first = inspectedByLevel[this.#inspected]?.[1];
    this.#inspected += 1;
    for (;;) {
      const orgId = this.ofLevel(random, first ?? (large ? 'bureau' : random.weighted(inspectedByLevel)));
      if (orgId !== null && (first !== undefined || !large || this.isLarge(orgId) || random.chance(1 / largeOf))) return orgId;
    }
  }

  /** One below it, else itself: to whom a matter of its is given. */
  below(random: Random, orgId: OrgId): OrgId {
    const children = this.tree.children(orgId).filter((child) => isCurrentOrg(this.node(child)));
    return children.length === 0 ? orgId : random.pick(children);
  }

  /** One of its people, by whom it acts for itself. */
  reporter(random: Random, orgId: OrgId): Actor {
    return this.#actor(orgId, 'reporter', random.int(1, hands));
  }

  /** One of those above it, who judges; above the province there is its office alone. */
  supervisor(random: Random, orgId: OrgId): Actor {
    const { parentId } = this.node(orgId);
    return parentId === null ? administrator : this.#actor(parentId, 'supervisor', random.int(1, hands));
  }

  leader(random: Random, orgId: OrgId): PersonRef {
    // A reference by construction: the domain asks for a slug.
    return `P${this.#numberOf(orgId)}-${random.int(1, 9)}` as PersonRef;
  }

  /** One object a person: facts keep it for as long as anything happens to what they are about. */
  #actor(orgId: OrgId, role: 'reporter' | 'supervisor', hand: number): Actor {
    const key = (this.#numberOf(orgId) * 2 + (role === 'reporter' ? 0 : 1)) * (hands + 1) + hand;
    const known = this.#actors.get(key);
    if (known !== undefined) return known;
    const actor: Actor = { orgId, role, subject: `${role === 'reporter' ? 'U' : 'V'}${this.#numberOf(orgId)}-${hand}`, assurance: 'local-token' };
    this.#actors.set(key, actor);
    return actor;
  }

  #numberOf(orgId: OrgId): number {
    return this.#numbers.get(orgId) ?? 0;
  }
}
