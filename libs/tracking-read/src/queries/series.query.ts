import { dayIn, type Cut, type Day } from '@rectrail/kernel';
import { administrativeTreeId, figureDefinitions } from '@rectrail/tracking-domain';
import { endOfDayIn } from '../figures/day-numbers.ts';
import { assumedYears, type FigurePlace } from './assumed-years.ts';
import { digestOf } from './dashboard.query.ts';
import { figureColumn, figureValue, seriesFiguresDefault } from './figure-names.ts';
import type { RangeRequest, SeriesAnswer, SeriesRequest } from './over-time.ts';
import { purgedContents } from './purged.ts';
import { readAt, select, treeChosen, type ReadContext, type ReadSession } from './read-session.ts';
import { seriesDays } from './series-days.ts';
import type { SeriesKnowledge } from './requests.ts';
import { seriesSums, type Run } from './series.ts';
import { among } from './tree-at-cut.ts';

type Days = readonly [Day, ...Day[]];

/** The cut of one day of a series. */
export const cutOn = ({ cut, zone }: ReadSession, as: SeriesKnowledge, day: Day): Cut => ({ ...cut, validAt: day, knownAt: as === 'then' ? endOfDayIn(zone)(day) : cut.knownAt });

/** Whose figures are asked for on each of the days: the organisation may have others below it from a day on. */
export const runsOf = (session: ReadSession, { org, tree, treeAt }: Pick<RangeRequest, 'org' | 'tree' | 'treeAt'>, as: SeriesKnowledge, days: Days): readonly Run[] => {
  const selected = select(session, org);
  if (selected.org === null || treeAt === 'now') return [{ owners: selected.members, days: [...days] }];
  const [first, ...later] = days.map((day) => cutOn(session, as, day));
  if (first === undefined) return [];
  const { reference, visible } = session;
  const members = reference.membersAlong(tree ?? administrativeTreeId, selected.org.orgId, [first, ...later]);
  const runs: Run[] = [];
  for (const [i, day] of days.entries()) {
    const last = runs.at(-1);
    const all = members[i] ?? new Set();
    if (last !== undefined && members[i - 1] === all) last.days.push(day);
    else runs.push({ owners: visible === null ? all : among(all, visible), days: [day] });
  }
  return runs;
};

/** Figures by name on each of the days, as dashboards have them, and the years without a calendar that those of each day rest on. */
export interface FiguresAlong {
  readonly values: Readonly<Record<string, readonly (number | string)[]>>;
  readonly calendarYears: readonly (readonly number[])[];
}

const restOnCalendars = (names: readonly string[]): boolean => names.some((name) => /^issues\.byDeadline\.(DUE_SOON|ON_TRACK)\b/.test(name));

export const figuresAlong = async (session: ReadSession, runs: readonly Run[], as: SeriesKnowledge, names: readonly string[]): Promise<FiguresAlong> => {
  const columns = [...new Set(names.map(figureColumn))];
  const sums = await seriesSums(session, runs, { as, columns });
  const at = (name: string): readonly (number | string)[] => {
    const place = columns.indexOf(figureColumn(name));
    return sums.map((sum) => figureValue(name, sum[place] ?? 0n));
  };
  const [first, ...later] = runs.flatMap(({ owners, days: ofRun }) => ofRun.map((day): FigurePlace => ({ cut: cutOn(session, as, day), owners })));
  return {
    values: Object.fromEntries(names.map((name) => [name, at(name)])),
    calendarYears: first === undefined || !restOnCalendars(names) ? sums.map(() => []) : await assumedYears(session, [first, ...later]),
  };
};

/** Figures of an organisation and all below it over a range of days. @throws ReadRejected `range-invalid`. */
export const series = (context: ReadContext, request: SeriesRequest): Promise<SeriesAnswer> => {
  const { from, every = 'day', as = 'then', figures: names = seriesFiguresDefault } = request;
  const to = request.to ?? (as === 'then' ? dayIn(context.zone, context.clock.now()) : undefined);
  return readAt(context, { ...request, validAt: to, knownAt: as === 'then' ? to : request.knownAt }, async (session) => {
    const days = seriesDays(from, session.cut.validAt, every);
    const { values, calendarYears } = await figuresAlong(session, runsOf(session, request, as, days), as, names);
    const figures = { days, values };
    const { org, members } = select(session, request.org);
    return {
      cut: session.cut, definition: figureDefinitions.dashboard, digest: digestOf(figures), org, ...treeChosen(session, request), as, every, figures,
      assumptions: { calendarYears: [...new Set(calendarYears.flat())].sort((a, b) => a - b) }, purged: await purgedContents(session, members),
    };
  }, 'generic');
};
