import { instant, isDay, position, type Day, type Instant, type Position } from '@rectrail/kernel';
import { figureNamesIn } from '@rectrail/tracking-read';
import { z } from 'zod';
import { HttpProblem } from './http-problem.ts';

const isInstant = (text: string): boolean => {
  try {
    return instant(text) !== '';
  } catch {
    return false;
  }
};

// The refinements prove what the brands say.
export const dayParameter = z.string().refine(isDay, 'no such day: write YYYY-MM-DD').transform((text) => text as Day);
const instantOf = z.string().refine(isInstant, 'no such instant: write 2026-03-05T08:00:00Z, with a zone').transform((text): Instant => instant(text));
export const instantParameter = instantOf;
export const dayOrInstantParameter = z.union([dayParameter, instantOf], 'neither a day (2026-03-05) nor an instant with a zone (2026-03-05T08:00:00Z)');
export const positionParameter = z.string().regex(/^\d{1,15}$/, 'a position is a whole number').transform((text): Position => position(Number(text)));
/** A list such as `issues.total,issues.byBucket.*`. */
export const figuresParameter = z.string().max(4_000).transform((list, context): readonly string[] => {
  try {
    return figureNamesIn(list);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
    return z.NEVER;
  }
});
export const daysParameter = z.string().regex(/^\d{1,6}$/, 'a whole number of days').transform(Number);
/** More than there is money; a bigint of the database holds it. */
export const fenParameter = z.string().regex(/^\d{1,18}$/, 'a whole number of fen');
export const flagParameter = z.enum(['true', 'false']).transform((text) => text === 'true');
/** Coerced to its range by who uses it. */
export const limitParameter = z.string().regex(/^-?\d{1,9}$/, 'a whole number').transform(Number).describe('1 to 500, default 50; coerced, not refused');
/** Text that a read compares with what is stored. */
export const textParameter = (charactersMax: number) => z.string().min(1).max(charactersMax).regex(/^\P{Cc}*$/u, 'a control character');

/**
 * The query as its schema reads it.
 *
 * @throws HttpProblem `validation-failed` naming each parameter, unknown ones too.
 */
export const parseQuery = <S extends z.ZodType>(schema: S, query: unknown): z.output<S> => {
  const parsed = schema.safeParse(query);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((parameter) => ({ parameter, detail: 'no such parameter here' }))
      : [{ parameter: String(issue.path[0] ?? ''), detail: issue.message }]);
  throw new HttpProblem('validation-failed', `the query is wrong in ${errors.map(({ parameter }) => parameter).join(', ')}`, { errors });
};
