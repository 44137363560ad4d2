import type { ProjectionView, Projections } from '../answers.ts';
import { aside, colon, label, type Language } from './language.ts';
import { table } from './table.ts';

type Build = NonNullable<ProjectionView['build']>;

/** What keeps a rebuild from going on, or else its phase. */
const buildState = ({ phase, running, paused, failure }: Build): string => {
  if (failure !== null) return 'stopped';
  if (running) return phase;
  return paused ? 'paused' : 'interrupted';
};

/** Of the target; what is recorded meanwhile is beyond it. */
const percentOf = ({ position, target }: Build): number => (target === 0 ? 100 : Math.min(100, Math.floor((position * 100) / target)));

/** Phases that go through the events of the log; the others have no measure. */
export const isCounted = ({ phase }: Build): boolean => phase === 'bulk' || phase === 'catching-up';

const buildText = (language: Language, build: Build): string => {
  const state = label(language, buildState(build));
  return build.running && !isCounted(build) ? state : `${state} ${percentOf(build)} %`;
};

const stops = (language: Language, { name, failure, build }: ProjectionView): readonly string[] => [
  ...(failure === null ? [] : [language === 'zh' ? `${name} 停在位置 ${failure.position}：${failure.reason}` : `${name} stopped at position ${failure.position}: ${failure.reason}`]),
  ...(build?.failure == null || failure !== null ? []
    : [language === 'zh' ? `${name} 的重建停在位置 ${build.failure.position}：${build.failure.reason}` : `the rebuild of ${name} stopped at position ${build.failure.position}: ${build.failure.reason}`]),
];

const heads = (language: Language, ...names: readonly string[]): readonly string[] => names.map((name) => label(language, name));

const skipsText = (language: Language, items: readonly ProjectionView[]): readonly string[] => {
  const skips = items.flatMap(({ name, skips: own }) => own.map(({ position, skippedBy, skippedAt, reason }) => [name, position, skippedBy, skippedAt, reason]));
  return skips.length === 0 ? [] : ['', table(heads(language, 'leftOut', 'position', 'subject', 'recordedAt', 'reason'), skips)];
};

/** How each projection stands, why one has stopped, and what is left out. */
export const projectionsText = (language: Language, { headPosition, items }: Projections): string => {
  const stopped = items.flatMap((item) => stops(language, item));
  return [
    `${label(language, 'head')}${colon(language)}${headPosition}`,
    '',
    table(heads(language, 'projection', 'state', 'version', 'position', 'lagEvents', 'lagSeconds', 'rebuild', 'swappedAt'), items.map(({ build, ...item }) => [
      item.name, label(language, item.state), item.version, item.position, item.lagEvents, Math.round(item.lagSeconds), build && buildText(language, build), item.swappedAt,
    ])),
    ...(stopped.length === 0 ? [] : ['', ...stopped]),
    ...skipsText(language, items),
  ].join('\n');
};

export const stoppedRebuildText = (language: Language, { name, build }: ProjectionView): string => {
  const at = build === null ? '' : aside(language, `${build.position}/${build.target}`);
  return language === 'zh'
    ? `${name} 的重建已停止${at}，已完成的部分保留。继续：rectrail rebuild ${name}；放弃：rectrail rebuild --drop ${name}`
    : `the rebuild of ${name} is stopped${at}, what is done is kept. Go on: rectrail rebuild ${name}; drop it: rectrail rebuild --drop ${name}`;
};

export const droppedRebuildText = (language: Language, name: string): string => (language === 'zh' ? `${name} 的重建已取消，已完成的部分已删除` : `the rebuild of ${name} is dropped`);

export const rebuiltText = (language: Language, { name, position }: ProjectionView, seconds: number): string =>
  (language === 'zh' ? `${name} 已重建至位置 ${position}，用时 ${Math.round(seconds)} 秒` : `${name} is rebuilt up to position ${position}, in ${Math.round(seconds)} s`);

export const begunText = (language: Language, name: string): string =>
  (language === 'zh' ? `${name} 正在后台重建，进度见 rectrail projections` : `${name} is being rebuilt in the background; rectrail projections shows how far it is`);

export const nothingToStop = (language: Language): string => (language === 'zh' ? '没有已开始的重建' : 'no rebuild has begun');

export const skippedText = (language: Language, { name, state, position }: ProjectionView, at: number): string => (language === 'zh'
  ? `${name} 今后不计入位置 ${at} 的事件。当前${label(language, state)}，位置 ${position}`
  : `${name} leaves out the event at position ${at} from now on. It is ${label(language, state)} at position ${position}`);

/** What a skip means, before it is done: it cannot be taken back. */
export const skipQuestion = (language: Language, name: string, at: number, reason: string | undefined): string => [
  ...(reason === undefined ? [] : [language === 'zh' ? `${name} 停在位置 ${at}：${reason}` : `${name} stopped at position ${at}: ${reason}`]),
  language === 'zh'
    ? `跳过后，${name} 及其今后的每次重建都不计入该事件，且无法撤销；日志与其他读模型不变。确定跳过？[y/N]`
    : `Skipped, the event is left out of ${name} for good, in every rebuild too; it cannot be taken back. The log and the other projections keep it. Skip it? [y/N]`,
].join('\n');
