import { hashedUuid, type CommandRunner, type EventStore, type UnitOfWork } from '@rectrail/event-store';
import { onDay, type Actor, type CommandId, type Day, type Instant, type IssueId, type OrgId, type Position } from '@rectrail/kernel';
import {
  decideReminders, foldIssue, ladderKey, ladderOf, streams,
  type IssueEvent, type IssueReminders, type LightColour, type ReminderEvent, type ReminderIssued,
} from '@rectrail/tracking-domain';
import type { DueReminder, TrackingQueries } from '@rectrail/tracking-read';
import { policyInForce } from '../definitions/issue-rules.ts';
import { countingOn, factsOf } from '../situation.ts';

/** What evaluations run on; given by the composition root. */
export interface RemindersPorts {
  readonly runner: CommandRunner;
  readonly store: Pick<EventStore, 'head'>;
  readonly queries: Pick<TrackingQueries, 'remindersDue'>;
  /** The time of the log, by which its events are stamped; not that of a process, which may be another. */
  readonly now: () => Promise<Instant>;
  /** IANA name, from the installation's first event. */
  readonly zone: string;
}

/** What an evaluation came to. `position`: what the log held up to it was looked at. */
export interface Evaluation { readonly day: Day; readonly position: Position; readonly issued: Readonly<Record<LightColour, number>> }

export interface EvaluationOptions {
  readonly signal?: AbortSignal;
  /** Told after each append. */
  readonly onIssued?: (colour: LightColour, count: number) => void;
}

/** Most notices of one append: with as many streams checked they stay well below what any store takes at once. */
const noticesAtOnce = 200;
/** An append that checks as many issues meets more writers than one of a person. */
const conflictRetries = 10;

const actor: Actor = { orgId: null, role: 'system', subject: 'reminders', assurance: 'system' };
const { role, subject } = actor;

/** Decides anew what the read models have found, on the streams themselves, which the append checks: so nothing is issued that is not due by then, and nothing twice. */
const stageNotices = async (unit: UnitOfWork, day: Day, orgId: OrgId, due: readonly DueReminder[]): Promise<readonly ReminderIssued['data'][]> => {
  const register = streams.reminders(orgId);
  await unit.loadMany([register, ...due.map(({ issueId }) => streams.issue(issueId))]);
  const { eventId: policyEventId, content: { lights } } = await policyInForce(unit, orgId, day);
  const issues: IssueReminders['data']['issues'][number][] = [];
  /** Without facts that leave to nobody they would have no such dates, which a notice must not tell. */
  const restricted = new Set<IssueId>();
  for (const { issueId } of due) {
    const facts = countingOn(unit, await factsOf<IssueEvent>(unit, streams.issue(issueId)), day);
    const issue = foldIssue(facts);
    const ladder = issue.registration?.orgId === orgId ? ladderOf(issue) : null;
    if (ladder === null) continue;
    issues.push({ issueId, ...ladder });
    const known = ladderOf(foldIssue(facts.filter(({ classification }) => classification !== 'restricted')));
    if (known === null || ladderKey(issueId, known) !== ladderKey(issueId, ladder)) restricted.add(issueId);
  }
  const on = onDay(day);
  const command: IssueReminders = { type: 'IssueReminders', on, by: { role, subject, orgId: null }, data: { orgId, policyEventId, lights, issues } };
  const events = decideReminders(command, await factsOf<ReminderEvent>(unit, register));
  unit.stage(register, events.map((event) => (
    { event, actor, scope: { orgId }, validTime: on, knownTime: null, classification: restricted.has(event.data.issueId) ? 'restricted' : 'internal' }
  )));
  return events.map(({ data }) => data);
};

/** One append for what is due of one organisation; the same notices again have the same command id. */
const issueNotices = async ({ runner }: RemindersPorts, day: Day, orgId: OrgId, due: readonly DueReminder[]): Promise<readonly ReminderIssued['data'][]> => {
  const commandId = hashedUuid('rectrail.reminders/1', day, orgId, ...due.flatMap(({ issueId, deadline, colour }) => [issueId, deadline, colour])) as CommandId;
  const { result, repeated } = await runner.run({ commandId, correlationId: commandId }, (unit) => stageNotices(unit, day, orgId, due), { retries: conflictRetries });
  return repeated ? [] : result;
};

/**
 * Evaluates a day, which has come: issues every notice that is due and was not issued. May be broken off anywhere and done again, also by several at once: each notice is
 * decided on the streams as they are at its append. Days that were missed need no evaluation of their own, since of each deadline only the severest light due is issued.
 *
 * @throws ReadRejected `projection-behind`, EventStoreError, and the signal's reason where it aborts.
 */
export const evaluateReminders = async (ports: RemindersPorts, day: Day, { signal, onIssued }: EvaluationOptions = {}): Promise<Evaluation> => {
  const issued = { green: 0, yellow: 0, red: 0 };
  const at = { validAt: day, within: null, limit: noticesAtOnce };
  let page = await ports.queries.remindersDue({ ...at, atLeast: (await ports.store.head()).position });
  for (;;) {
    for (const [orgId, due] of Map.groupBy(page.items, (item) => item.orgId)) {
      signal?.throwIfAborted();
      for (const [colour, { length }] of Map.groupBy(await issueNotices(ports, day, orgId, due), (notice) => notice.colour)) {
        issued[colour] += length;
        onIssued?.(colour, length);
      }
    }
    if (page.nextCursor === null) return { day, position: page.cut.atPosition, issued };
    signal?.throwIfAborted();
    page = await ports.queries.remindersDue({ ...at, cursor: page.nextCursor });
  }
};
