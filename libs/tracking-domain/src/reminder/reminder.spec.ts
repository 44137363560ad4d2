// Goal: each light of a deadline is issued once and in order of severity, notices are numbered without gaps, and receipts are of notices that stand.
// Method: registers grown day by day by decide itself under random policies and deadlines (fast-check); ladders beside the deadlines that the figures give; single rules by hand.
import { describe, expect, it } from '@jest/globals';
import { addDays, day, daysBetween, onDay, type Day, type IssueId, type OrgId, type ReminderId } from '@rectrail/kernel';
import fc from 'fast-check';
import { deadlines } from '../figures/deadlines.ts';
import type { IssueEvent } from '../issue/issue.events.ts';
import { foldIssue } from '../issue/issue.state.ts';
import { lightColours, type Light } from '../policy/policy.events.ts';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import { streams } from '../streams.ts';
import { dated, eventIdOf, fact, newlyUnmet, specificationOf, streamOf, type GivenFact } from '../testing/decider-specification.ts';
import { FactLog, planned, statusStated } from '../testing/fact-log.ts';
import { randomCut, randomHistory } from '../testing/histories.ts';
import { countingFacts } from '../time/counting.ts';
import type { ConfirmReceipt, IssueReminders } from './reminder.commands.ts';
import { decideReceipt, decideReminders, unmetReminderNeeds } from './reminder.decide.ts';
import type { ReminderEvent, ReminderIssued } from './reminder.events.ts';
import { ladderKey, ladderOf, lightDue, severityOf } from './reminder.lights.ts';
import { foldReminders, isReceived, orgOfReminder, reminderIdOf, type Reminders } from './reminder.state.ts';
import { noticeNumber, noticeText } from './reminder.text.ts';

type RegisterEvent = ReminderEvent | FactsRetracted;
type OpenIssue = IssueReminders['data']['issues'][number];

const orgId = 'a0000000-0000-8000-8000-000000000001' as OrgId;
const issueIds = [1, 2, 3].map((n) => `11111111-0000-8000-8000-00000000000${n}` as IssueId);
const [issueId] = issueIds as [IssueId];
const policyEventId = eventIdOf(99);
const by = { subject: 'reminders', orgId: null, role: 'system' };
const lights: readonly Light[] = [
  { colour: 'green', atDaysLeft: 20, recipients: ['handler'] }, { colour: 'yellow', atDaysLeft: 10, recipients: ['handler', 'deputy'] }, { colour: 'red', atDaysLeft: -1, recipients: [] },
];

const evaluation = (on: Day, issues: readonly OpenIssue[], of: readonly Light[] = lights): IssueReminders =>
  ({ type: 'IssueReminders', on: onDay(on), by, data: { orgId, policyEventId, lights: of, issues } });
const noticesOf = (given: readonly GivenFact<RegisterEvent>[]): readonly ReminderIssued['data'][] => given.flatMap(({ event }) => (event.type === 'ReminderIssued' ? [event.data] : []));
const grown = (given: readonly GivenFact<RegisterEvent>[], command: IssueReminders): readonly GivenFact<RegisterEvent>[] =>
  [...given, ...decideReminders(command, streamOf(...given)).map((event) => fact<RegisterEvent>(command.on.last, event))];
const retraction = (...versions: readonly number[]): RegisterEvent => ({ type: 'FactsRetracted', data: { eventIds: versions.map(eventIdOf), reason: '误发', kind: 'withdrawn' } });

const toJune = { issueId, deadline: day('2026-06-30'), reopenings: 0 };

