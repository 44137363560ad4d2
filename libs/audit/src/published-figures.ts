import { canonicalJson, sha256Hex } from '@rectrail/event-store';
import { isDay } from '@rectrail/kernel';
import { figureDefinitions } from '@rectrail/tracking-domain';
import { z } from 'zod';

export const digestOf = (figures: unknown): string => sha256Hex(canonicalJson(figures));

/** A digest may be published without its figures; those that are there have one. */
const isFigures = (figures: unknown): boolean => {
  try {
    return figures === undefined || digestOf(figures) !== '';
  } catch {
    return false;
  }
};

/** As many as a series has, and more names than there are. */
const [seriesPointsMax, namesMax, childrenMax] = [4_000, 1_000, 1_000_000];

const figures = z.unknown().refine(isFigures, 'no figures');
const day = z.string().refine(isDay, 'no day');
const digest = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256');
const text = z.string().min(1).max(200);
const cut = z.object({ validAt: day, knownAt: z.iso.datetime({ precision: 3 }), atPosition: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER) });

/** By what an answer was computed; what it does not say is not guessed. */
const chosen = {
  definition: text,
  org: z.object({ orgId: z.uuid() }).nullable().optional(),
  tree: text.optional(),
  treeAt: z.enum(['then', 'now']).optional(),
  treeOn: day.optional(),
  policy: z.union([z.uuid(), z.literal('default')]).nullable().optional(),
  within: z.uuid().nullable().optional(),
  withinAt: cut.nullable().optional(),
};
const plain = z.object({ ...chosen, cut, digest, figures });
const children = z.object({ ...chosen, cut, digest, total: figures, own: figures, children: z.array(figures).max(childrenMax) });
const value = z.union([z.number(), z.string().max(100)]);
const series = z.object({
  ...chosen, cut, digest, as: z.enum(['then', 'known']),
  figures: z.object({
    days: z.array(day).min(1).max(seriesPointsMax),
    values: z.record(text, z.array(value).max(seriesPointsMax)).refine((values) => Object.keys(values).length <= namesMax, 'too many names'),
  }),
});
const lateness = z.object({ ...chosen, cut, digest, figures, selection: z.object({ minDays: z.number().int().min(0), type: text.nullable(), actor: text.nullable() }).optional() });
const side = z.object({ cut, digest, treeOn: day.optional(), figures });
const comparison = z.object({ ...chosen, from: side, to: side, difference: figures });

/** What was published: an answer that has a digest, saved as the server gave it. */
export type PublishedFigures =
  | z.infer<typeof plain> & { readonly kind: 'plain' } | z.infer<typeof children> & { readonly kind: 'children' } | z.infer<typeof series> & { readonly kind: 'series' }
  | z.infer<typeof lateness> & { readonly kind: 'lateness' } | z.infer<typeof comparison> & { readonly kind: 'comparison' };
export type PublishedOf<K extends PublishedFigures['kind']> = Extract<PublishedFigures, { readonly kind: K }>;
export type PublishedCut = z.infer<typeof cut>;

const schemas = { plain, children, series, lateness, comparison };

/** Told by its parts. */
const kindOf = (answer: unknown): PublishedFigures['kind'] => {
  if (typeof answer !== 'object' || answer === null) return 'plain';
  if ('from' in answer && 'to' in answer) return 'comparison';
  if ('children' in answer) return 'children';
  if ('as' in answer) return 'series';
  return 'definition' in answer && answer.definition === figureDefinitions.lateness ? 'lateness' : 'plain';
};

/** @throws RangeError for what names no cut, definition and digest */
export const parseFigures = (json: string): PublishedFigures => {
  let answer: unknown;
  try {
    answer = JSON.parse(json);
  } catch {
    throw new RangeError('it is no JSON');
  }
  const kind = kindOf(answer);
  const parsed = schemas[kind].safeParse(answer);
  if (!parsed.success) throw new RangeError(`it carries no cut, definition and digest: ${z.prettifyError(parsed.error)}`);
  // The schema is that of the kind.
  return { ...parsed.data, kind } as PublishedFigures;
};
