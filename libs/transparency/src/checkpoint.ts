import { bytesOfBase64, integerOfDecimal, LogFormatError } from './format-error.ts';
import { assertSize, treeHashBytes, type TreeHash } from './merkle-tree.ts';
import { openNote, signNote, type NoteSignature, type NoteSigner, type NoteVerifier } from './signed-note.ts';

/** A head of the tree as C2SP `tlog-checkpoint` writes it. */
export interface Checkpoint {
  /** Names the log: `rectrail/<logId>/<epoch>`. */
  readonly origin: string;
  readonly size: number;
  readonly root: TreeHash;
  /** Further lines. They are signed, but nobody can check them: none are written. */
  readonly extensions?: readonly string[];
}

const malformed = (why: string): LogFormatError => new LogFormatError('checkpoint-malformed', `not a checkpoint: ${why}`);

/** The text that is signed. @throws RangeError for an origin or extension that is no line, or a root of another length. */
export const checkpointText = ({ origin, size, root, extensions = [] }: Checkpoint): string => {
  assertSize(size);
  if (root.length !== treeHashBytes) throw new RangeError(`a root has ${treeHashBytes} bytes`);
  for (const line of [origin, ...extensions]) if (line === '' || line.includes('\n')) throw new RangeError('origin and extensions are lines that are not empty');
  return [origin, String(size), root.toString('base64'), ...extensions, ''].join('\n');
};

/** @throws LogFormatError `checkpoint-malformed`. */
export const parseCheckpointText = (text: string): Checkpoint => {
  const [origin = '', decimal = '', base64 = '', ...rest] = text.split('\n');
  const extensions = rest.slice(0, -1);
  const [size, root] = [integerOfDecimal(decimal), bytesOfBase64(base64)];
  if (origin === '' || rest.at(-1) !== '' || extensions.includes('')) throw malformed('it has lines that are not empty, each ended by a newline');
  if (size === null) throw malformed('the second line is the size of the tree, up to 2^53 − 1');
  if (root?.length !== treeHashBytes) throw malformed('the third line is the root, base64 of 32 bytes');
  return { origin, size, root, ...(extensions.length > 0 && { extensions }) };
};

/** A signed checkpoint. */
export const signCheckpoint = (checkpoint: Checkpoint, signers: readonly NoteSigner[]): string => signNote(checkpointText(checkpoint), signers);

export interface CheckpointPolicy {
  readonly origin: string;
  /** Keys of the log: one of them must have signed. */
  readonly log: readonly NoteVerifier[];
  /** Keys of witnesses, of which `witnessesMin` must have cosigned; default 0. */
  readonly witnesses?: readonly NoteVerifier[];
  readonly witnessesMin?: number;
}

export interface OpenedCheckpoint extends Checkpoint {
  /** Cosignatures of known witnesses. */
  readonly witnessed: readonly NoteSignature[];
}

const isOf = (verifiers: readonly NoteVerifier[]) => ({ name, keyId }: NoteSignature): boolean => verifiers.some((verifier) => verifier.name === name && verifier.keyId === keyId);

/**
 * Reads a signed checkpoint of the log that the policy names.
 *
 * @throws LogFormatError `note-malformed`, `note-forged`, `note-unsigned` (by the log, or by too few witnesses), `checkpoint-malformed` also for another log's
 */
export const openCheckpoint = (note: string, { origin, log, witnesses = [], witnessesMin = 0 }: CheckpointPolicy): OpenedCheckpoint => {
  const { text, verified } = openNote(note, [...log, ...witnesses]);
  if (!verified.some(isOf(log))) throw new LogFormatError('note-unsigned', 'no known key of the log has signed the checkpoint');
  const witnessed = verified.filter(isOf(witnesses));
  const names = new Set(witnessed.map(({ name }) => name));
  if (names.size < witnessesMin) throw new LogFormatError('note-unsigned', `${names.size} of at least ${witnessesMin} witnesses have cosigned the checkpoint`);
  const checkpoint = parseCheckpointText(text);
  if (checkpoint.origin !== origin) throw malformed(`it is of the log ${checkpoint.origin}, expected ${origin}`);
  return { ...checkpoint, witnessed };
};
