import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkpointText, openCheckpoint, parseCheckpointText, signCheckpoint, type Checkpoint } from './checkpoint.ts';
import { GrowingTree, leafHash } from './merkle-tree.ts';
import { formatProof, openProof, parseProof } from './proof-file.ts';
import { inclusionProof, type TreeHashes } from './proofs.ts';
import { cosigner, cosigningSigner, formatNote, newCosignerKey, newNoteKey, noteSigner, noteVerifier, noteVerifierKey, openNote, parseNote, signNote } from './signed-note.ts';

// Goal: notes, checkpoints and proofs are read back as they were written, by the right keys alone; one changed bit is noticed. Method: the published example of Go's note package;
// random texts and trees; every character of a note changed in turn.
const published = {
  verifier: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  secret: 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz',
  text: 'If you think cryptography is the answer to your problem,\nthen you don\'t know what your problem is.\n',
  signature: '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n',
};
const now = (): bigint => 1_679_315_147n;
const log = newNoteKey('rectrail/5b2f7c1e/1');
const witness = newCosignerKey('witness.example/w1');
const stranger = newNoteKey('stranger.example');
const codeOf = (work: () => unknown): unknown => {
  try {
    work();
    return null;
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
};

describe('a signed note', () => {
  it('is the published one, signed and opened', () => {
    expect(signNote(published.text, [noteSigner(published.secret)])).toBe(`${published.text}\n${published.signature}`);
    expect(openNote(`${published.text}\n${published.signature}`, [noteVerifier(published.verifier)]).text).toBe(published.text);
  });

  it('is read back as it was written, whoever else has signed', () => {
    const line = fc.string({ unit: 'grapheme' }).filter((text) => text.isWellFormed() && !/[\u0000-\u001f]/.test(text));
    fc.assert(fc.property(fc.array(line), (lines) => {
      const text = `${lines.join('\n')}\n`;
      const note = signNote(text, [noteSigner(stranger.secret), noteSigner(log.secret), cosigningSigner(witness.secret, now)]);
      const opened = openNote(note, [noteVerifier(log.verifier), cosigner(witness.verifier)]);
      expect([opened.text, opened.signatures.length, opened.verified.map(({ name }) => name)]).toEqual([text, 3, ['rectrail/5b2f7c1e/1', 'witness.example/w1']]);
      expect(formatNote(opened.text, opened.signatures)).toBe(note);
      expect(codeOf(() => openNote(note, [noteVerifier(published.verifier)]))).toBe('note-unsigned');
    }), { numRuns: 50 });
  });

  it('is noticed with any character of text or signature changed', () => {
    const note = `${published.text}\n${published.signature}`;
    for (let at = 0; at < note.length; at += 1) {
      for (const other of ['A', 'B', '\n', ' ', '—', '\u0007', '\ud800']) {
        if (note[at] === other) continue;
        expect(codeOf(() => openNote(note.slice(0, at) + other + note.slice(at + 1), [noteVerifier(published.verifier)]))).toMatch(/^note-(malformed|forged|unsigned)$/);
      }
    }
  });

  it.each([
    ['', 'nothing'], ['text\n', 'no signature'], ['text\n\n', 'an empty signature line'], [`text${published.signature}`, 'no empty line'], [`text\n\n${published.signature.trimEnd()}`, 'no last newline'],
    [`te\txt\n\n${published.signature}`, 'a control character'], [`text\n\n${published.signature.replace('—', '-')}`, 'a hyphen'], ['text\n\n— a AAAAAA==\n', 'a signature without bytes'],
    [`text\n\n${published.signature.repeat(101)}`, 'too many signatures'], [`text\n\n${published.signature.replace('=', '')}`, 'base64 without padding'], ['text\n\n— a+b AAAAAAAA\n', 'a name with a plus'],
  ])('is not %j: %s', (note) => {
    expect(codeOf(() => parseNote(note))).toBe('note-malformed');
  });

  it('takes keys of their own kind and id alone, and tells nothing of a secret one', () => {
    for (const wrong of [
      published.verifier.replace('c74f20a3', 'c74f20a4'), published.verifier.replace('Peter', 'Paul'), published.verifier.slice(0, -1), witness.verifier, published.secret, '', 'a+b', `${published.verifier}+`,
    ]) expect([wrong, codeOf(() => noteVerifier(wrong))]).toEqual([wrong, 'key-malformed']);
    for (const wrong of [published.verifier, published.secret.replace('c74f20a3', 'c74f20a4'), witness.secret, published.secret.slice(0, -4)]) {
      expect(codeOf(() => noteSigner(wrong))).toBe('key-malformed');
      expect(() => noteSigner(wrong)).not.toThrow(/AYEKFALV/);
    }
    for (const name of ['', 'a b', 'a+b', 'a\u3000b', 'a\nb']) expect(codeOf(() => newNoteKey(name))).toBe('key-malformed');
    expect([noteVerifierKey(log.secret), codeOf(() => noteVerifierKey(log.verifier))]).toEqual([log.verifier, 'key-malformed']);
  });
});

const checkpoints: fc.Arbitrary<Checkpoint> = fc.record({
  origin: fc.constant('rectrail/5b2f7c1e/1'), size: fc.maxSafeNat(), root: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
});
const policy = { origin: 'rectrail/5b2f7c1e/1', log: [noteVerifier(log.verifier)], witnesses: [cosigner(witness.verifier)] };

describe('a checkpoint', () => {
  it('is read back as it was written, and is the form of C2SP tlog-checkpoint', () => {
    fc.assert(fc.property(checkpoints, (checkpoint) => {
      expect(parseCheckpointText(checkpointText(checkpoint))).toEqual(checkpoint);
      expect(openCheckpoint(signCheckpoint(checkpoint, [noteSigner(log.secret)]), policy)).toEqual({ ...checkpoint, witnessed: [] });
    }), { numRuns: 50 });
    expect(checkpointText({ origin: 'example.com/behind-the-sofa', size: 20_852_163, root: Buffer.from('CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=', 'base64'), extensions: ['more'] }))
      .toBe('example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\nmore\n');
  });

  const checkpoint = { origin: policy.origin, size: 7, root: leafHash(Buffer.of()) };

  it('is the log\'s own by its key and origin, and witnessed by so many as are asked', () => {
    const alone = signCheckpoint(checkpoint, [noteSigner(log.secret)]);
    const cosigned = signCheckpoint(checkpoint, [noteSigner(log.secret), cosigningSigner(witness.secret, now)]);
    const opened = openCheckpoint(cosigned, { ...policy, witnessesMin: 1 });
    expect(opened.witnessed.map(({ name, signature }) => [name, cosigner(witness.verifier).time(signature)])).toEqual([['witness.example/w1', now()]]);
    expect(codeOf(() => openCheckpoint(alone, { ...policy, witnessesMin: 1 }))).toBe('note-unsigned');
    // A witness alone does not speak for the log, nor does a cosignature twice count as two.
    expect(codeOf(() => openCheckpoint(signCheckpoint(checkpoint, [cosigningSigner(witness.secret, now)]), policy))).toBe('note-unsigned');
    const twice = signCheckpoint(checkpoint, [noteSigner(log.secret), cosigningSigner(witness.secret, now), cosigningSigner(witness.secret, now)]);
    expect(codeOf(() => openCheckpoint(twice, { ...policy, witnessesMin: 2 }))).toBe('note-unsigned');
    expect(codeOf(() => openCheckpoint(alone, { ...policy, origin: 'rectrail/5b2f7c1e/2' }))).toBe('checkpoint-malformed');
  });

  it('of a witness at another time is forged', () => {
    const { text, signatures } = parseNote(signCheckpoint(checkpoint, [noteSigner(log.secret), cosigningSigner(witness.secret, now)]));
    const [own, { signature, ...rest }] = [signatures[0]!, signatures[1]!];
    const later = Buffer.from(signature);
    later.writeBigUInt64BE(now() + 1n);
    expect(codeOf(() => openCheckpoint(formatNote(text, [own, { ...rest, signature: later }]), policy))).toBe('note-forged');
  });

  it.each(['', 'o\n', 'o\n7\n', 'o\n7\nAAAA\n', `o\n07\n${'A'.repeat(43)}=\n`, `o\n-1\n${'A'.repeat(43)}=\n`, `o\n9007199254740992\n${'A'.repeat(43)}=\n`, `\n7\n${'A'.repeat(43)}=\n`,
    `o\n7\n${'A'.repeat(43)}=`, `o\n7\n${'A'.repeat(43)}=\n\nx\n`, `o\n7\n${'A'.repeat(43)}\n`, `o\n7\n${'A'.repeat(42)}B=\n`])('is not %j', (text) => {
    expect(codeOf(() => parseCheckpointText(text))).toBe('checkpoint-malformed');
  });
});

describe('a .tlog-proof', () => {
  const treeOf = async (size: number, index: number): Promise<{ readonly proof: readonly Buffer[]; readonly root: Buffer }> => {
    const tree = new GrowingTree();
    const kept = new Map<string, Buffer>();
    for (let n = 0; n < size; n += 1) for (const { level, index: at, hash } of tree.append(leafHash(Buffer.from(`leaf ${n}`)))) kept.set(`${level} ${at}`, hash);
    const hashes: TreeHashes = { read: (nodes) => Promise.resolve(nodes.map((node) => kept.get(`${node.level} ${node.index}`)!)) };
    return { proof: await inclusionProof({ index, size }, hashes), root: tree.root };
  };

  it('proves its leaf to whoever has the keys, and no other', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 70 }), fc.nat(), fc.option(fc.uint8Array(), { nil: undefined }), async (size, seed, extra) => {
      const index = seed % size;
      const { proof, root } = await treeOf(size, index);
      const checkpoint = signCheckpoint({ origin: policy.origin, size, root }, [noteSigner(log.secret)]);
      const text = formatProof({ index, proof, checkpoint, ...(extra !== undefined && { extra }) });
      expect(openProof(text, Buffer.from(`leaf ${index}`), policy)).toMatchObject({ size, root });
      expect(parseProof(text).extra).toEqual(extra === undefined ? undefined : Buffer.from(extra));
      expect(codeOf(() => openProof(text, Buffer.from(`leaf ${index + 1}`), policy))).toBe('proof-malformed');
      expect(codeOf(() => openProof(text, Buffer.from(`leaf ${index}`), { ...policy, log: [noteVerifier(stranger.verifier)] }))).toBe('note-unsigned');
    }), { numRuns: 40 });
  });

  it('has the lines of C2SP tlog-proof', () => {
    expect(formatProof({ index: 73_894, proof: [Buffer.alloc(32)], checkpoint: 'note', extra: Buffer.from('x') }))
      .toBe(`c2sp.org/tlog-proof@v1\nextra eA==\nindex 73894\n${'A'.repeat(43)}=\n\nnote`);
  });

  it.each([
    'c2sp.org/tlog-proof@v2\nindex 0\n\nx', 'c2sp.org/tlog-proof@v1\nindex 0\nx', 'c2sp.org/tlog-proof@v1\nindex 00\n\nx', 'c2sp.org/tlog-proof@v1\n\nx', 'c2sp.org/tlog-proof@v1\nextra !\nindex 0\n\nx',
    `c2sp.org/tlog-proof@v1\nindex 0\n${`${'A'.repeat(43)}=\n`.repeat(54)}\nx`, 'c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nx', `${' '.repeat(2_000_001)}\n\n`,
  ])('is not %j', (text) => {
    expect(codeOf(() => parseProof(text))).toBe('proof-malformed');
  });
});
