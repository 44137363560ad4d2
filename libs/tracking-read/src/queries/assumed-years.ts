import type { Cut, Day, Fact, OrgId } from '@rectrail/kernel';
import type { FactsRetracted, PolicyEvent } from '@rectrail/tracking-domain';
import { schema } from '../database/rows.ts';
import { instantText } from '../projections/register.ts';
import type { DayBound, InstantBound } from '../timeline/standing.ts';
import type { ReadSession } from './read-session.ts';
import type { Owners } from './sums.ts';
import { Verdicts } from './verdicts.ts';

/** The owners whose figures are asked for at a cut. */
export interface FigurePlace { readonly cut: Cut; readonly owners: Owners }

interface OpenRow {
  readonly orgId: OrgId;
  readonly due: Day;
  readonly validFrom: DayBound;
  readonly validTo: DayBound;
  readonly knownFrom: InstantBound;
  readonly knownTo: InstantBound;
}

const countsWorkingDays = ({ reference, cut }: ReadSession): boolean =>
  reference.policyStreams().some((id) => (reference.facts(id, cut.atPosition) as readonly Fact<PolicyEvent | FactsRetracted>[])
    .some(({ event }) => event.type !== 'FactsRetracted' && event.data.dueSoon.unit === 'working'));

/** What showed an open date from a year on somewhere between the first and the last of the cuts. */
const openRows = async ({ tx }: ReadSession, places: readonly [FigurePlace, ...FigurePlace[]], fromYear: number): Promise<readonly OpenRow[]> => {
  const [first, last] = [places[0].cut, (places.at(-1) ?? places[0]).cut];
  const owners = places.some((place) => place.owners === null) ? null : [...new Set(places.flatMap((place) => [...place.owners ?? []]))];
  return tx.query<OpenRow>(
    `select org_id as "orgId", open_until::text as due, valid_from::text as "validFrom", valid_to::text as "validTo", ${instantText('known_from')} as "knownFrom", ${instantText('known_to')} as "knownTo"
       from ${schema}.issue_row
      where open_until >= make_date($1, 1, 1) and pos_from <= $2 and $2 < pos_to and valid_from <= $3 and $4 < valid_to and known_from <= $5 and $6 < known_to
        and ($7::uuid[] is null or org_id = any($7))`,
    [fromYear, first.atPosition, last.validAt, first.validAt, last.knownAt, first.knownAt, owners],
  );
};

/**
 * Years without a calendar that working days of deadlines ran through, at each of the places (of one position, forwards in both times): what the dashboard there assumes. The
 * latest open date tells them all.
 */
export const assumedYears = async (session: ReadSession, places: readonly [FigurePlace, ...FigurePlace[]]): Promise<readonly (readonly number[])[]> => {
  if (!countsWorkingDays(session)) return places.map(() => []);
  const judged = places.map((place) => ({ ...place, verdicts: new Verdicts({ ...session, cut: place.cut }, undefined) }));
  const rows = await openRows(session, places, Math.min(...judged.map(({ verdicts }) => verdicts.firstYearWithoutCalendar)));
  return judged.map(({ cut: { validAt, knownAt }, owners, verdicts }) => {
    const holding = rows.filter((row) => row.validFrom <= validAt && validAt < row.validTo && row.knownFrom <= knownAt && knownAt < row.knownTo
      && (owners?.has(row.orgId) ?? true) && verdicts.countsWorkingDays(row.orgId));
    const latest = holding.reduce<Day | null>((due, row) => (due === null || row.due > due ? row.due : due), null);
    if (latest !== null && latest >= validAt) verdicts.assumeUpTo(latest);
    return verdicts.assumptions.calendarYears;
  });
};
