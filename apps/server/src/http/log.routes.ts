import { EventStoreError, leafBytes, type EventStore, type StoredEvent } from '@rectrail/event-store';
import { position } from '@rectrail/kernel';
import { parseBody } from '@rectrail/tracking-app';
import {
  consistencyProof, entryBundle, formatProof, inclusionProof, leafHash, LogFormatError, noteVerifier, openCheckpoint, parseTilePath, rootOf, tileWidth,
  type NoteSignature, type NoteVerifier, type Tile, type TreeHash,
} from '@rectrail/transparency';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { standingText, type LogFence } from '../log/log-fence.ts';
import { originOf } from '../log/log-key.ts';
import type { SealedLog, SignedCheckpoint } from '../log/sealed-log.ts';
import { sightingOf, type Sighting } from '../log/sightings.ts';
import type { LogConsistency, LogInclusion } from '../openapi/answer-types.ts';
import { HttpProblem } from './http-problem.ts';
import { parseQuery, positionParameter } from './query-parameters.ts';
import { idOf, type TableRoute } from './table-routes.ts';
import { jsonBodyOf } from './write-request.ts';

export interface LogRoutesOptions {
  readonly sealed: SealedLog;
  readonly store: Pick<EventStore, 'identity' | 'readAll'>;
  readonly fence: Pick<LogFence, 'see'>;
  /** Whose cosignatures are taken. */
  readonly witnesses: readonly NoteVerifier[];
}

const sizeParameter = positionParameter.refine((size) => size > 0, 'a tree has at least one leaf');
export const logInclusionQuery = z.strictObject({ size: sizeParameter.optional().describe('Of the tree; default that of the newest checkpoint. A `.tlog-proof` takes the size of a signed one') });
export const logConsistencyQuery = z.strictObject({
  from: sizeParameter.describe('Size of the earlier tree'), to: sizeParameter.optional().describe('Size of the later one; default that of the newest checkpoint'),
});
const witnessesMax = 16;
const epochMax = 999_999_999;
export const logCheckpointQuery = z.strictObject({
  epoch: z.coerce.number().int().min(1).max(epochMax).optional().describe('The last one of this epoch'),
  witnessed: z.coerce.number().int().min(1).max(witnessesMax).optional().describe('The newest one that at least so many witnesses have cosigned; default the newest of all'),
}).refine(({ epoch, witnessed }) => epoch === undefined || witnessed === undefined, 'either `epoch` or `witnessed`');
const noteCharsMax = 20_000;
export const cosignatureBody = z.strictObject({ checkpoint: z.string().min(1).max(noteCharsMax).describe('A checkpoint of the log with the cosignature of a witness (C2SP tlog-cosignature)') });
const nothing = z.strictObject({});

const plain = 'text/plain; charset=utf-8';
const proofSuffix = '.tlog-proof';
/** A tile in full never changes. */
const lasting = 'private, max-age=31536000, immutable';

const sayPlain = (reply: FastifyReply, text: string): string => {
  void reply.header('Cache-Control', 'no-store').type(plain);
  return text;
};
const base64 = (hash: TreeHash): string => hash.toString('base64');

/** Of a path of an inclusion proof: `17`, `17.tlog-proof`. @throws HttpProblem `validation-failed` */
const placeOf = (request: FastifyRequest): { readonly index: number; readonly asFile: boolean } => {
  const id = idOf(request);
  const asFile = id.endsWith(proofSuffix);
  const digits = asFile ? id.slice(0, -proofSuffix.length) : id;
  if (!/^[1-9]\d{0,14}$/.test(digits)) throw new HttpProblem('validation-failed', 'the path names no position of an event', { errors: [{ parameter: 'id', detail: `a position, or a position and ${proofSuffix}` }] });
  return { index: Number(digits) - 1, asFile };
};

const unsigned = (): HttpProblem => new HttpProblem('log-not-sealed', 'nothing of the log has been signed yet');
const notSealed = (parameter: string, detail: string): HttpProblem => new HttpProblem('log-not-sealed', detail, { errors: [{ parameter, detail }] });

interface Witnesses { readonly logId: string; readonly own: readonly NoteVerifier[]; readonly witnesses: readonly NoteVerifier[] }

/**
 * What witnesses have signed of a checkpoint that this log has signed: a witness alone would have no say in what the log is. `own`: keys of the log, of every epoch.
 *
 * @throws HttpProblem `cosignature-refused` where no known witness has, or the log itself has not, or it is of another log
 */
