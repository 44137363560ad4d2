import type { FeedMessage, FeedPage, FeedSubject } from '../answers.ts';
import { count, label, type Language } from './language.ts';
import { table } from './table.ts';

type State = Readonly<Record<string, unknown>>;

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const together = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join(' ');
const numberOf = (path: unknown): string => (Array.isArray(path) ? path.map(text).join('') : '');

/** What people call a subject, by whichever of these it has. */
const nameOf = ({ numberPath, marker, title, name, code }: State): string => together(numberOf(numberPath), text(marker), text(title), text(name), text(code));
const standing = (language: Language, { shownState, state }: State): string => label(language, text(shownState) || text(state));

/** `rectrail.issue.accepted.v1` without what all types have. */
const typeText = (type: string): string => type.replace(/^rectrail\.|\.v\d+$/g, '');

/** One message in a line: position, when it was recorded, what changed, of what, and how it stands now. */
export const messageText = (language: Language, { sequence, recordedtime, type, subject, data: { change, state } }: FeedMessage): string =>
  together(
    `#${Number(sequence)}`, recordedtime, typeText(type), change.on?.printed ?? '', state === null ? `${subject} —` : together(nameOf(state) || subject, standing(language, state)),
  );

export const feedText = (language: Language, { messages, scannedTo, head }: FeedPage): string => [
  ...(messages.length === 0 ? [label(language, 'noMessages')] : messages.map((message) => messageText(language, message))),
  ...(scannedTo < head ? ['', `${label(language, 'more')}--after ${scannedTo}`] : []),
].join('\n');

export interface SnapshotTotals {
  readonly at: number;
  readonly digest: string;
  /** By noun. */
  readonly subjects: ReadonlyMap<string, number>;
}

/** How many subjects of each noun there are, and by which digest a copy is compared. */
export const snapshotText = (language: Language, { at, digest, subjects }: SnapshotTotals): string => [
  `${label(language, 'position')} ${at}`,
  '',
  table([label(language, 'kind'), label(language, 'subjects')], [...subjects].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([noun, n]) => [noun, count(n)])),
  '',
  `${label(language, 'digest')} ${digest}`,
].join('\n');

export const subjectText = (language: Language, { subject, sequence, state }: FeedSubject): string => together(`#${Number(sequence)}`, subject, nameOf(state), standing(language, state));
