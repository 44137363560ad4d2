import type { DeadLetterDetail, DeadLetters } from '../answers.ts';
import { colon, label, type Language } from './language.ts';
import { table } from './table.ts';

const heads = (language: Language, ...names: Parameters<typeof label>[1][]): readonly string[] => names.map((name) => label(language, name));

/** A page of them; how to go on where there is more. */
export const deadLettersText = (language: Language, { items, nextCursor }: DeadLetters): string => {
  if (items.length === 0) return label(language, 'noDeadLetters');
  const rows = items.map(({ id, at, reason, key, bytes, topic, partition, offset, replayedAt }) => [id, at, reason, key, bytes, `${topic} ${partition}-${offset}`, replayedAt]);
  return [
    table(heads(language, 'id', 'putAside', 'cause', 'recordKey', 'bytes', 'place', 'replayed'), rows),
    ...(nextCursor === null ? [] : ['', `${label(language, 'more')}--cursor ${nextCursor}`]),
  ].join('\n');
};

/** One with all that was kept; no token was. */
export const deadLetterText = (language: Language, { id, at, reason, detail, topic, partition, offset, bytes, headers, value, replayedAt }: DeadLetterDetail): string => {
  const line = (name: Parameters<typeof label>[1], text: string): string => `${label(language, name)}${colon(language)}${text}`;
  return [
    `${id}  ${at}`,
    line('cause', `${reason}  ${detail}`),
    line('place', `${topic} ${partition}-${offset}`),
    line('bytes', String(bytes)),
    ...(replayedAt === null ? [] : [line('replayed', replayedAt)]),
    '',
    ...Object.entries(headers).map(([name, text]) => `${name}: ${text}`),
    '',
    value ?? label(language, 'valueNotKept'),
  ].join('\n');
};

/** What a replay means, with the command before the eyes of who answers for it. */
export const replayQuestion = (language: Language, letter: DeadLetterDetail): string => [
  deadLetterText(language, letter),
  '',
  language === 'zh' ? '重放后，该命令将以您的身份和权限执行一次。确定重放？[y/N]' : 'Replayed, the command is carried out once, as you and with your rights. Replay it? [y/N]',
].join('\n');

export const replayedText = (language: Language, { id, topic }: DeadLetterDetail): string => (language === 'zh'
  ? `${id} 已放回 ${topic}，处理结果见应答主题`
  : `${id} is put back into ${topic}; the answer comes on the topic of replies`);
