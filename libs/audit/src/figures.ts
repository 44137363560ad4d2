import { createEventCodec } from '@rectrail/event-store';
import { lastInstantOf, position, type Cut, type Day, type Fact, type Instant, type OrgId, type TreeId } from '@rectrail/kernel';
import { figureDefinitions, trackingEventDefinitions, type DashboardFigures, type FigureQuery, type Jurisdiction, type TrackingEvent } from '@rectrail/tracking-domain';
import { dashboard, dashboardByChild, dashboards, deadlines, funds, lateness, type DashboardPlace } from '@rectrail/tracking-domain/figures';
import type { Lack, LogEntry } from './entry.ts';
import { digestOf, type PublishedCut, type PublishedFigures, type PublishedOf } from './published-figures.ts';
import { storedOf } from './stored.ts';

/** `confirmed`: the events make the same digest. `differs`: every content is there, and they do not. Else why it cannot be told. */
export interface Rederived {
  readonly outcome: 'confirmed' | 'differs' | 'not-rederivable';
  readonly definition: string;
  readonly digest: string;
  readonly why: string | null;
}

/** Most places that a reason names. */
const namedMax = 5;
/** Streams that no figure rests on but that of lateness, which counts every fact. */
const besides = /^(reminders-|subscription-|purge-)/;

interface Lacking { readonly position: number; readonly lacks: Lack; readonly streamId: string }
type Facts = readonly Fact<TrackingEvent>[];
type Judge = (facts: Facts, cut: Cut, query: FigureQuery) => { readonly figures: unknown };

const judges: Readonly<Record<string, Judge>> = { [figureDefinitions.dashboard]: dashboard, [figureDefinitions.deadlines]: deadlines, [figureDefinitions.funds]: funds };

/** Why an answer cannot be computed anew. */
class NotRederivable extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'NotRederivable';
  }
}

/** One digest of an answer: `figures` undefined where they were not published with it; `made`: those that the events make. */
interface Claim {
  readonly what: string;
  readonly digest: string;
  readonly figures: unknown;
  readonly cuts: readonly PublishedCut[];
  readonly made: (facts: Facts, zone: string) => unknown;
}

// The schema has said that they are.
const cutOf = ({ validAt, knownAt, atPosition }: PublishedCut): Cut => ({ validAt: validAt as Day, knownAt: knownAt as Instant, atPosition: position(atPosition) });

/** Of money and lateness no policy judges, and a series has each owner's own. */
const isJudged = ({ kind, definition }: PublishedFigures): boolean => definition !== figureDefinitions.funds && kind !== 'series' && kind !== 'lateness';

const jurisdictionOf = (within: string, { withinAt = null }: PublishedFigures): Jurisdiction => {
  if (withinAt === null) throw new NotRederivable(`the answer does not say of when the jurisdiction of ${within} is`);
  return { org: within as OrgId, cut: cutOf(withinAt) };
};

/** By what the figures were computed. @throws NotRederivable where the answer does not say */
const queryOf = (published: PublishedFigures): FigureQuery => {
  const { org, tree, treeOn, within } = published;
  const policy = isJudged(published) ? published.policy : null;
  if (org === undefined || tree === undefined || treeOn === undefined || policy === undefined || within === undefined) throw new NotRederivable('the answer does not say by which policy, tree and jurisdiction it was computed');
  // The schema has said so.
  return {
    org: (org?.orgId ?? null) as OrgId | null, tree: tree as TreeId, treeOn: treeOn as Day, policy: policy as FigureQuery['policy'],
    within: within === null ? null : jurisdictionOf(within, published),
  };
};

/** An answer rests on what stood at its cut, and at that of its jurisdiction. */
const cutsOf = ({ withinAt = null }: Pick<PublishedFigures, 'withinAt'>, ...cuts: readonly PublishedCut[]): readonly PublishedCut[] => (withinAt === null ? cuts : [...cuts, withinAt]);

