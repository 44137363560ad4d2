import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';

const unusual = Symbol('unusual');
/** Of what an event holds; a cycle is found by whoever takes the long way. */
const depthMax = 64;

/** Keys that a copy would not keep in the order given: those that look like array indices, and the one that sets the prototype. */
const keepsItsPlace = (key: string): boolean => (key < '0' || key >= ':') && key !== '__proto__' && key.isWellFormed();

/** The value with the keys of every object in the order of RFC 8785, itself where they are so already; `unusual` for what is not plain JSON. */
const inOrder = (value: unknown, depth: number): unknown => {
  if (typeof value === 'string') return value.isWellFormed() ? value : unusual;
  if (typeof value === 'number') return Number.isFinite(value) ? value : unusual;
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value !== 'object' || depth === 0) return unusual;
  if (Array.isArray(value)) return listInOrder(value, depth);
  return Object.getPrototypeOf(value) === Object.prototype ? objectInOrder(value as Readonly<Record<string, unknown>>, depth) : unusual;
};

const listInOrder = (list: readonly unknown[], depth: number): unknown => {
  let copy: unknown[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const item = inOrder(list[i], depth - 1);
    if (item === unusual) return unusual;
    if (item !== list[i]) copy ??= list.slice(0, i);
    copy?.push(item);
  }
  return copy ?? list;
};

const isSorted = (keys: readonly string[]): boolean => keys.every((key, i) => i === 0 || key > (keys[i - 1] ?? ''));

const objectInOrder = (object: Readonly<Record<string, unknown>>, depth: number): unknown => {
  const keys = Object.keys(object);
  if (!keys.every(keepsItsPlace)) return unusual;
  const isInOrder = isSorted(keys);
  let copy: Record<string, unknown> | undefined = isInOrder ? undefined : {};
  for (const key of isInOrder ? keys : keys.sort()) {
    const item = inOrder(object[key], depth - 1);
    if (item === unusual) return unusual;
    // What came before goes where it was, what follows is put anew in the same order.
    if (item !== object[key]) copy ??= { ...object };
    if (copy !== undefined) copy[key] = item;
  }
  return copy ?? object;
};

/**
 * The RFC 8785 text of a JSON value: the same bytes for the same value, everywhere.
 *
 * @remarks JSON.stringify writes strings and numbers as RFC 8785 wants them, so a plain value needs only its keys in order: half the time
 * and less of the walk that `canonicalize` makes, which is left for the rest.
 * @throws TypeError for what JSON does not have (undefined, functions); Error for NaN, infinities, lone surrogates and cycles.
 */
export const canonicalJson = (value: unknown): string => {
  const plain = inOrder(value, depthMax);
  const text = plain === unusual ? canonicalize(value) : JSON.stringify(plain);
  if (text === undefined) throw new TypeError('only a JSON value has a canonical text');
  return text;
};

/** SHA-256 of bytes, or of the UTF-8 bytes of a text, in lower-case hexadecimal. */
export const sha256Hex = (data: string | Uint8Array): string => hash('sha256', data, 'hex');
