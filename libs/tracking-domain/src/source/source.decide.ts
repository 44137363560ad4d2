import { accept, nothing, reject, type Day, type Decision, type Rejection } from '@rectrail/kernel';
import type { RejectionText } from '../time/live-command.ts';
import type { SourceEvent } from './source.events.ts';
import type { SourceState } from './source.state.ts';

/** One import of a document; cut by position alone, so it has no day of its own. */
export interface IngestSource { readonly type: 'IngestSource'; readonly data: SourceEvent['data'] }

export const sourceRejections = {
  'source-in-future': { en: 'A source dated in the future is refused.', zh: '来源文件的日期不得晚于今天。' },
} as const satisfies Record<string, RejectionText>;

export type SourceRejection = Rejection & { readonly code: keyof typeof sourceRejections };

/** Its dates decide what was known when (rules.md section 1), so neither may lie after today. */
export const decideSource = ({ data }: IngestSource, { now, today }: { readonly now: SourceState; readonly today: Day }): Decision<SourceEvent, SourceRejection> => {
  for (const [pointer, date] of [['/publishedOn', data.publishedOn], ['/receivedOn', data.receivedOn]] as const) {
    if (date !== null && date > today) return reject({ code: 'source-in-future', detail: `${date} is after today (${today})`, pointer });
  }
  return now.imports.some(({ importId }) => importId === data.importId) ? nothing() : accept({ type: 'SourceIngested', data });
};