const inZone = (zone: string): string => {
  if (zone === '') throw new NotRederivable('the event that tells the zone of the installation is not there');
  return zone;
};

const plainClaim = (published: PublishedOf<'plain'>): Claim => {
  const { definition, digest, figures, cut } = published;
  const judge = judges[definition];
  if (judge === undefined) throw new NotRederivable(`nothing here computes ${definition}`);
  const query = queryOf(published);
  return { what: 'the figures', digest, figures, cuts: cutsOf(published, cut), made: (facts) => judge(facts, cutOf(cut), query).figures };
};

const childrenClaim = (published: PublishedOf<'children'>): Claim => {
  const { digest, total, own, children, cut } = published;
  const query = queryOf(published);
  return { what: 'the figures', digest, figures: { total, own, children }, cuts: cutsOf(published, cut), made: (facts) => dashboardByChild(facts, cutOf(cut), query) };
};

const latenessClaim = (published: PublishedOf<'lateness'>): Claim => {
  const { digest, figures, cut, selection } = published;
  if (selection === undefined) throw new NotRederivable('the answer does not say of which facts it is');
  const query = queryOf(published);
  return { what: 'the figures', digest, figures, cuts: cutsOf(published, cut), made: (facts, zone) => lateness(facts, cutOf(cut), { ...query, ...selection, zone: inZone(zone) }).figures };
};

/** The number of a dashboard that a name stands for; of a count or an amount the last part may be left out. */
const numberOf = (figures: DashboardFigures, name: string): unknown => {
  const found = name.split('.').reduce<unknown>((at, key) => (typeof at === 'object' && at !== null && Object.hasOwn(at, key) ? (at as Readonly<Record<string, unknown>>)[key] : null), figures);
  if (typeof found !== 'object' || found === null) return found;
  return 'count' in found ? found.count : 'fen' in found ? found.fen : null;
};

const seriesClaim = (published: PublishedOf<'series'>): Claim => {
  const { digest, figures, cut, as, treeAt } = published;
  if (treeAt === undefined) throw new NotRederivable('the answer does not say by which tree each day was rolled up');
  const query = queryOf(published);
  const placeOf = (zone: string) => (text: string): DashboardPlace => {
    // The schema has said so.
    const [validAt, at] = [text as Day, cutOf(cut)];
    const knownAt = as === 'then' ? lastInstantOf(inZone(zone), validAt) : at.knownAt;
    return { cut: { ...at, validAt, knownAt }, query: treeAt === 'then' ? { ...query, treeOn: validAt } : { ...query, treeKnownAt: at.knownAt } };
  };
  return {
    what: 'the series', digest, figures, cuts: cutsOf(published, cut),
    made: (facts, zone) => {
      const along = dashboards(facts, figures.days.map(placeOf(zone)));
      const values = Object.keys(figures.values).map((name) => [name, along.map((answer) => numberOf(answer.figures, name))]);
      return { days: figures.days, values: Object.fromEntries(values) as Readonly<Record<string, readonly unknown[]>> };
    },
  };
};

/** Number by number, money as text of fen; declared figures are not subtracted. */
const less = (to: unknown, from: unknown): unknown => {
  if (typeof to === 'number' && typeof from === 'number') return to - from;
  if (typeof to === 'string' && typeof from === 'string') return String(BigInt(to) - BigInt(from));
  if (typeof to !== 'object' || to === null || typeof from !== 'object' || from === null) return null;
  return Object.fromEntries(Object.entries(to).filter(([key]) => key !== 'declared').map(([key, value]) => [key, less(value, (from as Readonly<Record<string, unknown>>)[key])]));
};

const comparisonClaims = (published: PublishedOf<'comparison'>): readonly Claim[] => {
  const { from, to, difference } = published;
  const made = ({ cut, treeOn }: typeof from) => {
    const query = queryOf({ ...published, treeOn });
    return (facts: Facts): DashboardFigures => dashboard(facts, cutOf(cut), query).figures;
  };
  const [before, later] = [made(from), made(to)];
  return [
    { what: 'the earlier side', ...from, cuts: cutsOf(published, from.cut), made: before }, { what: 'the later side', ...to, cuts: cutsOf(published, to.cut), made: later },
    { what: 'the difference', digest: digestOf(difference), figures: difference, cuts: cutsOf(published, from.cut, to.cut), made: (facts) => less(later(facts), before(facts)) },
  ];
};

