import type { OrgId } from '@rectrail/kernel';
import type { ReadSession } from './read-session.ts';
import { among, type TreeAtCut } from './tree-at-cut.ts';

/** Owners in the order of a list. */
export class OrgOrder {
  readonly orgIds: readonly OrgId[];
  #places: ReadonlyMap<OrgId, number> | null = null;
  #text: string | null = null;

  constructor(orgIds: readonly OrgId[]) {
    this.orgIds = orgIds;
  }

  /** As PostgreSQL writes an array of them; the driver would look into each of ten thousand for what has to be escaped. */
  get text(): string {
    this.#text ??= arrayText(this.orgIds);
    return this.#text;
  }

  /** From 0; -1 for an organisation that is none of them. */
  placeOf(orgId: OrgId): number {
    this.#places ??= new Map(this.orgIds.map((one, place) => [one, place]));
    return this.#places.get(orgId) ?? -1;
  }

  get reversed(): OrgOrder {
    return new OrgOrder(this.orgIds.toReversed());
  }
}

export const arrayText = (ids: readonly string[]): string => `{${ids.join(',')}}`;

interface WholeOrder { readonly reference: TreeAtCut; readonly roots: string; readonly order: OrgOrder }

/** By the tree: it is kept as long as it is read, and so is its order. */
const wholeOrders = new WeakMap<TreeAtCut, WholeOrder>();

/** All that may own anything: the tree by which the read rolls up, each organisation before those below it; then those that do not stand in it, by their ids. */
const wholeOrder = (session: ReadSession): OrgOrder => {
  const { rollUp, standing } = session;
  const [reference, roots] = [session.reference.referenceTree(standing.registers), standing.roots.join()];
  const known = wholeOrders.get(rollUp);
  if (known?.reference === reference && known.roots === roots) return known.order;
  const inTree = rollUp.roots.flatMap((root) => rollUp.subtree(root));
  const others = [...reference.orgs.keys(), ...standing.roots].filter((orgId) => !rollUp.orgs.has(orgId));
  const order = new OrgOrder([...inTree, ...[...new Set(others)].sort()]);
  wholeOrders.set(rollUp, { reference, roots, order });
  return order;
};

export interface ListedOwners {
  /** Whose things a list shows. */
  readonly owners: OrgOrder;
  /** Whether nobody else owns anything. */
  readonly isAll: boolean;
  /** Those who may own something and are none of them; null where they are not fewer. */
  readonly others: OrgOrder | null;
  /** About how many may own anything. */
  readonly everyone: number;
}

const everyoneListed = (owners: OrgOrder): ListedOwners => ({ owners, isAll: true, others: new OrgOrder([]), everyone: owners.orgIds.length });

/** In the same order without that of everyone, of which a list asks little: those who all lie below the first of them. Null for others. */
const belowFirst = ({ rollUp }: ReadSession, members: ReadonlySet<OrgId>): readonly OrgId[] | null => {
  const [first] = members;
  const below = first === undefined ? members : among(rollUp.members(first), members);
  return below.size === members.size ? [...below] : null;
};

/** `members` null: everyone. */
export const listedOwners = (session: ReadSession, members: ReadonlySet<OrgId> | null): ListedOwners => {
  if (members === null) return everyoneListed(wholeOrder(session));
  const { rollUp, reference, standing } = session;
  const everyone = Math.max(rollUp.orgs.size, reference.referenceTree(standing.registers).orgs.size);
  const few = 2 * members.size < everyone ? belowFirst(session, members) : null;
  if (few !== null) return { owners: new OrgOrder(few), isAll: false, others: null, everyone };
  const whole = wholeOrder(session);
  const { yes: owners = [], no: others = [] } = Object.groupBy(whole.orgIds, (orgId) => (members.has(orgId) ? 'yes' : 'no'));
  if (others.length === 0) return everyoneListed(whole);
  return { owners: new OrgOrder(owners), isAll: false, others: others.length < owners.length ? new OrgOrder(others) : null, everyone: whole.orgIds.length };
};
