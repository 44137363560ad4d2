import { LogFormatError } from './format-error.ts';
import { noteVerifier, openNote, signNote, type NoteSigner, type NoteVerifier } from './signed-note.ts';

const heading = 'rectrail.key-announcement/1';

/**
 * A signed note by which a log says that it will be signed by a further key: three lines, the heading, the origin, the verifier key. Signed by the key before, and by the new
 * one to show that it is there.
 */
export const announceKey = (verifier: string, signers: readonly NoteSigner[]): string => signNote([heading, noteVerifier(verifier).name, verifier, ''].join('\n'), signers);

/**
 * The verifier key that is announced, by whoever knows one before it.
 *
 * @throws LogFormatError `note-malformed` also for another kind of note or another log; `note-forged`, `note-unsigned` where none of the known keys, or not the new one, has
 *   signed; `key-malformed`
 */
export const openAnnouncement = (note: string, origin: string, known: readonly NoteVerifier[]): string => {
  const { text } = openNote(note, known);
  const [first, of, verifier = '', ...rest] = text.split('\n');
  if (first !== heading || of !== origin || rest.length !== 1 || rest[0] !== '') throw new LogFormatError('note-malformed', `not the announcement of a key of ${origin}`);
  const announced = noteVerifier(verifier);
  if (announced.name !== origin) throw new LogFormatError('note-malformed', `the key is of ${announced.name}, expected ${origin}`);
  openNote(note, [announced]);
  return verifier;
};
