// Goal: a consumer who starts from a snapshot and only stores the newest state of each subject ends with what the server holds, and can tell by the digest.
// Method: fast-check over random histories, two positions, page sizes and audiences; the states are held against the plainest fold (testing/plain-messages.ts).
import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { canonicalJson, deriveEventId, derivedUuid, newCommandId } from '@rectrail/event-store';
import { position, type OrgId, type Position } from '@rectrail/kernel';
import { administrativeTreeId, streams } from '@rectrail/tracking-domain';
import fc from 'fast-check';
import { audiences, createMessageFeed, SyncDigest, type Message, type MessageFeed, type MessageFilter, type SnapshotPage, type SnapshotRequest, type SubjectState } from './index.ts';
import { plainStates } from './testing/plain-messages.ts';
import { recordedHistory, type RecordedHistory } from './testing/recorded-history.ts';

const zone = 'Asia/Shanghai';

const wholeSnapshot = async (feed: MessageFeed, request: Omit<SnapshotRequest, 'cursor'>): Promise<{ readonly subjects: readonly SubjectState[]; readonly digest: string }> => {
  const subjects: SubjectState[] = [];
  let cursor: string | null = null;
  for (;;) {
    const page = await feed.snapshot({ ...request, cursor });
    expect(page.subjects.length).toBeLessThanOrEqual(request.limit ?? Infinity);
    expect(page.digest === null).toBe(page.next !== null);
    subjects.push(...page.subjects);
    if (page.next === null) return { subjects, digest: page.digest ?? '' };
    cursor = page.next;
  }
};

/** A consumer as docs/reference/messages.md describes it: knows subjects, sequence and state, and no rule of the domain. */
class Consumer {
  readonly #subjects = new Map<string, Omit<SubjectState, 'state'> & { readonly state: SubjectState['state'] | null }>();
  readonly #digest = new SyncDigest();

  load(subjects: readonly SubjectState[]): void {
    for (const subject of subjects) this.#put(subject);
  }

