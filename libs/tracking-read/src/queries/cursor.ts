import { canonicalJson, sha256Hex } from '@rectrail/event-store';
import { day, instant, position, type Cut } from '@rectrail/kernel';
import { ReadRejected } from './tracking-read.ts';

/** Where a page ends: the sort key of its last item. */
export type CursorKey = readonly (string | number)[];

/** What a cursor is bound to: the list and its filters, as they were asked. */
export const filtersHash = (list: string, filters: Readonly<Record<string, unknown>>): string =>
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

/** @throws ReadRejected `cursor-invalid` for what this server did not give out, `cursor-mismatch` for a cursor of another list or other filters. */
export const decodeCursor = (text: string, filters: string): { readonly cut: Cut; readonly key: CursorKey } => {
  let content: ReturnType<typeof decoded>;
  try {
    content = decoded(text);
  } catch (cause) {
    throw new ReadRejected('cursor-invalid', 'the cursor is not one that this server gave out', {}, { cause });
  }
  if (content.filters !== filters) {
    throw new ReadRejected('cursor-mismatch', 'the cursor belongs to a list with other filters. Potential solutions: send the same filters again, or start without a cursor');
  }
  return content;
};

/** Default 50, coerced to 1 … 500. */
export const pageSizeOf = (asked: number | undefined): number => (asked === undefined || Number.isNaN(asked) ? 50 : Math.min(500, Math.max(1, Math.trunc(asked))));
