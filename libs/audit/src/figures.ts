import { canonicalJson, createEventCodec, sha256Hex } from '@rectrail/event-store';
import { isDay, position, type Cut, type Day, type Fact, type Instant, type OrgId, type TreeId } from '@rectrail/kernel';
import { figureDefinitions, trackingEventDefinitions, type FigureQuery, type TrackingEvent } from '@rectrail/tracking-domain';
import { dashboard, deadlines, funds } from '@rectrail/tracking-domain/figures';
import { z } from 'zod';
import type { Lack, LogEntry } from './entry.ts';
import { storedOf } from './stored.ts';

const digestOf = (figures: unknown): string => sha256Hex(canonicalJson(figures));

/** A digest may be published without its figures; those that are there have one. */
const isFigures = (figures: unknown): boolean => {
  try {
    return figures === undefined || digestOf(figures) !== '';
  } catch {
    return false;
  }
};

/** What was published: the answer of a dashboard, of deadlines or of funds, saved as the server gave it. What else has a digest does not say by what it was computed. */
const figuresAnswer = z.object({
  definition: z.string().max(200),
  digest: z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256'),
  cut: z.object({
    validAt: z.string().refine(isDay, 'no day'), knownAt: z.iso.datetime({ precision: 3 }), atPosition: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  }),
  org: z.object({ orgId: z.uuid() }).nullable().optional(),
  tree: z.string().min(1).max(200).optional(),
  treeOn: z.string().refine(isDay, 'no day').optional(),
  policy: z.union([z.uuid(), z.literal('default')]).nullable().optional(),
  within: z.uuid().nullable().optional(),
  figures: z.unknown().refine(isFigures, 'no figures'),
});
export type PublishedFigures = z.infer<typeof figuresAnswer>;

/** @throws RangeError for what names no cut, definition and digest */
export const parseFigures = (text: string): PublishedFigures => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new RangeError('it is no JSON');
  }
  const parsed = figuresAnswer.safeParse(value);
  if (!parsed.success) throw new RangeError(`it carries no cut, definition and digest: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
};

/** `confirmed`: the events make the same digest. `differs`: every content is there, and they do not. Else why it cannot be told. */
export interface Rederived {
  readonly outcome: 'confirmed' | 'differs' | 'not-rederivable';
  readonly definition: string;
  readonly digest: string;
  readonly why: string | null;
}

/** Most places that a reason names. */
const namedMax = 5;
/** Streams that no figure rests on. */
const besides = /^(reminders-|subscription-|purge-)/;

interface Lacking { readonly position: number; readonly lacks: Lack }

const judges: Readonly<Record<string, (facts: readonly Fact<TrackingEvent>[], cut: Cut, query: FigureQuery) => { readonly figures: unknown }>> = {
  [figureDefinitions.dashboard]: dashboard, [figureDefinitions.deadlines]: deadlines, [figureDefinitions.funds]: funds,
};

/** By what the figures were computed; null where the answer does not say. Of money no policy judges. */
const queryOf = ({ definition, org, tree, treeOn, policy = definition === figureDefinitions.funds ? null : undefined }: PublishedFigures): FigureQuery | null => {
  if (org === undefined || tree === undefined || treeOn === undefined || policy === undefined) return null;
  // The schema has said so.
  return { org: (org?.orgId ?? null) as OrgId | null, tree: tree as TreeId, treeOn: treeOn as Day, policy: policy as FigureQuery['policy'] };
};

const list = (lacking: readonly Lacking[]): string => {
  const named = lacking.slice(0, namedMax).map(({ position: at, lacks }) => `${lacks} at ${at}`).join(', ');
  return lacking.length > namedMax ? `${named} and ${lacking.length - namedMax} more` : named;
};

/** Keeps the facts of a verified log, and computes published figures from them by the module that is the oracle of the read models (rules.md section 7). */
export class FiguresJudge {
  readonly #codec = createEventCodec(trackingEventDefinitions);
  readonly #facts: Fact<TrackingEvent>[] = [];
  readonly #lacking: Lacking[] = [];
  readonly #after: number;
  #last: number;

  /** `after`: events before the first that it is given. */
  constructor(after: number) {
    [this.#after, this.#last] = [after, after];
  }

  add(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      this.#last = entry.position;
      if (entry.lacks === null) this.#facts.push(this.#codec.decode(storedOf(entry)) as Fact<TrackingEvent>);
      else if (!besides.test(entry.streamId)) this.#lacking.push({ position: entry.position, lacks: entry.lacks });
    }
  }

  rederive(published: PublishedFigures): Rederived {
    const { definition, digest, figures, within, cut: { validAt, knownAt, atPosition } } = published;
    const judge = judges[definition];
    const query = queryOf(published);
    const told = (outcome: Rederived['outcome'], why: string | null): Rederived => ({ outcome, definition, digest, why });
    if (judge === undefined) return told('not-rederivable', `nothing here computes ${definition}`);
    if (query === null || within === undefined) return told('not-rederivable', 'the answer does not say by which policy, tree and jurisdiction it was computed');
    if (figures !== undefined && digestOf(figures) !== digest) return told('differs', 'the figures are not those of their digest');
    if (this.#after > 0) return told('not-rederivable', `the events up to ${this.#after} were not read`);
    if (atPosition > this.#last) return told('not-rederivable', `the events end at ${this.#last}, the figures are of ${atPosition}`);
    // The schema has just said so.
    const cut: Cut = { validAt: validAt as Day, knownAt: knownAt as Instant, atPosition: position(atPosition) };
    if (digestOf(judge(this.#facts, cut, query).figures) === digest) return told('confirmed', null);
    const lacking = this.#lacking.filter(({ position: at }) => at <= atPosition);
    if (lacking.length > 0) return told('not-rederivable', list(lacking));
    return within === null ? told('differs', 'the events make other figures') : told('not-rederivable', `only what the jurisdiction of ${within} had at the time of asking was counted`);
  }
}
