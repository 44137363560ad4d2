import type { LogClock } from '../answers.ts';
import type { Language } from './language.ts';

/** How the clock that stamps the events stands. */
export const clockText = (language: Language, { state, now, aheadSeconds }: LogClock): string => {
  if (state === 'steady') return language === 'zh' ? `数据库时钟正常：${now}` : `the clock of the database is steady: ${now}`;
  return language === 'zh'
    ? `数据库时钟疑似跳前：${now}，超前约 ${aheadSeconds} 秒；写入已暂停`
    : `the clock of the database seems to have leapt: ${now}, ahead by some ${aheadSeconds} s; nothing is written`;
};

/** Asked before a clock is taken for right. */
export const clockQuestion = (language: Language, clock: LogClock): string => (language === 'zh'
  ? `${clockText(language, clock)}\n确认该时间无误？此后写入的记录将永久保留该时间。(y/N)`
  : `${clockText(language, clock)}\nIs this time right? What is stored from then on keeps it for good. (y/N)`);