describe('the lights of a deadline', () => {
  it('come one after the other, each once, whatever days are evaluated', () => {
    const days = ['2026-06-09', '2026-06-10', '2026-06-11', '2026-06-20', '2026-06-20', '2026-06-30', '2026-07-01', '2026-07-20'].map(day);
    const register = days.reduce<readonly GivenFact<RegisterEvent>[]>((given, on) => grown(given, evaluation(on, [toJune])), []);
    expect(noticesOf(register).map(({ colour, daysLeft, number, recipients }) => [colour, daysLeft, number, recipients])).toEqual([
      ['green', 20, 1, ['handler']], ['yellow', 10, 2, ['handler', 'deputy']], ['red', -1, 3, ['organisation']],
    ]);
  });

  it('are passed over by a server that was away for weeks: only the severest is issued, and no milder one after it', () => {
    const register = grown(grown([], evaluation(day('2026-06-25'), [toJune])), evaluation(day('2026-06-26'), [toJune], lights.slice(0, 1)));
    expect(noticesOf(register).map(({ colour }) => colour)).toEqual(['yellow']);
  });

  it.each([['another deadline', { deadline: day('2026-07-15') }], ['a reopening', { reopenings: 1 }]])('begin anew with %s', (_what, change) => {
    const register = grown(grown([], evaluation(day('2026-07-01'), [toJune])), evaluation(day('2026-07-01'), [{ ...toJune, ...change }]));
    expect(noticesOf(register)).toHaveLength(2);
  });

  it('are those of the policy on the day: a change from a day on changes nothing before it', () => {
    const stricter: readonly Light[] = [{ colour: 'yellow', atDaysLeft: 40, recipients: ['head'] }];
    const register = grown(grown([], evaluation(day('2026-05-31'), [toJune])), evaluation(day('2026-06-01'), [toJune], stricter));
    expect(noticesOf(register).map(({ colour, daysLeft, recipients }) => [colour, daysLeft, recipients])).toEqual([['yellow', 29, ['head']]]);
  });

  it('are not issued again, nor is their number, where the notice was retracted', () => {
    const register = [...grown([], evaluation(day('2026-06-20'), [toJune])), fact<RegisterEvent>(null, retraction(1))];
    expect(grown(register, evaluation(day('2026-06-21'), [toJune]))).toEqual(register);
    const next = grown(register, evaluation(day('2026-07-01'), [toJune]));
    expect(noticesOf(next).map(({ number }) => number)).toEqual([1, 2]);
  });

  it('are numbered anew each year', () => {
    const ladder = { ...toJune, deadline: day('2026-12-31') };
    const register = grown(grown([], evaluation(day('2026-12-31'), [ladder])), evaluation(day('2027-01-01'), [ladder]));
    expect(noticesOf(register).map(({ reminderId }) => reminderId)).toEqual([`${orgId}-2026-1`, `${orgId}-2027-1`]);
  });

  const someLights = fc.uniqueArray(fc.record({ colour: fc.constantFrom(...lightColours), atDaysLeft: fc.integer({ min: -20, max: 40 }), recipients: fc.constant(['handler']) }),
    { selector: ({ atDaysLeft }) => atDaysLeft, maxLength: 4 }).map((drawn): readonly Light[] => drawn.toSorted((a, b) => b.atDaysLeft - a.atDaysLeft));
  const someIssues = fc.uniqueArray(fc.record({ issueId: fc.constantFrom(...issueIds), deadline: fc.nat(60).map((n) => addDays(day('2025-12-01'), n)), reopenings: fc.nat(1) }), { selector: (one) => one.issueId });
  const evaluations = fc.array(fc.record({ after: fc.nat(9), issues: someIssues, of: someLights }), { maxLength: 12 });

  it('are issued once a colour, only when due, only upwards, and numbered from 1 without gaps (property)', () => {
    fc.assert(fc.property(evaluations, (runs) => {
      let [on, register]: [Day, readonly GivenFact<RegisterEvent>[]] = [day('2025-12-01'), []];
      for (const { after, issues, of } of runs) {
        on = addDays(on, after);
        const before = register.length;
        register = grown(register, evaluation(on, issues, of));
        expect(grown(register, evaluation(on, issues, of))).toEqual(register);
        for (const { colour, deadline, daysLeft } of noticesOf(register.slice(before))) {
          expect(daysLeft).toBe(daysBetween(on, deadline));
          expect(colour).toBe(lightDue(of, daysLeft)?.colour);
        }
      }
      const notices = noticesOf(register);
      for (const ladder of Map.groupBy(notices, (one) => ladderKey(one.issueId, one)).values()) {
        const severities = ladder.map(({ colour }) => severityOf(colour));
        expect(severities).toEqual([...new Set(severities)].toSorted());
      }
      for (const [year, ofYear] of Map.groupBy(notices, (one) => one.year)) expect(ofYear.map(({ number }) => [year, number])).toEqual(ofYear.map((_, i) => [year, i + 1]));
    }));
  });
});

