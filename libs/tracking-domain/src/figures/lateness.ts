import { dayIn, dayNumber, type Cut, type Fact, type OrgId } from '@rectrail/kernel';
import { countingFacts } from '../time/counting.ts';
import type { TrackingEvent } from '../tracking-event.ts';
import { figureDefinitions, latenessBands, type FigureAnswer, type FigureQuery, type LatenessBand, type LatenessFigures } from './definitions.ts';
import { selectionOf, worldOf } from './world.ts';

/** `zone`: of the installation. `minDays`: days late at least; `type` and `actor`: of these facts alone. */
export interface LatenessQuery extends Omit<FigureQuery, 'policy'> {
  readonly zone: string;
  readonly minDays: number;
  readonly type?: string | null;
  readonly actor?: string | null;
}

/** So many organisations and actors are named. */
const namedMax = 50;
/** The last day of each band. */
const bandEnds: readonly (readonly [LatenessBand, number])[] = [['0-7', 7], ['8-30', 30], ['31-90', 90], ['91-365', 365], ['366-', Number.POSITIVE_INFINITY]];

const bandOf = (days: number): LatenessBand => bandEnds.find(([, end]) => days <= end)?.[0] ?? '366-';

/** The keys with the most facts, equals in the order of their texts. */
const most = <K extends string | null>(keys: readonly K[]): readonly (readonly [K, number])[] => [...Map.groupBy(keys, (key) => key)]
  .map(([key, all]) => [key, all.length] as const).toSorted(([a, x], [b, y]) => y - x || ((a ?? '') < (b ?? '') ? -1 : 1)).slice(0, namedMax);

/** `rectrail.lateness/1`: facts that count at the cut, by how long after they were true they became known. */
export const lateness = (facts: readonly Fact<TrackingEvent>[], cut: Cut, query: LatenessQuery): FigureAnswer<LatenessFigures> => {
  const { zone, minDays, type = null, actor = null } = query;
  const selected = query.org === null && (query.within ?? null) === null ? () => true : selectionOf(worldOf(facts), cut, { ...query, policy: null });
  const counting = [...Map.groupBy(facts, ({ streamId }) => streamId).values()].flatMap((ofStream) => countingFacts(ofStream, cut));
  const late = counting.flatMap(({ validTime, knownTime, event, scope: { orgId }, actor: { subject } }) => {
    const days = validTime === null ? -1 : dayNumber(dayIn(zone, knownTime)) - dayNumber(validTime.last);
    const isAsked = selected(orgId) && (type === null || event.type === type) && (actor === null || subject === actor);
    return days >= Math.max(0, minDays) && isAsked ? [{ orgId, subject, band: bandOf(days) }] : [];
  });
  const figures: LatenessFigures = {
    facts: late.length,
    // Every band is given its entry.
    byBand: Object.fromEntries(latenessBands.map((band) => [band, late.filter((fact) => fact.band === band).length])) as Record<LatenessBand, number>,
    byOrganisation: most<OrgId | null>(late.map(({ orgId }) => orgId)).map(([orgId, count]) => ({ orgId, facts: count })),
    byActor: most(late.map(({ subject }) => subject)).map(([subject, count]) => ({ subject, facts: count })),
  };
  return { cut, definition: figureDefinitions.lateness, figures, assumptions: { calendarYears: [] } };
};
