import type { RecordedAct, WriteOffSlip } from '../answers.ts';
import { label, type Language } from './language.ts';

const dutyNames: Readonly<Record<string, readonly [zh: string, en: string]>> = {
  MAIN: ['主体责任', 'main responsibility'], SUPERVISING: ['监督责任', 'supervision'], EXECUTING: ['执行责任', 'execution'],
};

const actText = (language: Language, { on, by, position, recordedAt }: RecordedAct): string => (language === 'zh'
  ? `${on?.printed ?? ''}，${by.subject}（${by.role}），日志位置 ${position}，记录于 ${recordedAt}`
  : `${on?.printed ?? ''}, ${by.subject} (${by.role}), position ${position}, recorded ${recordedAt}`);

/** What stands on a write-off slip, in short; the sheet to be printed is the server's. */
export const slipText = (language: Language, { slip, issueId, orgName, orgCode, numberPath, title, verified, writtenOff, endorsements, proof }: WriteOffSlip): string => {
  const zh = language === 'zh';
  return [
    zh ? `销号单 ${slip}` : `write-off slip ${slip}`,
    `${numberPath.join('')} ${title}`,
    zh ? `责任单位：${orgName ?? ''}（${orgCode ?? ''}）` : `responsible: ${orgName ?? ''} (${orgCode ?? ''})`,
    ...(verified === null ? [] : [`${label(language, 'VERIFIED')}${zh ? '：' : ': '}${actText(language, verified)}`, `  ${verified.record}`]),
    `${label(language, 'WRITTEN_OFF')}${zh ? '：' : ': '}${actText(language, writtenOff)}`,
    ...endorsements.map(({ kind, by }) => `  ${dutyNames[kind]?.[zh ? 0 : 1] ?? kind}${zh ? '：' : ': '}${by}`),
    zh ? `日志收录证明：${proof.path}` : `proof that it is in the log: ${proof.path}`,
    zh ? `打印：rectrail slip ${issueId} --text --to 销号单.txt` : `to print: rectrail slip ${issueId} --text --to slip.txt`,
  ].join('\n');
};
