import { openCheckpoint, type CheckpointPolicy, type OpenedCheckpoint } from './checkpoint.ts';
import { bytesOfBase64, integerOfDecimal, LogFormatError } from './format-error.ts';
import { assertSize, leafHash, treeHashBytes, type TreeHash } from './merkle-tree.ts';
import { verifiesInclusion } from './proofs.ts';

/** C2SP `tlog-proof`: that a leaf is in the tree of a signed checkpoint, to be checked without the log. File extension `.tlog-proof`. */
export interface LogProof {
  readonly index: number;
  readonly proof: readonly TreeHash[];
  /** The signed note, verbatim. */
  readonly checkpoint: string;
  /** Of the application, and not signed. */
  readonly extra?: Uint8Array;
}

const header = 'c2sp.org/tlog-proof@v1';
/** Siblings of a leaf of the largest tree. */
const proofHashesMax = 53;
const proofCharsMax = 2_000_000;

const malformed = (why: string): LogFormatError => new LogFormatError('proof-malformed', `not a ${header}: ${why}`);

export const formatProof = ({ index, proof, checkpoint, extra }: LogProof): string => {
  assertSize(index, 'the index of a leaf');
  return [
    header, ...(extra === undefined ? [] : [`extra ${Buffer.from(extra).toString('base64')}`]), `index ${index}`, ...proof.map((hash) => hash.toString('base64')), '', checkpoint,
  ].join('\n');
};

const hashOf = (line: string): TreeHash => {
  const hash = bytesOfBase64(line);
  if (hash?.length !== treeHashBytes) throw malformed('a line of the proof is no base64 of 32 bytes');
  return hash;
};

const indexOf = (line: string | undefined): number => {
  const index = integerOfDecimal(/^index (\S+)$/.exec(line ?? '')?.[1] ?? '');
  if (index === null) throw malformed('it names no index');
  return index;
};

/** Verifies nothing. @throws LogFormatError `proof-malformed`. */
export const parseProof = (text: string): LogProof => {
  const end = text.indexOf('\n\n');
  if (text.length > proofCharsMax || end < 0) throw malformed('it has a proof, an empty line and a checkpoint');
  const [first, ...lines] = text.slice(0, end).split('\n');
  if (first !== header) throw malformed('it begins otherwise');
  const extra = lines[0]?.startsWith('extra ') === true ? bytesOfBase64(lines.shift()?.slice('extra '.length) ?? '') : undefined;
  if (extra === null) throw malformed('its extra data is not base64');
  const index = indexOf(lines.shift());
  if (lines.length > proofHashesMax) throw malformed('it is longer than any tree is high');
  return { index, proof: lines.map(hashOf), checkpoint: text.slice(end + 2), ...(extra !== undefined && { extra }) };
};

/**
 * Checks that `leaf` is in the log as the proof says, by the policy's keys alone. Answers the checkpoint that it rests on.
 *
 * @throws LogFormatError as `parseProof` and `openCheckpoint` do; `proof-malformed` where the leaf is not what was logged there
 */
export const openProof = (text: string, leaf: Uint8Array, policy: CheckpointPolicy): OpenedCheckpoint => {
  const { index, proof, checkpoint } = parseProof(text);
  const opened = openCheckpoint(checkpoint, policy);
  if (!verifiesInclusion({ leafHash: leafHash(leaf), index, size: opened.size, root: opened.root, proof })) throw malformed(`the leaf is not the one at index ${index} of the tree of ${opened.size}`);
  return opened;
};
