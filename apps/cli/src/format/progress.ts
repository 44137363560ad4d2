import type { ImportProgress } from '../answers.ts';
import { label, type Language } from './language.ts';

export interface ProgressLine {
  readonly show: (progress: ImportProgress) => void;
  readonly clear: () => void;
}

interface Output { readonly isTTY?: boolean; write(text: string): unknown }

const carriageReturnAndErase = '\r\u001B[2K';

/** One line on a terminal that is written over; elsewhere (a log) one line a phase. */
export const progressLine = (output: Output, language: Language, file: string): ProgressLine => {
  let phase = '';
  return {
    show: (progress) => {
      const text = `${file} ${label(language, progress.phase)} ${progress.done}${progress.total === null ? '' : `/${progress.total}`}`;
      if (output.isTTY === true) output.write(`${carriageReturnAndErase}${text}`);
      else if (progress.phase !== phase) output.write(`${text}\n`);
      phase = progress.phase;
    },
    clear: () => {
      if (output.isTTY === true && phase !== '') output.write(carriageReturnAndErase);
    },
  };
};
