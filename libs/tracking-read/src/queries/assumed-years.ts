import type { Cut, Day, OrgId } from '@rectrail/kernel';
import { planAnew } from '../database/data-source.ts';
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

/** What showed an open date to come somewhere between the first and the last of the cuts. */
const openRows = async ({ tx }: ReadSession, places: readonly [FigurePlace, ...FigurePlace[]]): Promise<readonly OpenRow[]> => {
  const [first, last] = [places[0].cut, (places.at(-1) ?? places[0]).cut];
  const owners = places.some((place) => place.owners === null) ? null : [...new Set(places.flatMap((place) => [...place.owners ?? []]))];
  await planAnew(tx);
  return tx.query<OpenRow>(
    `select org_id as "orgId", open_until::text as due, valid_from::text as "validFrom", valid_to::text as "validTo", ${instantText('known_from')} as "knownFrom", ${instantText('known_to')} as "knownTo"
       from ${schema}.issue_row
      where open_until > $3 and pos_from <= $1 and $1 < pos_to and valid_from <= $2 and $3 < valid_to and known_from <= $4 and $5 < known_to
        and ($6::uuid[] is null or org_id = any($6))`,
    [first.atPosition, last.validAt, first.validAt, last.knownAt, first.knownAt, owners],
  );
};

/**
 * Years without a calendar on which verdicts by working days rest, at each of the places (of one position, forwards in both times): what the dashboard there assumes. Only
 * where working days ahead reach into such a year are the open dates looked at.
 */
export const assumedYears = async (session: ReadSession, places: readonly [FigurePlace, ...FigurePlace[]]): Promise<readonly (readonly number[])[]> => {
  const judged = places.map((place) => ({ ...place, verdicts: new Verdicts({ ...session, cut: place.cut }, undefined) }));
  const [first, ...later] = judged.filter(({ verdicts }) => verdicts.mayAssumeYears);
  if (first === undefined) return places.map(() => []);
  const rows = await openRows(session, [first, ...later]);
  return judged.map(({ cut: { validAt, knownAt }, owners, verdicts }) => {
    if (!verdicts.mayAssumeYears) return [];
    for (const row of rows) {
      const holds = row.validFrom <= validAt && validAt < row.validTo && row.knownFrom <= knownAt && knownAt < row.knownTo && (owners?.has(row.orgId) ?? true);
      if (holds && row.due > validAt) verdicts.assumeFor(row.orgId, row.due);
    }
    return verdicts.assumptions.calendarYears;
  });
};
