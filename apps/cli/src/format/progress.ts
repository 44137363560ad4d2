import type { ImportProgress, ProjectionView } from '../answers.ts';
import type { GenerationProgress } from '../generation.ts';
import { label, type Language } from './language.ts';
import { isCounted } from './projections.ts';

export interface ProgressLine<P> {
  readonly show: (progress: P) => void;
  readonly clear: () => void;
}

interface Output { readonly isTTY?: boolean; write(text: string): unknown }

const carriageReturnAndErase = '\r\u001B[2K';

/** One line on a terminal that is written over; elsewhere (a log) one line a step. */
const writtenOver = <P>(output: Output, lineOf: (progress: P) => { readonly text: string; readonly step: string }): ProgressLine<P> => {
  let shown: string | null = null;
  return {
    show: (progress) => {
      const { text, step } = lineOf(progress);
      if (output.isTTY === true) output.write(`${carriageReturnAndErase}${text}`);
      else if (step !== shown) output.write(`${text}\n`);
      shown = step;
    },
    clear: () => {
      if (output.isTTY === true && shown !== null) output.write(carriageReturnAndErase);
    },
  };
};

/** How far an import is; its phases are its steps. */
export const progressLine = (output: Output, language: Language, file: string): ProgressLine<ImportProgress> => writtenOver(output, ({ phase, done, total }) =>
  ({ text: `${file} ${label(language, phase)} ${done}${total === null ? '' : `/${total}`}`, step: phase }));

const percentPerStep = 10;
const minutes = (seconds: number): string => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

export interface Counted { readonly done: number; readonly of: number; readonly perSecond: number | null }

/** What is done of the events, how fast it goes and how long it will take; a step is a tenth. */
const counted = (language: Language, { done, of, perSecond }: Counted): { readonly parts: readonly string[]; readonly step: string } => {
  const percent = of === 0 ? 100 : Math.min(100, Math.floor((done * 100) / of));
  const pace = perSecond === null || perSecond === 0 ? []
    : [`${Math.round(perSecond)} ${label(language, 'perSecond')}`, `${label(language, 'timeLeft')} ${minutes(Math.max(0, of - done) / perSecond)}`];
  return { parts: [`${percent} %`, `${done}/${of}`, ...pace], step: String(percent - (percent % percentPerStep)) };
};

const mebibytes = (bytes: number): number => Math.round(bytes / 1_048_576);

/** How far the copying of files is; what is copied may grow meanwhile. */
export const copyProgress = (output: Output, language: Language): ProgressLine<{ readonly bytes: number; readonly of: number }> => {
  const startedMs = performance.now();
  return writtenOver(output, ({ bytes, of }) => {
    const { parts: [percent = ''], step } = counted(language, { done: bytes, of, perSecond: null });
    const seconds = (performance.now() - startedMs) / 1_000;
    return { text: `${percent}  ${mebibytes(bytes)}/${mebibytes(of)} MiB  ${label(language, 'timeLeft')} ${minutes(seconds * (of / Math.max(1, bytes) - 1))}`, step };
  });
};

/** How far the making of a province is. */
export const generationProgress = (output: Output, language: Language): ProgressLine<GenerationProgress> => writtenOver(output, ({ events, of, perSecond, day }) => {
  const { parts, step } = counted(language, { done: events, of, perSecond });
  return { text: [...parts, day].join('  '), step };
});

/** How far an export or a verification is. */
export const countedProgress = (output: Output, language: Language): ProgressLine<Counted> => writtenOver(output, (progress) => {
  const { parts, step } = counted(language, progress);
  return { text: parts.join('  '), step };
});

/** How far a bundle is put back, in three passes over its events. */
export const restoreProgress = (output: Output, language: Language): ProgressLine<Counted & { readonly phase: string }> => writtenOver(output, ({ phase, ...progress }) => {
  const { parts, step } = counted(language, progress);
  return { text: [label(language, phase), ...parts].join('  '), step: `${phase} ${step}` };
});

/** How far a rebuild is; phases that are not counted in events have their names alone. */
export const rebuildProgress = (output: Output, language: Language): ProgressLine<NonNullable<ProjectionView['build']>> => writtenOver(output, (build) => {
  const { name, phase, running, position, target, eventsPerSecond } = build;
  const { parts, step } = counted(language, { done: position, of: target, perSecond: eventsPerSecond });
  const state = label(language, running ? phase : 'interrupted');
  return { text: [name, state, ...(isCounted(build) ? parts : [])].join('  '), step: `${state} ${isCounted(build) ? step : ''}` };
});
