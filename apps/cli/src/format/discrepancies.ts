import type { Discrepancies, Report } from '../answers.ts';
import { cutLine } from './figures.ts';
import { aside, label, type LabelName, type Language } from './language.ts';
import { table, type Cell } from './table.ts';

type Item = Discrepancies['items'][number];

/** Kinds that readers give to contradictions which no figure shows; those that mean something else among states and conditions have a name of their own. */
const notedKinds: Readonly<Record<string, LabelName>> = {
  structure: 'structure', temporal: 'temporal', internal: 'internal', status_rule: 'status_rule', soft_arithmetic: 'soft_arithmetic', duplicate_fact: 'duplicate_fact',
  deadline: 'deadlineMissing', count: 'countNoted', missing: 'missingNoted',
};

/** The server writes the reader's kind in front of the note: `temporal: …`. */
const notedText = (language: Language, note: string): { readonly kind: string; readonly note: string } => {
  const [, kind = '', text = note] = /^([^:]{1,40}): (.*)$/s.exec(note) ?? [];
  const name = notedKinds[kind];
  return { kind: `${label(language, 'noted')}${kind === '' ? '' : aside(language, name === undefined ? kind : label(language, name))}`, note: text };
};

/** `62 × NOT_DISCLOSED`, `92/96 (measure) = 95.8%`: the words of the interface in those of the reader. */
const computedNote = (language: Language, note: string): string => note
  .replaceAll(/ × ([A-Z_]+)/g, (_, name: string) => (language === 'zh' ? `条${label(language, name)}` : ` × ${label(language, name)}`))
  .replaceAll(/ \((measure|issue)\)/g, (_, basis: string) => aside(language, label(language, basis === 'measure' ? 'measureBasis' : 'issueBasis')));

const rowOf = (language: Language, item: Item): readonly Cell[] => {
  const { kind, note } = item.kind === 'noted' ? notedText(language, item.note ?? '') : { kind: label(language, item.kind), note: computedNote(language, item.note ?? '') };
  return [item.key, kind, item.declared, item.found, item.difference, item.explanation ?? note];
};

/** What one report declares and what is found, the one beside the other. */
export const discrepanciesText = (language: Language, report: Report, answer: Discrepancies): string => [
  `${report.title}${aside(language, report.asOf)}`,
  cutLine(language, answer),
  '',
  table(['key', 'kind', 'declared', 'found', 'difference', 'note'].map((name) => label(language, name)), answer.items.map((item) => rowOf(language, item))),
].join('\n');
