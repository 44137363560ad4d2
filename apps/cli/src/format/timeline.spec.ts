// Goal: a timeline printed for people shows each belief once, with its days, its knowledge and its events, in both languages.
// Method: answers by hand, as a server gives them for a registration and a change, for a correction, and for an append of several events.
import { describe, expect, it } from '@jest/globals';
import type { Belief, BeliefEvent, Timeline } from '../answers.ts';
import { everHeld, timelineText } from './timeline.ts';

const event = (position: number, type: string, changes: Partial<BeliefEvent> = {}): BeliefEvent =>
  ({ eventId: `e${position}`, position, commandId: `c${position}`, type, source: null, retraction: null, ...changes });
const belief = (state: Readonly<Record<string, unknown>>, from: BeliefEvent, changes: Partial<Belief>): Belief => ({
  validFrom: null, validTo: null, knownFrom: null, knownTo: null, positionFrom: from.position, positionTo: null, state: { disclosure: 'STATED', ...state }, possibly: null, from,
  endedBy: null, holds: false, ...changes,
});
const fedBack = { state: 'FED_BACK', planned: { printed: '6月底前', first: '2024-06-30', last: '2024-06-30' } };
const [registered, started] = [event(10, 'IssueRegistered', { source: { documentId: 'ledger-1' } }), event(20, 'RectificationStarted')];
const cut = { validAt: '2024-03-01', knownAt: '2024-03-01 08:00:00', atPosition: 20 };
const known = '2024-01-02 16:00:00';

const beliefs: readonly Belief[] = [
  belief(fedBack, registered, { validFrom: '2024-01-01', knownFrom: known, positionTo: 20, endedBy: started }),
  belief(fedBack, registered, { validFrom: '2024-01-01', knownFrom: known, knownTo: '2024-02-03 16:00:00', positionFrom: 20, endedBy: started }),
  belief(fedBack, registered, { validFrom: '2024-01-01', validTo: '2024-02-01', knownFrom: '2024-02-03 16:00:00', positionFrom: 20, possibly: 'IN_PROGRESS' }),
  belief({ state: 'IN_PROGRESS', planned: null }, started, { validFrom: '2024-02-01', knownFrom: '2024-02-03 16:00:00', holds: true }),
];
const timeline: Timeline = { cut, kind: 'issue', id: 'i', beliefs, purges: [] };

describe('timelines', () => {
  it('show what was superseded, what came of it and what holds', () => {
    expect(timelineText('zh', timeline)).toBe([
      '各时点的认识（i）',
      '截至 2024-03-01 的情况（以 2024-03-01 08:00:00 已掌握的信息为准，日志位置 20）',
      '',
      '   状态                                  自（含）    至（不含）  知悉自（含）      知悉至（不含）    日志位置  依据                          止于',
      '   已反馈 期限 2024-06-30                2024-01-01              2024-01-02 16:00  2024-02-03 16:00  10–       IssueRegistered #10 ledger-1  RectificationStarted #20',
      '   已反馈 期限 2024-06-30（或为整改中）  2024-01-01  2024-02-01  2024-02-03 16:00                    20–       IssueRegistered #10 ledger-1',
      '→  整改中                                2024-02-01              2024-02-03 16:00                    20–       RectificationStarted #20',
    ].join('\n'));
    expect(timelineText('en', timeline)).toContain('fed back due 2024-06-30 (possibly in progress)');
  });

  it('begin where they were first held, though their end in knowledge came later', () => {
    expect(everHeld(beliefs).map(({ positionFrom, knownTo }) => [positionFrom, knownTo])).toEqual([[10, '2024-02-03 16:00:00'], [20, null], [20, null]]);
  });

  it('keep what a correction took out of the log, and leave out what stood between the events of one append', () => {
    const slip = event(30, 'FactsRetracted', { retraction: { reason: '录入有误' } });
    const second = event(11, 'IssueStatusStated', { commandId: registered.commandId });
    const unseen = belief(fedBack, registered, { positionTo: 11, endedBy: second });
    const takenOut = belief(fedBack, started, { positionTo: 30, endedBy: slip });
    expect(everHeld([unseen, takenOut])).toEqual([takenOut]);
    const purges = [{ position: 7, reason: 'PERSONAL_INFORMATION', legalBasis: '《个人信息保护法》第四十七条', by: { recordedAt: '2026-03-01 10:00:00' } }];
    expect(timelineText('zh', { ...timeline, purges })).toMatch(/\n2026-03-01 10:00 #7 内容已依法清除：个人信息，《个人信息保护法》第四十七条$/);
    expect(timelineText('zh', { ...timeline, beliefs: [takenOut] })).toMatch(/20–30 .*FactsRetracted #30 录入有误$/m);
  });

  it.each([
    ['organisation', { name: '某局', code: 'CN-1', level: 'bureau', dissolved: true }, '某局（CN-1） 已撤销'],
    ['inspection', { identity: { title: '常规巡察' }, openedOn: null, fieldworkStarted: null, fieldworkEnded: null, feedback: { on: { last: '2024-05-01' } } }, '常规巡察 反馈 2024-05-01'],
    ['fundsCase', { identified: [{}], recovered: [], returned: [{}, {}] }, '认定 1 追回 0 退出 2'],
    ['measure', { state: 'DONE', disclosure: 'NOT_DISCLOSED', planned: null }, '未公开'],
  ] as const)('sum up the state of a %s', (kind, state, summary) => {
    expect(timelineText('zh', { ...timeline, kind, beliefs: [belief(state, started, {})] })).toContain(summary);
  });
});
