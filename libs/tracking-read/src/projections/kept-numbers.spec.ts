// Goal: what rows keep by number is what it was when they were written. Method: the numbers that the versions of the projections stand for, as they were; a checkpoint knows when
// tables are defined otherwise, and nobody but this when a number means something else.
import { createHash } from 'node:crypto';
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { day } from '@rectrail/kernel';
import { shownIssueStates, shownMeasureStates } from '@rectrail/tracking-domain';
import { measureCellText, pairText, parseMeasureCell, parsePair } from '../figures/cell-texts.ts';
import { issueClasses, issueKind } from '../figures/issue-class.ts';
import { eventProjection } from './event-projection.ts';
import { fundsKind } from './funds-register.ts';
import { measureKind } from './measure-register.ts';
import { registerProjection } from './register-projection.ts';
import { keyOf } from './stream-keys.ts';

const zone = 'Asia/Shanghai';
const digest = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);

it('stands for the same in one version', () => {
  const names = ['issue-', 'measure-', 'funds-case-', 'inspection-', 'plan-', 'policy-', 'report-', 'metric-', 'org-tree-', 'organisation-', 'reminder-', 'reminders-', 'subscription-',
    'purge-', 'source-', 'installation', 'working-calendar'];
  expect({
    // Whoever changes a number that is kept raises the version of what keeps it, and then what stands here.
    versions: { events: eventProjection(zone).version, registers: registerProjection(zone).version },
    streamKinds: names.map((name) => [name, keyOf(`${name}00000000-0000-7000-8000-000000000000`).slice(2, 4), keyOf(`${name}x`).slice(2, 4)].join(' ')),
    issueClasses: [issueClasses.length, digest(issueClasses)],
    measureStates: shownMeasureStates.map((state) => `${measureKind(state)} ${state}`),
    issueKinds: shownIssueStates.map((state) => `${issueKind(state, { isDated: false, disagreement: false })} ${state}`),
    fundsKinds: [fundsKind(true, false), fundsKind(false, true)],
  }).toEqual({
    versions: { events: 4, registers: 4 },
    streamKinds: [
      'issue- 02 03', 'measure- 04 05', 'funds-case- 06 07', 'inspection- 08 09', 'plan- 0a 0b', 'policy- 0c 0d', 'report- 0e 0f', 'metric- 10 11', 'org-tree- 12 13',
      'organisation- 14 15', 'reminder- 16 17', 'reminders- 18 19', 'subscription- 1a 1b', 'purge- 1c 1d', 'source- 01 01', 'installation 01 01', 'working-calendar 01 01',
    ],
    issueClasses: [3_960, '78eadf2f8f3cacee'],
    measureStates: ['0 PLANNED', '1 IN_PROGRESS', '2 SUSPENDED', '3 DONE', '4 STANDING', '5 WITHDRAWN', '6 NOT_DISCLOSED'],
    issueKinds: [
      '0 FED_BACK', '4 REGISTERED', '8 PLANNED', '12 IN_PROGRESS', '16 PHASED', '20 BASICALLY_DONE', '24 DONE_REPORTED', '28 VERIFIED', '32 WRITTEN_OFF', '36 REOPENED',
      '40 TRANSFERRED_OUT', '44 NOT_DISCLOSED',
    ],
    fundsKinds: [1, 2],
  });
});

const issueCell = fc.tuple(fc.constantFrom(...issueClasses), fc.integer({ min: -30_000, max: 60_000 }).map((n) => day(new Date(n * 86_400_000).toISOString().slice(0, 10))))
  .map(([one, date]) => ({ ...one, deadline: one.deadline === 'DATED' ? date : one.deadline }));

it('is a cell as it was written', () => {
  fc.assert(fc.property(fc.option(issueCell), fc.option(issueCell), (last, first) => { expect(parsePair(pairText({ last, first }))).toEqual({ last, first }); }));
  const state = fc.option(fc.constantFrom(...shownMeasureStates));
  fc.assert(fc.property(state, state, fc.nat(), (last, first, links) => { expect(parseMeasureCell(measureCellText({ last, first, links }))).toEqual({ last, first, links }); }));
});
