import type { Belief, BeliefEvent, Timeline } from '../answers.ts';
import { cutLine } from './figures.ts';
import { aside, label, type Language } from './language.ts';
import { goneText } from './purges.ts';
import { table } from './table.ts';

type Fields = Readonly<Record<string, unknown>>;

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? value as Fields : {});
/** The last day of a date of the interface. */
const lastDay = (date: unknown): string => text(fieldsOf(date)['last']);
const together = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join(' ');
const named = (language: Language, name: string, value: string): string => (value === '' ? '' : `${label(language, name)} ${value}`);

const standing = (language: Language, { disclosure, state, planned }: Fields): string =>
  together(label(language, disclosure === 'STATED' ? text(state) : 'NOT_DISCLOSED'), named(language, 'due', lastDay(planned)));

const numberOf = (entries: unknown): string => String(Array.isArray(entries) ? entries.length : 0);

/** What one line says of a state; the whole of it is in --json. */
const summaries: Readonly<Record<Timeline['kind'], (language: Language, state: Fields) => string>> = {
  issue: standing,
  measure: standing,
  fundsCase: (language, state) => together(...['identified', 'recovered', 'returned'].map((kind) => named(language, kind, numberOf(state[kind])))),
  inspection: (language, { identity, feedback, fieldworkEnded, fieldworkStarted, openedOn }) => together(
    text(fieldsOf(identity)['title']),
    feedback !== null ? named(language, 'feedback', lastDay(fieldsOf(feedback)['on']))
      : fieldworkEnded !== null ? named(language, 'fieldworkEnded', lastDay(fieldsOf(fieldworkEnded)['on']))
        : fieldworkStarted !== null ? named(language, 'fieldworkStarted', lastDay(fieldsOf(fieldworkStarted)['on'])) : named(language, 'opened', lastDay(openedOn)),
  ),
  organisation: (language, { name, code, mergedInto, dissolved }) => together(
    `${text(name)}${aside(language, text(code))}`, mergedInto === undefined ? '' : label(language, 'merged'), dissolved === true ? label(language, 'dissolved') : ''),
};

const stateText = (language: Language, kind: Timeline['kind'], { state, possibly }: Belief): string => {
  const said = state === null ? '—' : summaries[kind](language, state);
  return possibly === null ? said : `${said}${aside(language, `${label(language, 'possibly')}${language === 'zh' ? '' : ' '}${label(language, possibly)}`)}`;
};

const eventText = (event: BeliefEvent | null): string => (event === null ? '' : together(`${event.type} #${event.position}`, event.retraction?.reason ?? event.source?.documentId ?? ''));

const minute = (instant: string | null): string | null => instant?.slice(0, 16) ?? null;

/** The same belief, of the same days and from the same known instant. */
const identity = ({ state, possibly, validFrom, validTo, knownFrom, from }: Belief): string => JSON.stringify([state, possibly, validFrom, validTo, knownFrom, from.eventId]);

/**
 * What was ever held: a belief whose known end alone was moved by a later event is one with what it was before, and what stood
 * only between two events of one append was seen by nobody.
 */
export const everHeld = (beliefs: readonly Belief[]): readonly Belief[] => {
  const events = beliefs.flatMap(({ from, endedBy }) => (endedBy === null ? [from] : [from, endedBy]));
  const commandOf = new Map(events.map(({ position, commandId }) => [position, commandId]));
  const since = new Map<string, number>();
  return beliefs.flatMap((belief) => {
    const { positionFrom, positionTo, endedBy } = belief;
    const key = identity(belief);
    const began = since.get(`${positionFrom} ${key}`) ?? positionFrom;
    const goesOn = positionTo !== null && beliefs.some((other) => other.positionFrom === positionTo && identity(other) === key);
    if (goesOn) since.set(`${positionTo} ${key}`, began);
    const unseen = positionTo !== null && commandOf.get(began) === endedBy?.commandId;
    return goesOn || unseen ? [] : [{ ...belief, positionFrom: began }];
  });
};

export const timelineText = (language: Language, answer: Timeline): string => [
  `${label(language, 'beliefs')}${aside(language, answer.id)}`,
  cutLine(language, answer),
  '',
  table(['', 'state', 'validFrom', 'validTo', 'knownFrom', 'knownTo', 'position', 'basis', 'endedBy'].map((name) => label(language, name)), everHeld(answer.beliefs).map((belief) => [
    belief.holds ? '→' : '', stateText(language, answer.kind, belief), belief.validFrom, belief.validTo, minute(belief.knownFrom), minute(belief.knownTo),
    `${belief.positionFrom}–${belief.positionTo ?? ''}`, eventText(belief.from), eventText(belief.endedBy),
  ])),
  ...answer.purges.map((purge) => `${minute(purge.by.recordedAt) ?? ''} ${goneText(language, purge)}`),
].join('\n');