/** @throws NotRederivable */
const claimsOf = (published: PublishedFigures): readonly Claim[] => {
  switch (published.kind) {
    case 'plain': return [plainClaim(published)];
    case 'children': return [childrenClaim(published)];
    case 'series': return [seriesClaim(published)];
    case 'lateness': return [latenessClaim(published)];
    case 'comparison': return comparisonClaims(published);
  }
};

const list = (lacking: readonly Lacking[]): string => {
  const named = lacking.slice(0, namedMax).map(({ position: at, lacks }) => `${lacks} at ${at}`).join(', ');
  return lacking.length > namedMax ? `${named} and ${lacking.length - namedMax} more` : named;
};

type Outcome = Pick<Rederived, 'outcome' | 'why'>;

/** Keeps the facts of a verified log, and computes published figures from them by the module that is the oracle of the read models (rules.md section 7). */
export class FiguresJudge {
  readonly #codec = createEventCodec(trackingEventDefinitions);
  readonly #facts: Fact<TrackingEvent>[] = [];
  readonly #lacking: Lacking[] = [];
  readonly #after: number;
  #last: number;
  /** Of the installation; empty until it is told. */
  #zone = '';

  /** `after`: events before the first that it is given. */
  constructor(after: number) {
    [this.#after, this.#last] = [after, after];
  }

  add(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      this.#last = entry.position;
      if (entry.lacks === null) this.#take(this.#codec.decode(storedOf(entry)) as Fact<TrackingEvent>);
      else this.#lacking.push({ position: entry.position, lacks: entry.lacks, streamId: entry.streamId });
    }
  }

  rederive(published: PublishedFigures): Rederived {
    const { definition } = published;
    const digest = published.kind === 'comparison' ? published.to.digest : published.digest;
    try {
      const outcomes = claimsOf(published).map((claim) => this.#judge(claim, definition));
      const [first = { outcome: 'confirmed', why: null } as const] = [...outcomes.filter(({ outcome }) => outcome === 'differs'), ...outcomes.filter(({ outcome }) => outcome === 'not-rederivable')];
      return { definition, digest, ...first };
    } catch (error) {
      if (error instanceof NotRederivable) return { definition, digest, outcome: 'not-rederivable', why: error.message };
      throw error;
    }
  }

  #take(fact: Fact<TrackingEvent>): void {
    this.#facts.push(fact);
    if (fact.event.type === 'InstallationInitialised' && this.#zone === '') this.#zone = fact.event.data.zone;
  }

  #judge({ what, digest, figures, cuts, made }: Claim, definition: string): Outcome {
    if (figures !== undefined && digestOf(figures) !== digest) return { outcome: 'differs', why: `${what} are not those of their digest` };
    const atPosition = Math.max(...cuts.map((cut) => cut.atPosition));
    const unable = this.#unable(atPosition);
    if (unable !== null) return { outcome: 'not-rederivable', why: unable };
    if (digestOf(made(this.#facts, this.#zone)) === digest) return { outcome: 'confirmed', why: null };
    const lacking = this.#lacking.filter(({ position: at, streamId }) => at <= atPosition && (definition === figureDefinitions.lateness || !besides.test(streamId)));
    return lacking.length > 0 ? { outcome: 'not-rederivable', why: list(lacking) } : { outcome: 'differs', why: `the events do not make ${what}` };
  }

  #unable(atPosition: number): string | null {
    if (this.#after > 0) return `the events up to ${this.#after} were not read`;
    return atPosition > this.#last ? `the events end at ${this.#last}, the figures are of ${atPosition}` : null;
  }
}
