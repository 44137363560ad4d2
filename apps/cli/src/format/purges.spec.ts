// Goal: whoever is to agree reads what was asked for, by whom and why, in both languages. Method: the audit trail of one purge.
import { expect, it } from '@jest/globals';
import type { AuditTrail } from '../answers.ts';
import { consentQuestion, goneText, purgeText } from './purges.ts';

const event = (type: string, subject: string, data: unknown) =>
  ({ type, data, actor: { subject }, recordedAt: '2026-03-01 10:00', position: 9, knownTime: '', validTime: null, changes: [], retractedBy: [] });
const asked = { streamId: 'issue-1', targets: [{ position: 7, eventId: 'e-7', contentSha256: '' }], reason: 'PERSONAL_INFORMATION', legalBasis: '《个人信息保护法》第四十七条' };
// The cut is not shown.
const trail = { items: [event('PurgeDeclined', 'second', {}), event('PurgeRequested', 'first', asked)] } as unknown as AuditTrail;

it('a content that is gone, in a history', () => {
  expect(goneText('zh', asked.targets.map((target) => ({ ...asked, ...target }))[0])).toBe('#7 内容已依法清除：个人信息，《个人信息保护法》第四十七条');
});

it('a purge, the oldest event first', () => {
  expect(purgeText('zh', trail).split('\n')).toEqual([
    '2026-03-01 10:00 申请依法清除内容 (first)', '  个人信息，《个人信息保护法》第四十七条', '  issue-1 #7 e-7', '2026-03-01 10:00 不予清除 (second)',
  ]);
  expect(consentQuestion('en', trail)).toMatch(/asked for \(first\)\n {2}personal information, .*\n {2}issue-1 #7 e-7\n.*declined \(second\)\nThe contents cannot be brought back/);
});
