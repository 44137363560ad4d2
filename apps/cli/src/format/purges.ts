import type { AuditTrail, CommandAnswer } from '../answers.ts';
import type { Language } from './language.ts';

const reasons: Readonly<Record<string, readonly [zh: string, en: string]>> = {
  PERSONAL_INFORMATION: ['个人信息', 'personal information'], STATE_SECRET: ['国家秘密', 'a state secret'], AUTHORITY_ORDER: ['司法或监察机关决定', 'an order of a court or authority'],
  UNLAWFULLY_COLLECTED: ['违法收集', 'unlawfully collected'],
};
const titles: Readonly<Record<string, readonly [zh: string, en: string]>> = {
  PurgeRequested: ['申请依法清除内容', 'asked for'], PurgeConsented: ['同意并已清除', 'consented: gone'], PurgeDeclined: ['不予清除', 'declined'],
};

const said = (language: Language, [zh, en]: readonly [zh: string, en: string]): string => (language === 'zh' ? zh : en);

interface Asked {
  readonly streamId: string;
  readonly targets: readonly { readonly position: number; readonly eventId: string }[];
  readonly reason: string;
  readonly legalBasis: string;
}

const askedText = (language: Language, { streamId, targets, reason, legalBasis }: Asked): readonly string[] => [
  `  ${said(language, reasons[reason] ?? [reason, reason])}${language === 'zh' ? '，' : ', '}${legalBasis}`,
  ...targets.map(({ position, eventId }) => `  ${streamId} #${position} ${eventId}`),
];

interface Gone { readonly position: number; readonly reason: string; readonly legalBasis: string }

/** What a history says of a `ContentPurged`. */
export const goneText = (language: Language, data: unknown): string => {
  // The caller has looked at the type, which says what the data is.
  const { position, reason, legalBasis } = data as Gone;
  const ground = said(language, reasons[reason] ?? [reason, reason]);
  return language === 'zh' ? `#${position} 内容已依法清除：${ground}，${legalBasis}` : `the content of #${position} is gone by law: ${ground}, ${legalBasis}`;
};

/** The events of a purge, the oldest first. */
export const purgeText = (language: Language, { items }: AuditTrail): string => items.toReversed().flatMap(({ type, recordedAt, actor, data }) => [
  `${recordedAt} ${said(language, titles[type] ?? [type, type])} (${actor.subject})`,
  // The type says what the data is.
  ...(type === 'PurgeRequested' ? askedText(language, data as Asked) : []),
]).join('\n');

export const purgeMadeText = (language: Language, { id }: CommandAnswer): string =>
  (language === 'zh' ? `已提出清除申请 ${id}，须由另一名管理员同意：rectrail purge consent ${id}` : `purge ${id} was asked for; another person, an administrator, agrees: rectrail purge consent ${id}`);

export const purgeSettledText = (language: Language, act: 'consent' | 'decline', { id }: CommandAnswer): string => (act === 'consent'
  ? said(language, [`清除申请 ${id} 已办结，内容已清除；备份、导出件和已发出的消息须另行处理`, `purge ${id} is carried out: the contents are gone here; see to backups, exports and what was sent`])
  : said(language, [`清除申请 ${id} 未予同意，内容保留`, `purge ${id} was declined: the contents stay`]));

/** Asked before contents go. */
export const consentQuestion = (language: Language, trail: AuditTrail): string =>
  `${purgeText(language, trail)}\n${said(language, ['内容清除后无法恢复。同意清除？(y/N)', 'The contents cannot be brought back. Agree? (y/N)'])}`;
