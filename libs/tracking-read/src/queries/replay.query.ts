import { addDays, dayIn, firstDay, lastInstantOf, type Day } from '@rectrail/kernel';
import { figureDefinitions, streams } from '@rectrail/tracking-domain';
import { streamInSight } from './counting-facts.ts';
import { decodeCursor, encodeCursor, filtersHash } from './cursor.ts';
import { digestOf } from './dashboard.query.ts';
import { figureNames } from './figure-names.ts';
import { headlinesOf, newsIn, type News } from './headlines.ts';
import type { Replay, ReplayFrame, ReplayRequest, ReplayStart } from './over-time.ts';
import { purgedContents } from './purged.ts';
import { isSameCut, readAt, select, type ReadContext, type ReadSession } from './read-session.ts';
import type { ReadRequest } from './requests.ts';
import { cutOn, figuresAlong, runsOf } from './series.query.ts';
import type { Run } from './series.ts';
import { seriesDays } from './series-days.ts';
import { ReadRejected } from './tracking-read.ts';

/** Frames read at once: a month of days, so that memory stays flat however long the film is. */
const framesAtOnce = 32;
/** A screen has room for so many lines beside the figures. */
const headlinesMax = 8;

/** What a chunk of frames is read by. */
interface Film {
  readonly request: ReplayRequest;
  readonly days: readonly [Day, ...Day[]];
  readonly names: readonly string[];
}

const ownersOf = (runs: readonly Run[], day: Day): Run['owners'] => runs.find(({ days }) => days.includes(day))?.owners ?? null;

/** The news of each of the days: what began to count since the day before it in the row, and counts on it. */
const newsByDay = async (session: ReadSession, { request, days }: Film, chunk: readonly [Day, ...Day[]], runs: readonly Run[]): Promise<ReadonlyMap<Day, readonly News[]>> => {
  const [first, last] = [chunk[0], chunk.at(-1) ?? chunk[0]];
  const before = days[days.indexOf(first) - 1] ?? (first === firstDay ? first : addDays(first, -1));
  const owners = runs.some((run) => run.owners === null) ? null : new Set(runs.flatMap((run) => [...run.owners ?? []]));
  const at = (day: Day) => ({ day, knownAt: lastInstantOf(session.zone, day) });
  const news = await newsIn(session, { after: at(before), upTo: at(last) }, owners, request.inspection);
  const dayOf = (one: News): Day | undefined => chunk.find((day) => one.day <= day);
  const counting = news.filter((one) => {
    const day = dayOf(one);
    return day !== undefined && (one.withdrawnFrom === null || at(day).knownAt < one.withdrawnFrom) && (ownersOf(runs, day)?.has(one.orgId) ?? true);
  });
  // Each of them has its day.
  return Map.groupBy(counting, (one) => dayOf(one) ?? last);
};

const framesOf = async (session: ReadSession, film: Film, chunk: readonly [Day, ...Day[]]): Promise<readonly ReplayFrame[]> => {
  const runs = runsOf(session, film.request, 'then', chunk);
  const { values, calendarYears } = await figuresAlong(session, runs, 'then', film.names);
  const news = await newsByDay(session, film, chunk, runs);
  const shown = new Map(chunk.map((day) => [day, (news.get(day) ?? []).slice(0, headlinesMax)]));
  const headlines = await headlinesOf(session, [...shown.values()].flat());
  return chunk.map((day, i) => {
    const figures = Object.fromEntries(film.names.map((name) => [name, values[name]?.[i] ?? 0]));
    return {
      cut: cutOn(session, 'then', day), digest: digestOf(figures), figures,
      headlines: (shown.get(day) ?? []).flatMap((one) => headlines.get(one.position) ?? []), more: Math.max(0, (news.get(day)?.length ?? 0) - headlinesMax),
      assumptions: { calendarYears: calendarYears[i] ?? [] },
    };
  });
};

/** The owner of the round that is asked for, where one is. @throws ReadRejected `unknown-inspection`, `outside-jurisdiction`. */
const ofRound = async (context: ReadContext, session: ReadSession, request: ReplayRequest): Promise<ReplayRequest> => {
  if (request.inspection === undefined) return request;
  const { orgId } = await streamInSight(context, session, streams.inspection(request.inspection), 'unknown-inspection');
  return { ...request, org: orgId ?? undefined };
};

/** The token of a frame says which one it is, and at which cuts of which replay. */
const tokensOf = ({ org, inspection, tree, treeAt, from, to, every, figures }: ReplayRequest) => {
  const hash = filtersHash('replay', { org, inspection, tree, treeAt, from, to, every, figures });
  return {
    encode: (cut: ReplayStart['cut'], frame: number): string => encodeCursor(hash, cut, [frame]),
    decode: (token: string) => decodeCursor(token, 'replay', hash),
  };
};

/**
 * The dashboard's figures and the news of each day of a range, as known then. Every frame is of one position, fixed when the replay began, so that what follows a
 * token is always the same.
 * @throws ReadRejected `range-invalid`, `unknown-inspection`, `unknown-organisation`, `cursor-invalid`, `cursor-mismatch` for a token of another replay.
 */
export const replay = async (context: ReadContext, request: ReplayRequest): Promise<Replay> => {
  const tokens = tokensOf(request);
  const after = request.after === undefined ? null : tokens.decode(request.after);
  const to = request.to ?? after?.cut.validAt ?? dayIn(context.zone, context.clock.now());
  const cuts: Pick<ReadRequest, 'atPosition' | 'validAt' | 'knownAt'> = { atPosition: request.atPosition, validAt: to, knownAt: to };
  if (after !== null && !isSameCut(context.zone, after.cut, { ...cuts, within: null })) {
    throw new ReadRejected('cursor-mismatch', 'the token belongs to a replay at another position. Potential solutions: leave the position out, since the token brings its own');
  }
  const asked = { ...request, ...cuts, atPosition: after?.cut.atPosition ?? request.atPosition };
  const days = seriesDays(request.from, to, request.every ?? 'day');
  const seen = after === null ? 0 : Number(after.key[0]) + 1;
  if (seen < 0 || seen > days.length) throw new ReadRejected('cursor-invalid', 'the token is not one that this server gave out');
  const { cut, org, film, purged } = await readAt(context, asked, async (session) => {
    const ofOwner = await ofRound(context, session, request);
    const { org: asOrg, members } = select(session, ofOwner.org);
    return { cut: session.cut, org: asOrg, purged: await purgedContents(session, members), film: { request: ofOwner, days, names: request.figures ?? figureNames } };
  });
  return {
    cut, definition: figureDefinitions.dashboard, org, every: request.every ?? 'day', from: request.from, to, frames: days.length, seen, purged,
    play: async function* () {
      for (let at = seen; at < days.length; at += framesAtOnce) {
        const [first, ...others] = days.slice(at, at + framesAtOnce);
        if (first === undefined) return;
        const frames = await readAt(context, { ...film.request, ...cut, atLeast: undefined }, (session) => framesOf(session, film, [first, ...others]));
        for (const [i, frame] of frames.entries()) yield { token: tokens.encode(cut, at + i), frame };
      }
    },
  };
};
