import { decodeCursor, encodeCursor, filtersHash, type CursorKey, type PagedList } from './cursor.ts';
import { isSameCut, readAt, type ReadContext, type ReadSession } from './read-session.ts';
import type { PageRequest, ReadRequest } from './requests.ts';
import { ReadRejected } from './tracking-read.ts';

/** What of a request is no filter: a cursor binds the rest, and the cuts by their resolved values. */
const unbound = new Set(['cursor', 'limit', 'validAt', 'knownAt', 'atPosition', 'atLeast', 'within']);

/**
 * Runs a list at the cut of its cursor, where there is one; `next` makes the cursor of the page after.
 * @throws ReadRejected `cursor-invalid`, `cursor-mismatch`.
 */
export const paged = async <T>(
  context: ReadContext, list: PagedList, request: ReadRequest & PageRequest,
  read: (session: ReadSession, after: CursorKey | null, next: (key: CursorKey) => string) => Promise<T>,
): Promise<T> => {
  const hash = filtersHash(list, Object.fromEntries(Object.entries(request).filter(([name]) => !unbound.has(name))));
  const after = request.cursor === undefined ? null : decodeCursor(request.cursor, list, hash);
  if (after !== null && !isSameCut(context.zone, after.cut, request)) {
    throw new ReadRejected('cursor-mismatch', 'the cursor belongs to other cuts. Potential solutions: leave the cuts out, since the cursor brings its own, or start without a cursor');
  }
  return readAt(context, { ...request, ...after?.cut }, (session) => read(session, after?.key ?? null, (key) => encodeCursor(hash, session.cut, key)), 'generic');
};
