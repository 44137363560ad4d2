import { canonicalJson, isPurged, sha256Hex, type AllSlice, type EventCodec, type EventStore, type StoredEvent } from '@rectrail/event-store';
import { position, type Position, type StreamId } from '@rectrail/kernel';
import { z } from 'zod';
import type { State } from './contracts/contract.ts';
import type { Composer } from './composer.ts';
import type { Audience, MessageFilter, SnapshotPage, SnapshotRequest, SubjectState } from './message.ts';
import { storeFilter, type Selection } from './selection.ts';
import { subjectsOf, type StreamSubjects } from './subjects.ts';
import { SyncDigest } from './sync-digest.ts';

/** A cursor that no page of this snapshot gave out. */
export class SnapshotRejected extends Error {
  readonly code: 'cursor-invalid' | 'cursor-mismatch';

  constructor(code: SnapshotRejected['code'], message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'SnapshotRejected';
    this.code = code;
  }
}

/** Streams begun at most that one page looks through for its subjects. */
const streamsLookedAtMax = 5_000;

const sums = z.record(z.string().max(40), z.strictObject({ subjects: z.int().min(1), sum: z.string().regex(/^[0-9a-f]{64}$/) }));
/** `after`: the first event of the last stream that is done with; `skip`: subjects of the next one that were given already. */
const cursorShape = z.strictObject({ bound: z.string().length(32), after: z.int().min(0), skip: z.int().min(0), sums });
type Cursor = z.output<typeof cursorShape>;

/** What a cursor belongs to; `types` select messages, never subjects. Pages by two trees could leave an organisation out that moved between them. */
const boundTo = ({ at, audience, filter = {} }: Pick<SnapshotRequest, 'at' | 'audience' | 'filter'>, { treeEvents }: Selection): string => {
  const { nouns = null, subtreeOf = null, within = null, levels = null } = filter;
  return sha256Hex(canonicalJson({ at, audience, nouns, subtreeOf, within, levels, treeEvents })).slice(0, 32);
};

const encoded = (cursor: Cursor): string => Buffer.from(JSON.stringify(cursor)).toString('base64url');

const parsedCursor = (text: string): Cursor => {
  try {
    return cursorShape.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch (cause) {
    throw new SnapshotRejected('cursor-invalid', 'the cursor is not one that this server gave out', { cause });
  }
};

/** @throws SnapshotRejected */
const startOf = (request: SnapshotRequest, selection: Selection): Cursor => {
  const bound = boundTo(request, selection);
  if (request.cursor === null) return { bound, after: 0, skip: 0, sums: {} };
  const cursor = parsedCursor(request.cursor);
  if (cursor.bound !== bound) throw new SnapshotRejected('cursor-mismatch', 'the cursor belongs to another position, audience or filter, or the tree of organisations that the filter asks has changed since: begin again without it');
  return cursor;
};

/** A stream that began by then, and its subjects that exist and are selected. */
interface StreamStates { readonly began: Position; readonly subjects: readonly SubjectState[] }

/** The states of all subjects at a position, page by page: streams in the order in which they began, the subjects of one in that of their first facts. */
export class SnapshotReader {
  readonly #store: EventStore;
  readonly #codec: EventCodec;
  readonly #composer: Composer;
  /** The subjects of the stream of several that was read last: pages that end within it need it again. */
  #large: { readonly key: string; readonly subjects: readonly SubjectState[] } = { key: '', subjects: [] };

  constructor(options: { readonly store: EventStore; readonly codec: EventCodec; readonly composer: Composer }) {
    this.#store = options.store;
    this.#codec = options.codec;
    this.#composer = options.composer;
  }

  /** @throws SnapshotRejected */
  async page(request: SnapshotRequest, selection: Selection, limit: number): Promise<SnapshotPage> {
    const { at, filter } = request;
    const start = startOf(request, selection);
    const digest = new SyncDigest(start.sums);
    const subjects: SubjectState[] = [];
    let [after, skip, looked] = [position(start.after), start.skip, 0];
    const pageTo = (next: Omit<Cursor, 'bound' | 'sums'> | null): SnapshotPage => ({
      at, subjects, next: next === null ? null : encoded({ ...next, bound: start.bound, sums: digest.sums }), digest: next === null ? digest.digest() : null,
    });
    for (;;) {
      const from = after;
      const slice = await this.#begun(from, filter, limit);
      const begun = slice.events.filter((event) => event.position <= at);
      for (const stream of await this.#statesOf(begun, request, selection)) {
        const given = stream.subjects.slice(skip, skip + limit - subjects.length);
        given.forEach((subject) => { digest.add(subject); });
        subjects.push(...given);
        skip += given.length;
        if (skip < stream.subjects.length) return pageTo({ after, skip });
        after = stream.began;
        skip = 0;
      }
      looked += begun.length;
      if (begun.length < slice.events.length || slice.scannedTo >= at || slice.scannedTo === from) return pageTo(null);
      after = slice.scannedTo;
      if (subjects.length >= limit || looked >= streamsLookedAtMax) return pageTo({ after, skip });
    }
  }

  #begun(after: Position, filter: MessageFilter | undefined, limit: number): Promise<AllSlice> {
    return this.#store.readAll({ after, filter: { ...storeFilter(filter), first: true }, limit });
  }

  /** Only streams that may hold something selected are read, all in one go. */
  async #statesOf(begun: readonly StoredEvent[], { at, audience }: SnapshotRequest, selection: Selection): Promise<readonly StreamStates[]> {
    const streams = begun.flatMap((event) => {
      const of = subjectsOf(event.streamId);
      if (of === null || !selection.noun(of.contract.noun)) return [];
      // Whose a stream is that begins with a purged content is known once it is read.
      return of.several || isPurged(event) || selection.owner(of.ownerOf(this.#codec.decode(event))) ? [{ of, streamId: event.streamId, began: event.position }] : [];
    });
    const keyOf = (streamId: StreamId): string => `${audience} ${at} ${streamId}`;
    const known = this.#large;
    const missing = streams.filter(({ streamId }) => keyOf(streamId) !== known.key).map(({ streamId }) => streamId);
    const slices = missing.length === 0 ? null : await this.#store.readStreams(missing, at);
    return streams.map(({ of, streamId, began }) => {
      const subjects = slices?.has(streamId) === true ? this.#subjectsIn(slices.get(streamId)?.events ?? [], of, audience) : known.subjects;
      if (of.several) this.#large = { key: keyOf(streamId), subjects };
      return { began, subjects: subjects.filter(({ orgId }) => selection.owner(orgId)) };
    });
  }

  #subjectsIn(events: readonly StoredEvent[], of: StreamSubjects, audience: Audience): readonly SubjectState[] {
    const { noun } = of.contract;
    return [...this.#composer.folded(events, of, audience).subjects].flatMap((fold) => {
      const state: State | null = fold.state;
      return state === null ? [] : [{ subject: fold.subject, noun, position: fold.position, orgId: fold.owner, state }];
    });
  }
}