const cosigned = (note: string, { logId, own, witnesses }: Witnesses): { readonly sighting: Sighting; readonly witnessed: readonly NoteSignature[] } => {
  const refuse = (detail: string): HttpProblem => new HttpProblem('cosignature-refused', detail, { errors: [{ pointer: '/checkpoint', detail }] });
  try {
    const { logId: of, ...sighting } = sightingOf(note, 'witness');
    if (of !== logId) throw refuse(`it is of the log ${of}, and this one is ${logId}`);
    const origin = originOf({ logId, epoch: sighting.epoch });
    const { extensions, witnessed } = openCheckpoint(note, { origin, log: own.filter(({ name }) => name === origin), witnesses, witnessesMin: 1 });
    // Kept beside the log's own checkpoint, it would be shown as forged.
    if (extensions !== undefined) throw refuse('it has lines that no checkpoint of this log has');
    return { sighting, witnessed };
  } catch (error) {
    throw error instanceof LogFormatError ? refuse(error.message) : error;
  }
};

/** Proofs and signed heads of the log as it is sealed. */
export class LogAnswers {
  readonly #options: LogRoutesOptions;

  constructor(options: LogRoutesOptions) {
    this.#options = options;
  }

  /** @throws HttpProblem `log-not-sealed` */
  async newest(): Promise<SignedCheckpoint> {
    const newest = await this.#options.sealed.checkpoint();
    if (newest === null) throw unsigned();
    return newest;
  }

  /** @throws HttpProblem `log-not-sealed` */
  async witnessed(witnessesMin: number): Promise<SignedCheckpoint> {
    const found = await this.#options.sealed.witnessed(witnessesMin);
    if (found === null) throw notSealed('witnessed', `no checkpoint has been cosigned by ${witnessesMin} witnesses yet`);
    return found;
  }

  /** @throws HttpProblem `log-not-sealed` */
  async lastOf(epoch: number): Promise<SignedCheckpoint> {
    const found = await this.#options.sealed.lastOf(epoch);
    if (found === null) throw notSealed('epoch', `nothing was signed in epoch ${epoch}`);
    return found;
  }

  /**
   * Keeps what witnesses say of a checkpoint of this log, and answers it with all cosignatures. Where a witness has seen more than there is here, the log is an older copy.
   *
   * @throws HttpProblem `cosignature-refused`, `log-not-sealed`; EventStoreError `log-read-only`
   */
  async cosign(note: string): Promise<string> {
    const { store, sealed, fence, witnesses } = this.#options;
    const [{ logId }, keys] = await Promise.all([store.identity(), sealed.keys()]);
    const { sighting, witnessed } = cosigned(note, { logId, own: keys.map(noteVerifier), witnesses });
    const standing = await fence.see([sighting]);
    if (standing.contradictions.some(({ sighting: { by, size, epoch } }) => by === 'witness' && size === sighting.size && epoch === sighting.epoch)) throw new EventStoreError('log-read-only', standingText(standing));
    const kept = await sealed.keepCosignatures(sighting.epoch, sighting.size, witnessed) ? await sealed.checkpoint(sighting.size) : null;
    if (kept === null) throw new HttpProblem('log-not-sealed', `no checkpoint of exactly ${sighting.size} leaves was signed here`, { errors: [{ pointer: '/checkpoint', detail: 'of another size than any that was signed' }] });
    return kept.note;
  }

  /** The size asked, at most that of the newest checkpoint, which is the default. @throws HttpProblem `log-not-sealed` */
  async sizeOf(asked: number | undefined, parameter: string): Promise<number> {
    const size = await this.#options.sealed.signedSize(asked);
    if (size === 0) throw unsigned();
    if (asked !== undefined && asked > size) throw notSealed(parameter, `the newest checkpoint is of ${size} leaves, asked was ${asked}`);
    return asked ?? size;
  }

  /** @throws HttpProblem `log-not-sealed` */
  async inclusion(index: number, asked: number | undefined): Promise<LogInclusion> {
    const size = await this.sizeOf(asked, 'size');
    if (index >= size) throw notSealed('id', `the event at ${index + 1} is not in the tree of ${size} leaves`);
    const hashes = this.#options.sealed.hashes(size);
    const [proof, root, [leaf = Buffer.of()]] = await Promise.all([inclusionProof({ index, size }, hashes), rootOf(size, hashes), this.leaves(index, 1)]);
    return { position: position(index + 1), index, size, leaf: leaf.toString('utf8'), leafHash: base64(leafHash(leaf)), root: base64(root), proof: proof.map(base64) };
  }

