import type { BegunEpoch, LogEpochs, LogStanding } from '../answers.ts';
import type { Language } from './language.ts';

const seers: Readonly<Record<string, readonly [zh: string, en: string]>> = {
  folder: ['检查点目录', 'the folder of checkpoints'], kafka: ['Kafka', 'Kafka'], witness: ['见证方', 'a witness'], operator: ['管理员', 'an operator'],
};

/** Whether the log may be written to, and what says otherwise. */
export const standingText = (language: Language, { state, seen }: LogStanding): string => {
  const zh = language === 'zh';
  if (state === 'open') return zh ? '日志正常，可以写入' : 'the log may be written to';
  if (state === 'superseded') return zh ? '日志已启用新的分支，请重启本进程' : 'another epoch of the log has begun: start this process again';
  return [
    zh ? '日志为旧副本，只读：' : 'the log is an older copy, and read-only:',
    ...seen.map(({ by, epoch, size, reason }) => {
      const who = seers[by]?.[zh ? 0 : 1] ?? by;
      if (reason === 'earlier-epoch') return zh ? `  ${who}已见到第 ${epoch} 分支` : `  ${who} has seen epoch ${epoch}`;
      if (reason === 'other') return zh ? `  ${who}所见前 ${size} 条事件与此处不同` : `  ${who} has seen other events among the first ${size}`;
      return zh ? `  ${who}已见到 ${size} 条事件（第 ${epoch} 分支）` : `  ${who} has seen ${size} events (epoch ${epoch})`;
    }),
  ].join('\n');
};

const begunLine = (language: Language, { epoch, position, recordedAt, previous, reason }: BegunEpoch): string => (language === 'zh'
  ? `第 ${epoch} 分支：${recordedAt} 起于位置 ${position}，承接第 ${previous.epoch} 分支的前 ${previous.size} 条事件${reason === undefined ? '' : `；${reason}`}`
  : `epoch ${epoch}: since ${recordedAt}, from position ${position}, goes on from the first ${previous.size} events of epoch ${previous.epoch}${reason === undefined ? '' : `; ${reason}`}`);

/** The epochs of the log, the oldest first. */
export const epochsText = (language: Language, { logId, epoch, standing, begun }: LogEpochs): string => [
  language === 'zh' ? `日志 ${logId}，第 ${epoch} 分支` : `log ${logId}, epoch ${epoch}`, ...begun.map((one) => begunLine(language, one)), standingText(language, standing),
].join('\n');

export const epochBegunText = (language: Language, begun: BegunEpoch): string =>
  [begunLine(language, begun), language === 'zh' ? '请重启所有进程' : 'start every process again'].join('\n');

/** Asked before a new epoch begins. */
export const epochQuestion = (language: Language, { standing }: LogEpochs): string => (language === 'zh'
  ? `${standingText(language, standing)}\n启用新的日志分支？此处没有的事件将不再属于本日志。(y/N)`
  : `${standingText(language, standing)}\nBegin a new epoch? Events that are not here will be no part of this log. (y/N)`);