describe('the ladder of an issue', () => {
  it('goes to the open date that the deadlines figure gives, and is none without one (property)', () => {
    for (const seed of [1, 2, 3, 4]) {
      const facts = randomHistory(seed, 300);
      for (let i = 0; i < 5; i += 1) {
        const cut = randomCut(seed * 100 + i, facts);
        for (const { issueId: id, due } of deadlines(facts, cut, { org: null, policy: null }).rows) {
          // The name of a stream says which events it holds.
          const ofIssue = facts.filter((one) => one.streamId === streams.issue(id)) as Parameters<typeof foldIssue>[0];
          expect([id, ladderOf(foldIssue(countingFacts(ofIssue, cut)))?.deadline ?? null]).toEqual([id, due]);
        }
      }
    }
  });

  it('is another one after a reopening, also towards the same day, and no longer once that is retracted', () => {
    const log = new FactLog('2026-01-01');
    const id = log.issue(log.org('某局'), 1, '2026-01-01');
    const ladder = (): unknown => ladderOf(foldIssue(countingFacts(log.facts.filter((one) => one.streamId === streams.issue(id)), log.cut('2026-12-01')) as Parameters<typeof foldIssue>[0]));
    const deadline: IssueEvent = { type: 'DeadlineSet', data: { planned: planned('2026-06') } };
    log.of(id, deadline, '2026-01-02');
    expect(ladder()).toEqual({ deadline: '2026-06-30', reopenings: 0 });
    log.of(id, statusStated('VERIFIED'), '2026-02-01');
    expect(ladder()).toBeNull();
    const reopened = log.of(id, statusStated('REOPENED'), '2026-03-01');
    expect(ladder()).toBeNull();
    log.of(id, deadline, '2026-03-02');
    expect(ladder()).toEqual({ deadline: '2026-06-30', reopenings: 1 });
    log.of(id, statusStated(null), '2026-03-03');
    expect(ladder()).toBeNull();
    log.of(id, statusStated('IN_PROGRESS'), '2026-03-04');
    log.retract([reopened], 'withdrawn');
    expect(ladder()).toBeNull();
  });
});

const reminderId = reminderIdOf(orgId, 2026, 1);
const notice = fact<RegisterEvent>('2026-06-20', {
  type: 'ReminderIssued', data: { reminderId, orgId, year: 2026, number: 1, issueId, colour: 'yellow', deadline: day('2026-06-30'), daysLeft: 10, reopenings: 0, recipients: ['handler', 'deputy'], policyEventId },
});
const confirmed = (recipient: string): RegisterEvent => ({ type: 'ReminderReceiptConfirmed', data: { reminderId, recipient } });
const specification = specificationOf<Reminders, RegisterEvent, ConfirmReceipt>({ fold: foldReminders, decide: decideReceipt });
const confirm = (recipient: string, on = '2026-06-21', id = reminderId): ConfirmReceipt => ({ type: 'ConfirmReceipt', on: dated(on), by, data: { reminderId: id, recipient } });

