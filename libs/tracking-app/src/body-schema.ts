import { fuzzyDate, type FuzzyDate } from '@rectrail/kernel';
import { wire } from '@rectrail/tracking-domain';
import { z } from 'zod';

/** Pieces of command bodies, beside those of the events (`wire`). */

const dateInput = z.union([
  z.string(),
  z.strictObject({
    value: z.string(),
    printed: wire.printed.optional(),
    edge: z.enum(['on', 'byEndOf', 'endOf', 'since', 'early', 'around']).optional(),
    commitment: z.enum(['planned', 'striving']).optional(),
  }),
]);

/** A date of the ledger's grammar: `2026-03-05`, `2026-03`, `2026-Q1`, or with what was printed, its edge and its commitment. */
export const dateValue = dateInput.transform((input, context): FuzzyDate => {
  const date = fuzzyDate(typeof input === 'string' ? { value: input } : input);
  if (date !== null) return date;
  context.addIssue({ code: 'custom', message: 'no such date: write 2026-03-05, 2026-03, 2026-Q1, 2026-H1, 2026 or 2026-01..2026-03', params: { code: 'impossible-date' } });
  return z.NEVER;
}).describe('A day (2026-03-05), month (2026-03), quarter (2026-Q1), half-year, year or range (2026-01..2026-03)');

/** Left out means null. */
export const orNull = <T extends z.ZodType>(schema: T) => schema.nullable().default(null);

/** An organisation by its id or by its present code. */
export const orgRef = z.string().min(1).max(100).describe('Id or present code of an organisation');

/** What stands for `:id` where a command is named in a body: as in a path, without control characters. */
export const targetId = z.string().min(1).max(200).regex(/^\P{Cc}*$/u).optional().describe('The id in its path');

/** When it was true; left out means today. */
export const onField = { on: dateValue.optional().describe('When it was true in the world; default today') };