  /** @throws HttpProblem `log-not-sealed` */
  async inclusionFile(index: number, asked: number | undefined): Promise<string> {
    const size = await this.sizeOf(asked, 'size');
    if (index >= size) throw notSealed('id', `the event at ${index + 1} is not in the tree of ${size} leaves`);
    const signed = await this.#options.sealed.checkpoint(size);
    if (signed === null) throw notSealed('size', `no checkpoint of exactly ${size} leaves was signed`);
    return formatProof({ index, proof: await inclusionProof({ index, size }, this.#options.sealed.hashes(size)), checkpoint: signed.note });
  }

  /** @throws HttpProblem `log-not-sealed`, `validation-failed` */
  async consistency(from: number, asked: number | undefined): Promise<LogConsistency> {
    const to = await this.sizeOf(asked, 'to');
    if (from > to) throw asked === undefined ? notSealed('from', `the newest checkpoint is of ${to} leaves, asked was ${from}`) : new HttpProblem('validation-failed', '`from` is greater than `to`', { errors: [{ parameter: 'from', detail: 'greater than `to`' }] });
    const hashes = this.#options.sealed.hashes(to);
    const [proof, fromRoot, toRoot] = await Promise.all([consistencyProof({ first: from, second: to }, hashes), rootOf(from, hashes), rootOf(to, hashes)]);
    return { from, to, fromRoot: base64(fromRoot), toRoot: base64(toRoot), proof: proof.map(base64) };
  }

  /** Of the events behind the first `after`. */
  async leaves(after: number, count: number): Promise<readonly Buffer[]> {
    const { store } = this.#options;
    const events: StoredEvent[] = [];
    while (events.length < count) {
      const slice = await store.readAll({ after: position(after + events.length), limit: count - events.length, contents: 'hashed' });
      if (slice.events.length === 0) throw new Error(`the log ends before leaf ${after + count - 1}, which is sealed`);
      events.push(...slice.events);
    }
    const identity = await store.identity();
    return events.map((event) => leafBytes(event, identity));
  }

  /** @throws HttpProblem `unknown-tile` */
  async tile(text: string): Promise<Buffer> {
    const tile = parseTilePath(text);
    const hashes = tile === null || tile.level === null ? null : await this.#options.sealed.tile({ ...tile, level: tile.level });
    if (hashes !== null) return hashes;
    if (tile?.level === null && await this.#isSealed({ ...tile, level: 0 })) return entryBundle(await this.leaves(tile.index * tileWidth, tile.width));
    throw new HttpProblem('unknown-tile', `there is no ${text}`);
  }

  async #isSealed({ index, width }: Tile): Promise<boolean> {
    return index * tileWidth + width <= await this.#options.sealed.size();
  }
}

/** The log for whoever does not trust its operator: signed heads, proofs, keys and tiles. None of it says what an event says. */
export const logRoutes = (options: LogRoutesOptions, log: LogAnswers): readonly TableRoute[] => {
  return [
    {
      name: 'LogCheckpoint', method: 'GET', path: '/log/checkpoint',
      handle: async (request, reply) => {
        const { epoch, witnessed } = parseQuery(logCheckpointQuery, request.query);
        const asked = epoch !== undefined ? log.lastOf(epoch) : witnessed !== undefined ? log.witnessed(witnessed) : log.newest();
        return sayPlain(reply, (await asked).note);
      },
    },
    {
      name: 'CosignCheckpoint', method: 'POST', path: '/log/cosignatures',
      handle: async (request, reply) => {
        const { checkpoint } = parseBody(cosignatureBody, jsonBodyOf(request));
        return sayPlain(reply, await log.cosign(checkpoint));
      },
    },
    {
      name: 'LogKeyAnnouncements', method: 'GET', path: '/log/key-announcements',
      handle: async (request, reply) => {
        parseQuery(nothing, request.query);
        return sayPlain(reply, (await options.sealed.announcements()).join('\n'));
      },
    },
    {
      name: 'LogKeys', method: 'GET', path: '/log/keys',
      handle: async (request, reply) => {
        parseQuery(nothing, request.query);
        return sayPlain(reply, (await options.sealed.keys()).map((key) => `${key}\n`).join(''));
      },
    },
    {
      name: 'LogInclusion', method: 'GET', path: '/log/proof/inclusion/:id',
      handle: async (request, reply): Promise<LogInclusion | string> => {
        const { size } = parseQuery(logInclusionQuery, request.query);
        const { index, asFile } = placeOf(request);
        if (asFile) return sayPlain(reply, await log.inclusionFile(index, size));
        void reply.header('Cache-Control', 'no-store');
        return log.inclusion(index, size);
      },
    },
    {
      name: 'LogConsistency', method: 'GET', path: '/log/proof/consistency',
      handle: async (request, reply): Promise<LogConsistency> => {
        const { from, to } = parseQuery(logConsistencyQuery, request.query);
        void reply.header('Cache-Control', 'no-store');
        return log.consistency(from, to);
      },
    },
    {
      name: 'LogTile', method: 'GET', path: '/log/tile/*',
      handle: async (request, reply) => {
        parseQuery(nothing, request.query);
        const { pathname } = new URL(request.url, 'http://rectrail');
        const bytes = await log.tile(pathname.slice(pathname.indexOf('/tile/') + 1));
        void reply.header('Cache-Control', lasting).type('application/octet-stream');
        return bytes;
      },
    },
  ];
};
