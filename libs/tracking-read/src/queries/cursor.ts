import { canonicalJson, sha256Hex } from '@rectrail/event-store';
import { day, instant, isDay, isUuid, position, type Cut } from '@rectrail/kernel';
import { ReadRejected } from './tracking-read.ts';

/** Where a page ends: the sort key of its last item. */
export type CursorKey = readonly (string | number)[];

type KeyPart = 'integer' | 'position' | 'text' | 'uuid' | 'day' | 'instant' | 'fen';

/** A list of a register begins a page in one of its groups, by the number of a thing or by the value of a column (register-list.ts). */
const [byNumber, byDay, byFen] = [['integer', 'uuid', 'uuid', 'text', 'uuid', 'integer'], ['integer', 'day', 'uuid', 'uuid'], ['integer', 'fen', 'uuid', 'uuid']] as const;

/** The lists that have pages, and what the sort keys of each are made of. */
const keyShapes = {
  issues: [byNumber, byDay],
  deadlines: [byNumber, byDay],
  measures: [byNumber, byDay],
  funds: [byNumber, byFen],
  organisations: [['integer']],
  'audit-trail': [['integer']],
  lateness: [['integer', 'integer']],
  reminders: [['integer']],
  'reminders-due': [['uuid', 'uuid', 'text', 'uuid', 'integer']],
  // The earlier of two cuts, then owner, inspection, number and issue.
  compare: [['position', 'instant', 'day', 'uuid', 'uuid', 'text', 'uuid']],
  // The number of a frame.
  replay: [['integer']],
} as const satisfies Readonly<Record<string, readonly (readonly KeyPart[])[]>>;
export type PagedList = keyof typeof keyShapes;

const isInstant = (text: string): boolean => {
  try {
    return instant(text) === text;
  } catch {
    return false;
  }
};

const isPart = (kind: KeyPart, part: string | number | undefined): boolean => {
  if (kind === 'integer') return Number.isSafeInteger(part);
  if (kind === 'position') return typeof part === 'number' && Number.isSafeInteger(part) && part >= 0;
  if (typeof part !== 'string') return false;
  switch (kind) {
    case 'uuid': return isUuid(part);
    case 'day': return part === '-infinity' || isDay(part);
    case 'instant': return isInstant(part);
    case 'fen': return /^-?\d{1,18}$/.test(part);
    case 'text': return part.isWellFormed() && !part.includes('\0');
  }
};

/** A cursor comes from outside: what is no key of the list must not reach the database. */
const isKeyOf = (list: PagedList, key: CursorKey): boolean =>
  keyShapes[list].some((shape: readonly KeyPart[]) => key.length === shape.length && shape.every((kind, i) => isPart(kind, key[i])));

/** What a cursor is bound to: the list and its filters, as they were asked. */
export const filtersHash = (list: PagedList, filters: Readonly<Record<string, unknown>>): string =>
  sha256Hex(canonicalJson({ list, filters: Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined)) })).slice(0, 32);

/** Opaque to callers: filters, the three cuts and the key. */
export const encodeCursor = (filters: string, cut: Cut, key: CursorKey): string =>
  Buffer.from(JSON.stringify([filters, cut.atPosition, cut.knownAt, cut.validAt, ...key])).toString('base64url');

const decoded = (text: string): { readonly filters: unknown; readonly cut: Cut; readonly key: CursorKey } => {
  const content: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  if (!Array.isArray(content) || !content.every((part) => typeof part === 'string' || typeof part === 'number')) throw new RangeError('not the content of a cursor');
  const [filters, at, knownAt, validAt, ...key] = content;
  return { filters, cut: { atPosition: position(Number(at)), knownAt: instant(String(knownAt)), validAt: day(String(validAt)) }, key };
};

export const foreignCursor = (cause?: unknown): ReadRejected => new ReadRejected('cursor-invalid', 'the cursor is not one that this server gave out', {}, { cause });

/** @throws ReadRejected `cursor-invalid` for what this server did not give out, `cursor-mismatch` for a cursor of another list or other filters. */
export const decodeCursor = (text: string, list: PagedList, filters: string): { readonly cut: Cut; readonly key: CursorKey } => {
  let content: ReturnType<typeof decoded>;
  try {
    content = decoded(text);
  } catch (cause) {
    throw foreignCursor(cause);
  }
  if (content.filters !== filters) {
    throw new ReadRejected('cursor-mismatch', 'the cursor belongs to a list with other filters. Potential solutions: send the same filters again, or start without a cursor');
  }
  if (!isKeyOf(list, content.key)) throw foreignCursor();
  return content;
};

/** Default 50, coerced to 1 … 500. */
export const limitOf = (asked: number | undefined): number => (asked === undefined || Number.isNaN(asked) ? 50 : Math.min(500, Math.max(1, Math.trunc(asked))));