  apply({ subject, noun, position: at, orgId, data: { state } }: Message): void {
    if ((this.#subjects.get(subject)?.position ?? 0) < at) this.#put({ subject, noun, position: at, orgId, state });
  }

  get states(): ReadonlyMap<string, unknown> {
    return new Map([...this.#subjects].flatMap(([subject, { noun, state }]) => (state === null ? [] : [[subject, { noun, state }]])));
  }

  get digest(): string {
    return this.#digest.digest();
  }

  #put({ state, ...subject }: Omit<SubjectState, 'state'> & { readonly state: SubjectState['state'] | null }): void {
    const { state: before = null } = this.#subjects.get(subject.subject) ?? {};
    if (before !== null) this.#digest.remove({ ...subject, state: before });
    if (state !== null) this.#digest.add({ ...subject, state });
    this.#subjects.set(subject.subject, { ...subject, state });
  }
}

const messagesBetween = async (feed: MessageFeed, request: Pick<SnapshotRequest, 'audience'>, after: Position, upTo: Position): Promise<readonly Message[]> => {
  const messages: Message[] = [];
  for (let at = after; at < upTo;) {
    const slice = await feed.read({ ...request, after: at, limit: 50 });
    messages.push(...slice.messages);
    at = slice.scannedTo;
  }
  return messages.filter((message) => message.position <= upTo);
};

const drawn = fc.record({
  seed: fc.nat({ max: 1_000_000 }), size: fc.integer({ min: 30, max: 250 }), from: fc.double({ min: 0, max: 1, noNaN: true }), limit: fc.integer({ min: 1, max: 60 }),
});

const holds = async (property: (history: RecordedHistory, from: Position, limit: number) => Promise<void>, numRuns = 15): Promise<void> => {
  await fc.assert(fc.asyncProperty(drawn, async ({ seed, size, from, limit }) => {
    const history = await recordedHistory(seed, size);
    await property(history, position(Math.floor(from * history.facts.length)), limit);
  }), { numRuns });
};

describe('a snapshot', () => {
  it('holds every subject that exists, in the state of the plainest fold, each once', async () => {
    await holds(async ({ store, codec, facts }, at, limit) => {
      const feed = createMessageFeed({ store, codec, zone });
      for (const audience of audiences) {
        const { subjects } = await wholeSnapshot(feed, { at, audience, limit });
        expect(subjects).toHaveLength(new Set(subjects.map(({ subject }) => subject)).size);
        expect(new Map(subjects.map(({ subject, noun, state }) => [subject, { noun, state }]))).toEqual(plainStates(facts, at, audience));
      }
    });
  });

  it('and the messages behind it give every later snapshot and its digest', async () => {
    await holds(async ({ store, codec, facts }, from, limit) => {
      const feed = createMessageFeed({ store, codec, zone });
      const head = position(facts.length);
      for (const audience of audiences) {
        const consumer = new Consumer();
        consumer.load((await wholeSnapshot(feed, { at: from, audience, limit })).subjects);
        const messages = await messagesBetween(feed, { audience }, from, head);
        // At least once and in any order: with each message some comes again, from before or from far ahead.
        const delivered = messages.flatMap((message, n) => [message, messages[n * 7 % messages.length]!, messages[n * 31 % (n + 1)]!]);
        delivered.forEach((message) => { consumer.apply(message); });
        const later = await wholeSnapshot(feed, { at: head, audience, limit });
        expect(consumer.states).toEqual(new Map(later.subjects.map(({ subject, noun, state }) => [subject, { noun, state }])));
        expect(consumer.digest).toBe(later.digest);
      }
    });
  });

  it('says of each subject the position of its last message, and its owner', async () => {
    await holds(async ({ store, codec }, at) => {
      const feed = createMessageFeed({ store, codec, zone });
      const last = new Map((await messagesBetween(feed, { audience: 'public' }, position(0), at)).map((message) => [message.subject, [message.position, message.orgId]]));
      for (const { subject, position: of, orgId } of (await wholeSnapshot(feed, { at, audience: 'public', limit: 500 })).subjects) expect([of, orgId]).toEqual(last.get(subject));
    }, 6);
  });

  it('is narrowed by nouns and owners as messages are', async () => {
    const { store, codec, facts } = await recordedHistory(7, 400);
    const feed = createMessageFeed({ store, codec, zone });
    const [at, subtreeOf] = [position(facts.length), facts.flatMap(({ event }) => (event.type === 'OrgRegistered' ? [event.data.orgId] : []))[0]!];
    const all = await wholeSnapshot(feed, { at, audience: 'internal' });
    const ofNoun = await wholeSnapshot(feed, { at, audience: 'internal', limit: 7, filter: { nouns: ['organisations'] } });
    expect(ofNoun.subjects).toEqual(all.subjects.filter(({ noun }) => noun === 'organisations'));
    const owned = await wholeSnapshot(feed, { at, audience: 'internal', limit: 7, filter: { subtreeOf } });
    expect(owned.subjects.length).toBeGreaterThan(ofNoun.subjects.length / 4);
    const messages = await feed.read({ after: position(0), audience: 'internal', filter: { subtreeOf } });
    const told = new Set(messages.messages.map(({ subject }) => subject));
    expect(owned.subjects).toEqual(all.subjects.filter(({ subject }) => told.has(subject)));
  });
});

describe('a cursor', () => {
  const firstPage = async () => {
    const { store, codec } = await recordedHistory(1, 100);
    const feed = createMessageFeed({ store, codec, zone });
    const request: SnapshotRequest = { at: position(80), audience: 'internal', limit: 3, cursor: null };
    return { feed, request, next: (await feed.snapshot(request)).next };
  };

  it('belongs to one position, audience and filter', async () => {
    const { feed, request, next } = await firstPage();
    const others: readonly Partial<SnapshotRequest>[] = [{ at: position(81) }, { audience: 'public' }, { filter: { nouns: ['issues'] } }];
    for (const other of others) await expect(feed.snapshot({ ...request, ...other, cursor: next })).rejects.toMatchObject({ code: 'cursor-mismatch' });
    await expect(feed.snapshot({ ...request, cursor: next })).resolves.toMatchObject({ at: 80 });
  });

  it('that asks the tree ends with it: pages by two trees could leave an organisation out', async () => {
    const { store, codec, facts } = await recordedHistory(7, 400);
    const feed = createMessageFeed({ store, codec, zone });
    const [registered] = facts.flatMap(({ event, ...meta }) => (event.type === 'OrgRegistered' && meta.streamId === streams.organisationTree(administrativeTreeId) ? [{ ...meta, event }] : []));
    if (registered === undefined) throw new Error('the history registers nobody');
    const { streamId, recordedAt, event: { data } } = registered;
    const pageBy = (filter: MessageFilter, cursor: string | null): Promise<SnapshotPage> => feed.snapshot({ at: position(facts.length), audience: 'internal', limit: 2, cursor, filter });
    const filters: readonly MessageFilter[] = [{ levels: ['bureau', 'unit'] }, { within: data.orgId }, { nouns: ['issues'] }];
    const nexts = await Promise.all(filters.map(async (filter) => (await pageBy(filter, null)).next));
    expect(nexts).not.toContain(null);
    const commandId = newCommandId(recordedAt);
    const event = { ...registered.event, data: { ...data, orgId: derivedUuid(commandId, 'org') as OrgId, code: 'LATE' } };
    await store.append({ commandId, entries: [{ streamId, expectedVersion: 'any', events: [codec.encode({ ...registered, event, commandId, eventId: deriveEventId(commandId, 0) })] }] });
    for (const [n, code] of ['cursor-mismatch', 'cursor-mismatch', null].entries()) {
      const page = pageBy(filters[n]!, nexts[n]!);
      await (code === null ? expect(page).resolves.toMatchObject({ at: facts.length }) : expect(page).rejects.toMatchObject({ code }));
    }
  });

  it('is refused where this server never gave it out', async () => {
    const { feed, request } = await firstPage();
    const strangers = ['', 'x', 'e30', Buffer.from('{"bound":"0","after":-1,"skip":0,"sums":{}}').toString('base64url'), Buffer.from('null').toString('base64url')];
    for (const cursor of strangers) await expect(feed.snapshot({ ...request, cursor })).rejects.toMatchObject({ code: 'cursor-invalid' });
  });
});

describe('the digest rectrail.feed/1', () => {
  const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
  const subject = (n: number): Pick<SubjectState, 'noun' | 'subject' | 'state'> => ({ noun: 'issues', subject: `issues/${n}`, state: { title: `问题${n}`, annex: false } });

  it('is the SHA-256 of the canonical sums', () => {
    const digest = new SyncDigest();
    digest.add(subject(1));
    digest.add(subject(2));
    digest.add({ ...subject(3), noun: 'plans' });
    const hashes = [1, 2].map((n) => BigInt(`0x${sha256(canonicalJson({ subject: `issues/${n}`, state: subject(n).state }))}`));
    const sum = hashes.reduce((a, b) => (a + b) % 2n ** 256n).toString(16).padStart(64, '0');
    const ofPlans = sha256(canonicalJson({ subject: 'issues/3', state: subject(3).state }));
    expect(digest.digest()).toBe(sha256(canonicalJson({ issues: { subjects: 2, sum }, plans: { subjects: 1, sum: ofPlans } })));
  });

  it('does not depend on the order, and forgets what is taken away', () => {
    fc.assert(fc.property(fc.shuffledSubarray([1, 2, 3, 4, 5, 6]), fc.shuffledSubarray([1, 2, 3, 4, 5, 6]), (kept, gone) => {
      const [direct, roundabout] = [new SyncDigest(), new SyncDigest()];
      for (const n of kept) direct.add(subject(n));
      for (const n of gone) roundabout.add(subject(n + 10));
      for (const n of kept.toReversed()) roundabout.add(subject(n));
      for (const n of gone.toReversed()) roundabout.remove(subject(n + 10));
      expect(new SyncDigest(roundabout.sums).digest()).toBe(direct.digest());
    }));
  });
});
