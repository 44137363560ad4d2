import type { Finding, FindingCode } from '@rectrail/audit';
import type { Verification } from '../log-verification.ts';
import type { Language } from './language.ts';

const titles: Readonly<Record<FindingCode, string>> = {
  'content-altered': '内容被改动', 'content-missing': '内容缺失', 'content-invalid': '内容不合规范', 'leaf-malformed': '叶记录不合格式', 'leaf-altered': '事件被改动', 'event-missing': '事件缺失',
  'position-out-of-order': '位置次序错误', 'stream-version-gap': '流版本不连续', 'recorded-at-falls': '记录时间倒退', 'event-id-wrong': '事件标识有误', 'command-repeated': '命令重复',
  'command-differs': '命令登记不符', 'type-differs': '事件类型不符', 'root-differs': '根哈希不符', 'tree-differs': '留存的哈希被改动', 'checkpoint-unsigned': '检查点没有可信签名',
  'checkpoint-forged': '检查点签名是伪造的', 'checkpoint-malformed': '检查点不合格式', 'checkpoint-foreign': '检查点属于其他日志', 'checkpoint-missing': '没有检查点', 'witnesses-missing': '见证签名不足',
  'log-too-short': '日志尾部缺失', 'bundle-damaged': '导出包受损', 'figures-differ': '数字不符', 'read-model-differs': '读模型被改动',
};

const place = (language: Language, { position, positionTo }: Finding): string => {
  if (position === null) return '';
  const range = positionTo === undefined ? String(position) : `${position}–${positionTo}`;
  return language === 'zh' ? `位置 ${range}　` : `position ${range}: `;
};

const findingText = (language: Language, found: Finding): string => (language === 'zh'
  ? `✗ ${place(language, found)}${titles[found.code]}（${found.code}）：${found.detail}` : `✗ ${place(language, found)}${found.code}: ${found.detail}`);

const outcomes = { 'confirmed': ['与事件相符', 'confirmed by the events'], 'differs': ['与事件不符', 'differs'], 'not-rederivable': ['无法重新推算', 'cannot be re-derived'] } as const;

/** What was checked and what is wrong, for people: the verdict last. */
export const verificationText = (language: Language, verification: Verification): string => {
  const { logId, after, size, withheld, purged, unsigned, checkpoints, newest, witnessed, root, findings, figures, verified } = verification;
  const isZh = language === 'zh';
  const of = (zh: string, en: string, value: string | number): string => (isZh ? `${zh}：${value}` : `${en}: ${value}`);
  return [
    of('日志', 'log', logId),
    of('事件', 'events', `${after + 1}–${size}`),
    of('未公开的内容', 'contents withheld', withheld), of('依法清除的内容', 'contents purged', purged),
    of('已核对的检查点', 'checkpoints that hold', checkpoints),
    ...(newest === null ? [] : [of('签名至', 'signed up to', `${newest.size} (${newest.origin})`)]),
    ...(witnessed === null ? [] : [of('见证至', 'witnessed up to', `${witnessed.size} (${witnessed.witnesses.join(', ')})`)]),
    ...(unsigned > 0 ? [of('尚未签名', 'not signed yet', unsigned)] : []),
    of('根哈希', 'root', root),
    ...figures.map(({ file, outcome, why }) => `${outcome === 'confirmed' ? '✓' : '·'} ${file}: ${outcomes[outcome][isZh ? 0 : 1]}${why === null ? '' : ` (${why})`}`),
    ...findings.map((found) => findingText(language, found)),
    verified ? (isZh ? '✓ 核验通过' : '✓ verified') : isZh ? '✗ 核验不通过' : '✗ not verified',
  ].join('\n');
};
