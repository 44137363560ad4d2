import type { OrgId } from '@rectrail/kernel';
import type { ReadSession } from './read-session.ts';
import { among, idsOf, OrgMembers, type TreeAtCut, type TreeRecord } from './tree-at-cut.ts';

/** Elements of an array of uuids as PostgreSQL receives it in binary: length and 16 bytes each, five integers of four bytes as memory has them; by the numbers of organisations. */
const elements = new WeakMap<TreeRecord, Int32Array>();
const wordsOfElement = 5;

const elementsOf = (record: TreeRecord): Int32Array => {
  const known = elements.get(record);
  if (known?.length === record.ids.length * wordsOfElement) return known;
  const bytes = Buffer.from(new ArrayBuffer(record.ids.length * wordsOfElement * 4));
  for (const [number, id] of record.ids.entries()) {
    const at = number * wordsOfElement * 4;
    bytes.writeInt32BE(16, at);
    bytes.write(id.replaceAll('-', ''), at + 4, 'hex');
  }
  const made = new Int32Array(bytes.buffer);
  elements.set(record, made);
  return made;
};

const uuidOid = 2_950;

/** Dimensions, no nulls, type of the elements, their number, the first is 1; then they. */
const arrayBytes = (record: TreeRecord, numbers: Int32Array): Buffer => {
  const from = elementsOf(record);
  const words = new Int32Array(wordsOfElement * (1 + numbers.length));
  const bytes = Buffer.from(words.buffer);
  for (const [at, word] of [1, 0, uuidOid, numbers.length, 1].entries()) bytes.writeInt32BE(word, at * 4);
  let to = wordsOfElement;
  for (const number of numbers) for (let word = 0; word < wordsOfElement; word += 1) words[to++] = from[number * wordsOfElement + word] ?? 0;
  return bytes;
};

/** Owners in the order of a list. */
export class OrgOrder {
  readonly orgIds: readonly OrgId[];
  readonly #members: Pick<OrgMembers, 'record' | 'numbers'> | null;
  #places: ReadonlyMap<OrgId, number> | null = null;
  #array: Buffer | string | null = null;

  private constructor(orgIds: readonly OrgId[], members: Pick<OrgMembers, 'record' | 'numbers'> | null) {
    this.orgIds = orgIds;
    this.#members = members;
  }

  static of(orgIds: readonly OrgId[]): OrgOrder {
    return new OrgOrder(orgIds, null);
  }

  /** By their numbers, in which thousands are quickly told. */
  static ofNumbers(record: TreeRecord, numbers: Int32Array): OrgOrder {
    return new OrgOrder(idsOf(record, numbers), { record, numbers });
  }

  /** As a parameter. The driver would look into each of ten thousand for what has to be escaped, and their text is as long as some answers of a day. */
  get array(): Buffer | string {
    this.#array ??= this.#members === null || this.orgIds.length === 0 ? arrayText(this.orgIds) : arrayBytes(this.#members.record, this.#members.numbers);
    return this.#array;
  }

  /** From 0; -1 for an organisation that is none of them. */
  placeOf(orgId: OrgId): number {
    this.#places ??= new Map(this.orgIds.map((one, place) => [one, place]));
    return this.#places.get(orgId) ?? -1;
  }

  /** Those that are also among the others, and the rest, in the same order. */
  split(among: ReadonlySet<OrgId>): readonly [yes: OrgOrder, no: OrgOrder] {
    if (this.#members === null) {
      const { yes = [], no = [] } = Object.groupBy(this.orgIds, (orgId) => (among.has(orgId) ? 'yes' : 'no'));
      return [OrgOrder.of(yes), OrgOrder.of(no)];
    }
    const { record, numbers } = this.#members;
    const members = OrgMembers.of(record, among);
    return [OrgOrder.ofNumbers(record, numbers.filter((number) => members.hasNumber(number))), OrgOrder.ofNumbers(record, numbers.filter((number) => !members.hasNumber(number)))];
  }
}

export const arrayText = (ids: readonly string[]): string => `{${ids.join(',')}}`;

const joined = (parts: readonly Int32Array[]): Int32Array => {
  const all = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((at, part) => { all.set(part, at); return at + part.length; }, 0);
  return all;
};

interface WholeOrder { readonly reference: TreeAtCut; readonly roots: string; readonly order: OrgOrder }

/** By the tree: it is kept as long as it is read, and so is its order. */
const wholeOrders = new WeakMap<TreeAtCut, WholeOrder>();

/** All that may own anything: the tree by which the read rolls up, each organisation before those below it; then those that do not stand in it, by their ids. */
const wholeOrder = (session: ReadSession): OrgOrder => {
  const { rollUp, standing } = session;
  const [reference, roots] = [session.reference.referenceTree(standing.registers), standing.roots.join()];
  const known = wholeOrders.get(rollUp);
  if (known?.reference === reference && known.roots === roots) return known.order;
  const { record } = rollUp;
  const inTree = rollUp.roots.map((root) => OrgMembers.of(record, rollUp.members(root)).numbers);
  const referenced = reference.record === record ? idsOf(record, reference.numbers.filter((number) => !rollUp.hasNumber(number))) : [...reference.orgs.keys()];
  const others = [...new Set([...referenced, ...standing.roots].filter((orgId) => !rollUp.orgs.has(orgId)))].sort();
  const numbers = others.map((orgId) => record.numbers.get(orgId));
  const order = numbers.includes(undefined) ? OrgOrder.of([...inTree.flatMap((some) => idsOf(record, some)), ...others])
    : OrgOrder.ofNumbers(record, joined([...inTree, Int32Array.from(numbers, (number) => number ?? -1)]));
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

const everyoneListed = (owners: OrgOrder): ListedOwners => ({ owners, isAll: true, others: OrgOrder.of([]), everyone: owners.orgIds.length });

/** In the same order without that of everyone, of which a list asks little: those who all lie below the first of them. Null for others. */
const belowFirst = ({ rollUp }: ReadSession, members: ReadonlySet<OrgId>): OrgOrder | null => {
  const [first] = members;
  const below = first === undefined ? members : among(rollUp.members(first), members);
  if (below.size !== members.size) return null;
  return below instanceof OrgMembers ? OrgOrder.ofNumbers(below.record, below.numbers) : OrgOrder.of([...below]);
};

/** `members` null: everyone. */
export const listedOwners = (session: ReadSession, members: ReadonlySet<OrgId> | null): ListedOwners => {
  if (members === null) return everyoneListed(wholeOrder(session));
  const { rollUp, reference, standing } = session;
  const everyone = Math.max(rollUp.orgs.size, reference.referenceTree(standing.registers).orgs.size);
  const few = 2 * members.size < everyone ? belowFirst(session, members) : null;
  if (few !== null) return { owners: few, isAll: false, others: null, everyone };
  const whole = wholeOrder(session);
  const [owners, others] = whole.split(members);
  if (others.orgIds.length === 0) return everyoneListed(whole);
  return { owners, isAll: false, others: others.orgIds.length < owners.orgIds.length ? others : null, everyone: whole.orgIds.length };
};
