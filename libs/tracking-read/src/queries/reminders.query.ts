import { streamVersion, type EventId, type Fact, type IssueId, type OrgId, type ReminderId } from '@rectrail/kernel';
import { foldReminders, isReceived, noticeNumber, noticeText, noticeTitles, orgOfReminder, streams, type Reminder, type ReminderEvent, type Reminders } from '@rectrail/tracking-domain';
import { planAnew } from '../database/data-source.ts';
import { schema } from '../database/rows.ts';
import type { IssueName, IssueViewDetail } from '../projections/issue-register.ts';
import { reminderRef } from '../projections/references.ts';
import { keyOf, keyOfText } from '../projections/stream-keys.ts';
import { countsAtCut } from './counting-facts.ts';
import { limitOf } from './cursor.ts';
import { paged } from './paging.ts';
import { labelOf, readAt, select, type ReadContext, type ReadSession } from './read-session.ts';
import { lookUp, type ListRow } from './register-list.ts';
import type { ReminderDetail, ReminderItem, RemindersAnswer, RemindersRequest } from './reminders.ts';
import type { ReadRequest } from './requests.ts';
import { streamVersions } from './sums.ts';
import { ReadRejected } from './tracking-read.ts';

type ReminderFact = Fact<ReminderEvent>;
type IssueRow = ListRow<IssueId, IssueName, IssueViewDetail>;

const counts = (event: string): string => countsAtCut(event, ['$1', '$2', '$3']);

