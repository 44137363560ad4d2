import type { Problem, ProblemPlace } from '../api-client.ts';
import type { Language } from './language.ts';

const placeOf = ({ line, key, pointer, parameter, header, detail, code }: ProblemPlace, language: Language): string => {
  const place = [
    line === undefined ? '' : language === 'zh' ? `第${line}行` : `line ${line}`, key ?? '', pointer === '' ? '' : pointer ?? '', parameter === undefined ? '' : `?${parameter}`, header ?? '',
  ].filter((part) => part !== '').join(' ');
  return `  ${place}${place === '' ? '' : language === 'zh' ? '：' : ': '}${detail}${code === undefined ? '' : ` [${code}]`}`;
};

/** What was refused, why, and where: title, detail, every place. */
export const problemText = (problem: Problem, language: Language): string => {
  const title = language === 'zh' ? problem.titleZh ?? problem.title : problem.title;
  const events = (problem.events ?? []).map(({ type, stream, eventId }) => `  ${type} ${stream ?? ''} ${eventId}`);
  return [`${title} [${problem.code}]`, problem.detail, ...(problem.errors ?? []).map((place) => placeOf(place, language)), ...events].join('\n');
};
