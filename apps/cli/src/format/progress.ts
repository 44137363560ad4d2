import type { ImportProgress } from '../answers.ts';
import type { GenerationProgress } from '../generation.ts';
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

const percentPerLine = 10;
const minutes = (seconds: number): string => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

/** How far the making of a province is; in a log one line a tenth. */
export const generationProgress = (output: Output, language: Language): { readonly show: (progress: GenerationProgress) => void; readonly clear: () => void } => {
  let tenth = -percentPerLine;
  let isShown = false;
  return {
    show: ({ events, of, perSecond, secondsLeft, day }) => {
      const percent = Math.floor((events * 100) / of);
      const rate = `${Math.round(perSecond)} ${label(language, 'perSecond')}`;
      const text = [`${percent} %`, `${events}/${of}`, rate, day, `${label(language, 'timeLeft')} ${minutes(secondsLeft)}`].join('  ');
      if (output.isTTY === true) output.write(`${carriageReturnAndErase}${text}`);
      else if (percent >= tenth + percentPerLine) {
        tenth = percent - (percent % percentPerLine);
        output.write(`${text}\n`);
      }
      isShown = true;
    },
    clear: () => {
      if (output.isTTY === true && isShown) output.write(carriageReturnAndErase);
    },
  };
};