/** A recipient of the notice `e` whose receipt does not count. */
const isWaitedFor = `exists (
  select from jsonb_array_elements_text(e.fact #> '{event,data,recipients}') recipient
   where not exists (
     select from ${schema}.event_reference ref join ${schema}.event c using (position)
      where ref.ref = ${keyOfText('reminder-', `(e.fact #>> '{event,data,reminderId}')`)} and c.type = 'ReminderReceiptConfirmed'
        and c.fact #>> '{event,data,recipient}' = recipient and ${counts('c')}))`;

/** Notices that count, the newest first: of few owners by these, of many along the log. */
const issuedBefore = async (
  { tx, cut }: ReadSession, owners: readonly OrgId[] | null, { colour, issue, received }: RemindersRequest, { before, limit }: { readonly before: number; readonly limit: number },
): Promise<readonly ReminderFact[]> => {
  const params: unknown[] = [cut.validAt, cut.knownAt, cut.atPosition, before];
  const conditions = [`e.type = 'ReminderIssued'`, 'e.fact is not null', 'e.position < $4', counts('e')];
  const want = (condition: (parameter: string) => string, value: unknown): void => { conditions.push(condition(`$${params.push(value)}`)); };
  if (owners !== null) want((parameter) => `e.org_id in (select unnest(${parameter}::uuid[]))`, owners);
  if (colour !== undefined) want((parameter) => `e.fact #>> '{event,data,colour}' = ${parameter}`, colour);
  if (issue !== undefined) want((parameter) => `e.position in (select position from ${schema}.event_reference where ref = ${parameter})`, keyOf(streams.issue(issue)));
  if (received !== undefined) conditions.push(received ? `not ${isWaitedFor}` : isWaitedFor);
  await planAnew(tx);
  const rows = await tx.query<{ fact: ReminderFact }>(`select e.fact from ${schema}.event e where ${conditions.join(' and ')} order by e.position desc limit $${params.push(limit)}`, params);
  return rows.map(({ fact }) => fact);
};

/** All that counts of some notices, each with its receipts. */
const factsOfReminders = async ({ tx, cut }: ReadSession, reminderIds: readonly ReminderId[]): Promise<readonly ReminderFact[]> => {
  const rows = await tx.query<{ fact: ReminderFact }>(
    `select e.fact from ${schema}.event_reference ref join ${schema}.event e using (position)
      where ref.ref = any($4::bytea[]) and e.fact is not null and ${counts('e')} order by e.valid_from, e.stream_version`, [cut.validAt, cut.knownAt, cut.atPosition, reminderIds.map((id) => keyOf(reminderRef(id)))],
  );
  return rows.map(({ fact }) => fact);
};

/** Issues by their names at the cut. */
const issuesNamed = async (session: ReadSession, issueIds: readonly IssueId[]): Promise<ReadonlyMap<IssueId, IssueName>> => {
  const rows = issueIds.length === 0 ? [] : await lookUp<IssueRow>(session, 'issue', [(param) => `n.id = any(${param([...new Set(issueIds)])}::uuid[])`]);
  return new Map(rows.map(({ id, named }) => [id, named]));
};

const itemOf = (session: ReadSession, reminder: Reminder, issues: ReadonlyMap<IssueId, IssueName>): ReminderItem => {
  const [org, issue] = [labelOf(session, reminder.orgId), issues.get(reminder.issueId)];
  return {
    reminderId: reminder.reminderId, orgId: reminder.orgId, orgCode: org?.code ?? null, orgName: org?.name ?? null,
    issueId: reminder.issueId, numberPath: issue?.numberPath ?? [], title: issue?.title ?? null,
    colour: reminder.colour, letter: noticeTitles[reminder.colour], year: reminder.year, number: reminder.number, citation: noticeNumber(reminder),
    deadline: reminder.deadline, daysLeft: reminder.daysLeft, reopenings: reminder.reopenings, evaluatedOn: reminder.evaluatedOn, recipients: reminder.recipients,
    receipts: reminder.receipts, received: isReceived(reminder), eventId: reminder.eventId, policyEventId: reminder.policyEventId,
  };
};

/** Notices of an organisation and all below it, the newest first. They are not counted: that would take longer than the page. */
export const reminders = (context: ReadContext, request: RemindersRequest): Promise<RemindersAnswer> =>
  paged(context, 'reminders', request, async (session, after, next) => {
    const size = limitOf(request.limit);
    const before = Math.min(session.cut.atPosition + 1, Number(after?.[0] ?? Infinity));
    const found = await issuedBefore(session, select(session, request.org).owners, request, { before, limit: size + 1 });
    const page = found.slice(0, size);
    const byId: Reminders = foldReminders(await factsOfReminders(session, page.flatMap(({ event }) => (event.type === 'ReminderIssued' ? [event.data.reminderId] : []))));
    const byEvent = new Map<EventId, Reminder>([...byId.values()].map((reminder) => [reminder.eventId, reminder]));
    const shown = page.flatMap(({ eventId }) => byEvent.get(eventId) ?? []);
    const issues = await issuesNamed(session, shown.map(({ issueId }) => issueId));
    const last = found.length > size ? page.at(-1) : undefined;
    return { cut: session.cut, items: shown.map((reminder) => itemOf(session, reminder, issues)), nextCursor: last === undefined ? null : next([last.position]) };
  });

/** A notice and its letter. @throws ReadRejected `unknown-reminder` where it does not count at the cut, `outside-jurisdiction`. */
export const reminder = (context: ReadContext, id: string, request: ReadRequest): Promise<ReminderDetail> =>
  readAt(context, request, async (session) => {
    const orgId = orgOfReminder(id);
    // What names a register and a number is the id of a notice.
    const reminderId = id as ReminderId;
    const found = orgId === null ? undefined : foldReminders(await factsOfReminders(session, [reminderId])).get(reminderId);
    if (orgId === null || found === undefined) throw new ReadRejected('unknown-reminder', `no notice ${id} is known at this cut`);
    if (session.visible !== null && !session.visible.has(orgId)) throw new ReadRejected('outside-jurisdiction', `notice ${id} lies outside the jurisdiction of this token`);
    const item = itemOf(session, found, await issuesNamed(session, [found.issueId]));
    const register = streams.reminders(orgId);
    const versions = await streamVersions(session.tx, [register], session.cut.atPosition);
    return { cut: session.cut, streamVersion: streamVersion(versions.get(register) ?? 0), reminder: item, text: noticeText(found, item) };
  });
