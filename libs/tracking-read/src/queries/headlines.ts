import { dayIn, maxDay, position, type Day, type EventId, type InspectionId, type Instant, type IssueId, type OrgId, type StreamId } from '@rectrail/kernel';
import { eventTitles, streams, type TrackingEventType } from '@rectrail/tracking-domain';
import { schema } from '../database/rows.ts';
import { instantText } from '../projections/register.ts';
import { keyOf, streamOf } from '../projections/stream-keys.ts';
import type { InstantBound } from '../timeline/standing.ts';
import type { Headline } from './over-time.ts';
import { labelOf, type ReadSession } from './read-session.ts';
import { atCut } from './sums.ts';

/** What makes the news of a round, and the cell of the register in which its money lies. */
const newsworthy = {
  FeedbackDelivered: null, IssueAccepted: null, IssueVerified: null, IssueWrittenOff: null, WriteOffRevoked: null, IssueReopened: null, ReportPublished: null,
  FundsRecovered: 'recovered', FundsReturned: 'returned',
} as const satisfies Partial<Readonly<Record<TrackingEventType, string | null>>>;
type Newsworthy = keyof typeof newsworthy;

/** An event and the first day on which it counts for those who know what was known that day. */
export interface News {
  readonly eventId: EventId;
  readonly position: number;
  readonly type: Newsworthy;
  readonly streamId: StreamId;
  readonly orgId: OrgId;
  readonly day: Day;
  /** Whose knowledge ends from here on knows that it was withdrawn; null: it never was. */
  readonly withdrawnFrom: Instant | null;
}

interface NewsRow extends Omit<News, 'position' | 'day' | 'withdrawnFrom' | 'streamId'> {
  readonly stream: Buffer;
  readonly position: string;
  readonly validFrom: Day;
  readonly knownFrom: Instant;
  readonly withdrawnFrom: InstantBound | null;
}

const columns = `e.event_id as "eventId", e.position::text, e.type, e.stream, e.org_id as "orgId", e.valid_from::text as "validFrom",
  ${instantText('e.known_from')} as "knownFrom", ${instantText('x.known_from')} as "withdrawnFrom"`;

/** Parameters: types; position; end of knowledge and last day before the first frame; those of the last frame; owners (null: all); the round's stream (null: any). */
const newsWhere = (isNew: string): string => `
  select ${columns} from ${schema}.event e
    left join ${schema}.event_retracted x on x.position = e.position and x.pos_from <= $2 and $2 < x.pos_to
   where e.type = any($1) and e.position <= $2 and e.known_from <= $5 and e.valid_from <= $6 and ${isNew} and ($7::uuid[] is null or e.org_id = any($7)) and e.org_id is not null
     and ($8::bytea is null or e.stream = $8 or e.stream in (select o.stream from ${schema}.event_reference r join ${schema}.event o using (position) where r.ref = $8))`;

const newsSql = `${newsWhere('e.known_from > $3')} union all ${newsWhere('e.known_from <= $3 and e.valid_from > $4')}`;

/** A span of days, each with the end of its knowledge; `after` is not part of it. */
export interface Span { readonly after: { readonly day: Day; readonly knownAt: Instant }; readonly upTo: { readonly day: Day; readonly knownAt: Instant } }

/** What makes the news of a span of days, in the order of the log. */
export const newsIn = async (
  { tx, cut, zone }: ReadSession, { after, upTo }: Span, owners: ReadonlySet<OrgId> | null, inspection: InspectionId | undefined,
): Promise<readonly News[]> => {
  const rows = await tx.query<NewsRow>(newsSql, [
    Object.keys(newsworthy), cut.atPosition, after.knownAt, after.day, upTo.knownAt, upTo.day, owners === null ? null : [...owners],
    inspection === undefined ? null : keyOf(streams.inspection(inspection)),
  ]);
  return rows.flatMap(({ position: at, stream, validFrom, knownFrom, withdrawnFrom, ...row }) =>
    // Entered in error: it was never known.
    (withdrawnFrom === '-infinity' ? [] : [{ ...row, streamId: streamOf(stream), position: Number(at), day: maxDay(validFrom, dayIn(zone, knownFrom)), withdrawnFrom: withdrawnFrom as Instant | null }]),
  ).sort((a, b) => a.position - b.position);
};

interface Named { readonly id: IssueId; readonly numberPath: readonly string[]; readonly title: string }

const issuesOf = async ({ tx, cut }: ReadSession, news: readonly News[]): Promise<ReadonlyMap<StreamId, Headline['issue']>> => {
  const ids = [...new Set(news.map(({ streamId }) => streamId).filter((id) => id.startsWith('issue-')))].map((id) => id.slice('issue-'.length));
  if (ids.length === 0) return new Map();
  const rows = await tx.query<Named>(
    `select r.id, n.detail -> 'numberPath' as "numberPath", n.detail ->> 'title' as title from ${schema}.issue_row r join ${schema}.issue_name n using (id, name)
      where r.id = any($4) and ${atCut('r', ['$1', '$2', '$3'])}`, [cut.validAt, cut.knownAt, cut.atPosition, ids],
  );
  return new Map(rows.map(({ id, numberPath, title }) => [streams.issue(id), { issueId: id, numberPath, title }]));
};

/** What each of the events added to the money of its case; null where the amount is not known. */
const amountsOf = async ({ tx }: ReadSession, news: readonly News[]): Promise<ReadonlyMap<number, string | null>> => {
  const positions = news.filter(({ type }) => newsworthy[type] !== null).map(({ position: at }) => at);
  if (positions.length === 0) return new Map();
  const rows = await tx.query<{ readonly position: string; readonly n: number; readonly fen: string }>(
    `select p.position::text, p.n, p.fen::text from ${schema}.point p join ${schema}.event e using (position, valid_from, known_from)
      where p.position = any($1) and p.kind = 'funds' and p.cell = case e.type when 'FundsRecovered' then 'recovered' else 'returned' end`, [positions],
  );
  return new Map(rows.map(({ position: at, n, fen }) => [Number(at), n === 0 ? fen : null]));
};

/** The events as a screen names them: organisations and issues as they are at the cut of the session. */
export const headlinesOf = async (session: ReadSession, news: readonly News[]): Promise<ReadonlyMap<number, Headline>> => {
  const [issues, amounts] = [await issuesOf(session, news), await amountsOf(session, news)];
  return new Map(news.map(({ eventId, position: at, type, streamId, orgId }) => {
    const org = labelOf(session, orgId);
    return [at, {
      eventId, position: position(at), type, title: eventTitles[type], streamId, orgId, orgCode: org?.code ?? null, orgName: org?.name ?? null,
      issue: issues.get(streamId) ?? null, fen: amounts.get(at) ?? null,
    }];
  }));
};
