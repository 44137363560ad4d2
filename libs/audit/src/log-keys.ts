import { cosigner, LogFormatError, noteVerifier, openCheckpoint, parseCheckpointText, parseNote, type NoteVerifier, type OpenedCheckpoint } from '@rectrail/transparency';
import { finding, type Finding } from './findings.ts';

const originPattern = /^rectrail\/([0-9a-f-]{36})\/([1-9]\d{0,9})$/;

/** What the name of a log says; null for a log that is none of Rectrail's. */
export const partsOfOrigin = (origin: string): { readonly logId: string; readonly epoch: number } | null => {
  const [, logId, epoch] = originPattern.exec(origin) ?? [];
  return logId === undefined || epoch === undefined ? null : { logId, epoch: Number(epoch) };
};

/** A head of the tree that one of the given keys has signed. */
export interface TrustedHead extends OpenedCheckpoint {
  readonly logId: string;
  readonly epoch: number;
}

/** The only keys that count: those that whoever checks has brought, of the log's epochs and of witnesses. None is taken from what is checked. */
export class LogKeys {
  readonly #log: readonly NoteVerifier[];
  readonly #witnesses: readonly NoteVerifier[];

  /** @throws LogFormatError `key-malformed` */
  constructor(keys: readonly string[], witnesses: readonly string[] = []) {
    this.#log = keys.map(noteVerifier);
    this.#witnesses = witnesses.map(cosigner);
  }

  /** What a signed checkpoint says, or why it counts for nothing. */
  open(note: string): TrustedHead | Finding {
    try {
      const { origin, size } = parseCheckpointText(parseNote(note).text);
      const parts = partsOfOrigin(origin);
      if (parts === null) return finding('checkpoint-foreign', null, `the checkpoint of ${size} leaves is of the log ${origin}, none of Rectrail's`);
      const log = this.#log.filter(({ name }) => name === origin);
      if (log.length === 0) return finding('checkpoint-unsigned', null, `the checkpoint of ${size} leaves is of ${origin}, and no key of that name was given`);
      return { ...openCheckpoint(note, { origin, log, witnesses: this.#witnesses }), ...parts };
    } catch (error) {
      if (!(error instanceof LogFormatError)) throw error;
      const code = error.code === 'note-unsigned' ? 'checkpoint-unsigned' : error.code === 'note-forged' ? 'checkpoint-forged' : 'checkpoint-malformed';
      return finding(code, null, error.message);
    }
  }
}

/** The distinct witnesses that have cosigned a head. */
export const witnessNames = ({ witnessed }: OpenedCheckpoint): readonly string[] => [...new Set(witnessed.map(({ name }) => name))].toSorted();