describe('a receipt', () => {
  it('is confirmed by each recipient once; all of them make the notice received', () => {
    specification.given(notice).when(confirm('deputy')).then(confirmed('deputy'));
    specification.given(notice, fact<RegisterEvent>('2026-06-21', confirmed('deputy'))).when(confirm('deputy', '2026-06-22')).thenNothing();
    const received = (...recipients: readonly string[]): boolean =>
      isReceived(foldReminders(streamOf(notice, ...recipients.map((recipient) => fact<RegisterEvent>('2026-06-21', confirmed(recipient))))).get(reminderId)!);
    expect([received('deputy'), received('deputy', 'handler')]).toEqual([false, true]);
  });

  it('is refused from others, of what was never issued, before the notice, and ahead of time', () => {
    specification.given(notice).when(confirm('head')).thenRejected('not-a-recipient', { recipients: ['handler', 'deputy'] });
    specification.given(notice).when(confirm('handler', '2026-06-21', reminderIdOf(orgId, 2026, 2))).thenRejected('unknown-reminder');
    specification.given(notice, fact<RegisterEvent>(null, retraction(1))).when(confirm('handler')).thenRejected('unknown-reminder');
    specification.given(notice).when(confirm('handler', '2026-06-19')).thenRejected('effective-before-basis');
    specification.given(notice).when(confirm('handler', '2026-07-01')).thenRejected('effective-in-future');
  });

  it('falls with its notice', () => {
    const receipt = fact<RegisterEvent>('2026-06-21', confirmed('deputy'));
    expect([retraction(1), retraction(2)].map((one) => newlyUnmet<RegisterEvent>(unmetReminderNeeds, [notice, receipt], one))).toEqual([['ReminderReceiptConfirmed'], []]);
  });

  it('waits for its notice whatever the order of the facts', () => {
    const facts = streamOf(notice, fact<RegisterEvent>('2026-06-21', confirmed('deputy')));
    expect(foldReminders(facts.toReversed())).toEqual(foldReminders(facts));
    expect(foldReminders(facts.slice(1)).size).toBe(0);
  });
});

describe('the id of a notice', () => {
  it('names its register, and nothing else is one', () => {
    expect(orgOfReminder(reminderId)).toBe(orgId);
    for (const other of ['', 'x', `${orgId}-2026-0`, `${orgId}-2026-`, `${orgId}-26-1`, orgId, `${reminderId}\n`, `${reminderId}x`]) expect(orgOfReminder(other as ReminderId)).toBeNull();
  });
});

describe('the letter', () => {
  const subject = { orgName: '某市交通运输局', numberPath: ['二、', '(一)', '3.'], title: '专项资金管理不严' };
  const letter = (change: object): string => noticeText({ colour: 'yellow', year: 2026, number: 12, deadline: day('2026-06-30'), daysLeft: 10, recipients: ['handler', '分管负责同志'], evaluatedOn: day('2026-06-20'), ...change }, subject);

  it('says what officials need, in their words', () => {
    expect(letter({})).toBe([
      '整改预警函', '〔2026〕12号', '', '某市交通运输局：',
      '　　你单位“二、(一)3.专项资金管理不严”问题的整改时限为2026年6月30日。截至2026年6月20日，距整改时限还有10天，尚未完成整改。',
      '　　请倒排工期，压实责任，确保按期完成整改；确有困难的，请及时书面说明情况。收到本函后，请予签收。', '', '　　发送：承办人、分管负责同志', '　　2026年6月20日',
    ].join('\n'));
  });

  it.each([['green', 20, '整改提醒函', '还有20天'], ['yellow', 0, '整改预警函', '于当日届满'], ['red', -3, '整改督办函', '已超过整改时限3天']] as const)('of %s at %d days', (colour, daysLeft, title, words) => {
    const text = letter({ colour, daysLeft });
    expect(text.split('\n')[0]).toBe(title);
    expect(text).toContain(words);
  });

  it('does without what is not known on the day of reading', () => {
    expect(noticeText({ colour: 'red', year: 2026, number: 1, deadline: day('2026-06-30'), daysLeft: -1, recipients: ['organisation'], evaluatedOn: day('2026-07-01') }, { orgName: null, numberPath: [], title: null }))
      .toContain('责任单位：\n　　你单位一项巡察反馈问题的整改时限为');
    expect(noticeNumber({ year: 2026, number: 3 })).toBe('〔2026〕3号');
  });
});
