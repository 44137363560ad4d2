import type { SequentialModel } from './linearisability.ts';

/**
 * One event to a stream. `expects`: only if it stands at this version (If-Match); null: wherever it stands. The answer: the version that it got, or the one at which the
 * stream stood instead.
 */
export interface StreamAppend {
  readonly expects: number | null;
  readonly answer: { readonly written: number } | { readonly refusedAt: number } | null;
}

/** A stream as its writers see it: a version that grows by one with each append that is carried out. */
export const streamRegister: SequentialModel<number, StreamAppend> = {
  step: (version, { expects, answer }) => {
    if (answer !== null && 'refusedAt' in answer) return answer.refusedAt === version && expects !== null && expects !== version ? version : null;
    if (expects !== null && expects !== version) return null;
    return answer === null || answer.written === version + 1 ? version + 1 : null;
  },
  kindOf: ({ expects }) => String(expects),
  isOver: (version, { expects, answer }) => {
    if (answer !== null) return 'written' in answer ? answer.written <= version : answer.refusedAt < version;
    return expects !== null && expects < version;
  },
};
