// Goal: a message is a pure function of its subject's stream and of the audience, whoever reads it, in whatever pages and after whatever reads before.
// Method: fast-check over random histories with facts of all classifications; every message is held against the plainest fold (testing/plain-messages.ts).
import { describe, expect, it, jest } from '@jest/globals';
import { EventStoreError, follow, Wake, type EventCodec } from '@rectrail/event-store';
import { position, streamVersion, type Fact, type OrgId, type Position } from '@rectrail/kernel';
import { administrativeTreeId, countingOnAnyDay, orgLevels, streams, treeAt, type FactsRetracted, type OrganisationTreeEvent } from '@rectrail/tracking-domain';
import fc from 'fast-check';
import { audiences, createMessageFeed, nouns, type Audience, type Message, type MessageFeed, type MessageFilter, type MessageSlice, type ReadMessages } from './index.ts';
import { noCut } from './subject-fold.ts';
import { contracts, subjectsOf } from './subjects.ts';
import { plainMessages, type PlainMessage } from './testing/plain-messages.ts';
import { recordedHistory, type RecordedHistory } from './testing/recorded-history.ts';

const zone = 'Asia/Shanghai';
const tightLimits = { streamsMax: 4, factsMax: 30, severalFactsMax: 20 };

/** All messages, read in pages of a size that is drawn anew for each. */
const readAll = async (feed: MessageFeed, audience: Audience, pageSize: () => number, filter?: MessageFilter): Promise<readonly Message[]> => {
  const messages: Message[] = [];
  const head = await feed.head();
  for (let after = position(0); after < head;) {
    const slice = await feed.read({ after, audience, limit: pageSize(), ...(filter && { filter }) });
    messages.push(...slice.messages);
    expect(slice.scannedTo).toBeGreaterThan(after);
    after = slice.scannedTo;
  }
  return messages;
};
const inOnePage = (): number => 5_000;
const smallPageBytes = 4_000;

const holds = async (property: (history: RecordedHistory, seed: number) => Promise<void>, { numRuns = 12, sizeMax = 260 } = {}): Promise<void> => {
  const [seeds, sizes] = [fc.nat({ max: 1_000_000 }), fc.integer({ min: 30, max: sizeMax })];
  await fc.assert(fc.asyncProperty(seeds, sizes, async (seed, size) => property(await recordedHistory(seed, size), seed)), { numRuns });
};

const bySubject = (a: PlainMessage, b: PlainMessage): number => a.position - b.position || (a.subject < b.subject ? -1 : 1);

describe('the messages of any history', () => {
  it('are those of the plainest fold, for each audience', async () => {
    let retractions = 0;
    await holds(async ({ store, codec, facts }) => {
      for (const audience of audiences) {
        const messages = await readAll(createMessageFeed({ store, codec, zone }), audience, inOnePage);
        const plain = messages.map(({ position: at, type, subject, data: { change, state } }): PlainMessage => ({ position: at, type, subject, state, retracts: change.retracts }));
        expect(plain.toSorted(bySubject)).toEqual(plainMessages(facts, audience).toSorted(bySubject));
        retractions += plain.filter(({ retracts }) => retracts > 0).length;
      }
    });
    expect(retractions).toBeGreaterThan(20);
  });

  it('are the same bytes in whatever pages, by whatever cache, in whatever order of audiences and readers', async () => {
    await holds(async ({ store, codec }, seed) => {
      const [shared, tight] = [createMessageFeed({ store, codec, zone }), createMessageFeed({ store, codec, zone, limits: tightLimits })];
      for (const audience of seed % 2 === 0 ? audiences : audiences.toReversed()) {
        const expected = JSON.stringify(await readAll(createMessageFeed({ store, codec, zone }), audience, inOnePage));
        let turn = seed;
        const uneven = (): number => 1 + (turn++ * 7 % 23);
        const small = createMessageFeed({ store, codec, zone, pageBytesMax: smallPageBytes });
        const { messages: page } = await small.read({ after: position(0), audience, limit: inOnePage() });
        const last = page.findLastIndex((message) => message.position < page.at(-1)!.position);
        expect(JSON.stringify(page.slice(0, last + 1).map(({ data }) => data)).length).toBeLessThan(2 * smallPageBytes);
        const readers = [[small, inOnePage], [shared, () => 17], [shared, uneven], [tight, uneven], [tight, () => 3]] as const;
        const readings = await Promise.all(readers.map(([feed, pageSize]) => readAll(feed, audience, pageSize)));
        for (const messages of readings) expect(JSON.stringify(messages)).toBe(expected);
      }
    });
  });

  it('need a stream of several subjects read once at most, however many others come in between', async () => {
    await holds(async ({ store, codec }) => {
      const asked = jest.spyOn(store, 'readStreams');
      const limits = { streamsMax: 1_000, factsMax: 10, severalFactsMax: 1_000 };
      await readAll(createMessageFeed({ store, codec, zone, limits }), 'internal', () => 3);
      const ofSeveral = asked.mock.calls.flatMap(([ids]) => ids).filter((id) => subjectsOf(id)?.several);
      expect(ofSeveral).toEqual([...new Set(ofSeveral)]);
    }, { numRuns: 4 });
  });

  it('have an id of their own each, an owner that never changes, and no body beyond their contract', async () => {
    await holds(async ({ store, codec, facts }) => {
      const subjects = new Set(facts.map(({ actor }) => actor.subject));
      const byNoun = new Map(contracts.map((contract) => [contract.noun, contract]));
      for (const audience of audiences) {
        const messages = await readAll(createMessageFeed({ store, codec, zone }), audience, inOnePage);
        expect(new Set(messages.map(({ id }) => id)).size).toBe(messages.length);
        for (const ofSubject of Map.groupBy(messages, ({ subject }) => subject).values()) expect(new Set(ofSubject.map(({ orgId }) => orgId)).size).toBe(1);
        for (const { noun, orgId, data: { state } } of messages) {
          // An unknown field would be left out by the schema, and the two would differ.
          if (state !== null) expect(byNoun.get(noun)?.state.parse(state)).toEqual(state);
          if (state !== null && 'orgId' in state) expect(state['orgId']).toBe(orgId);
        }
        for (const subject of subjects) expect(JSON.stringify(messages)).not.toContain(subject);
      }
    });
  });

  it.each([{ limit: 11 }, { limit: 100, headLimit: 7 }])('come out of a subscription as they do of pages, what is appended meanwhile too: %j', async (limits) => {
    const { store, codec } = await recordedHistory(11, 300);
    const feed = createMessageFeed({ store, codec, zone });
    const expected = await readAll(feed, 'internal', inOnePage);
    const enough = new AbortController();
    const followed: Message[] = [];
    for await (const slice of createMessageFeed({ store, codec, zone }).follow({ after: position(0), audience: 'internal', ...limits, signal: enough.signal })) {
      expect(new Set(slice.messages.map(({ position: at }) => at)).size).toBeLessThanOrEqual(limits.headLimit ?? limits.limit);
      followed.push(...slice.messages);
      if (slice.scannedTo === await feed.head()) enough.abort();
    }
    expect(followed).toEqual(expected);
  });
});

describe('a subscription', () => {
  const recorded = async () => {
    const { store, codec, facts } = await recordedHistory(13, 320);
    return { store, codec, head: position(facts.length) };
  };

  it('ends when its reader leaves it, though nothing more is recorded', async () => {
    const { store, codec, head } = await recorded();
    const subscribed: AbortSignal[] = [];
    const subscribeAll = jest.spyOn(store, 'subscribeAll').mockImplementation((options) => {
      subscribed.push(options.signal);
      return follow({ readAll: (of) => store.readAll(of), wake: new Wake(), pollMs: 60_000, pageEventsMax: store.capabilities.pageEventsMax }, options);
    });
    // Enough for the next read to have begun, and to wait.
    for await (const { scannedTo } of createMessageFeed({ store, codec, zone }).follow({ after: position(0), audience: 'internal', signal: new AbortController().signal })) {
      if (scannedTo === head) break;
    }
    subscribeAll.mockRestore();
    expect(subscribed.map(({ aborted }) => aborted)).toEqual([true]);
  });
});

/** As a server that is older than one event. */
const withUnreadable = (codec: EventCodec, at: Position): EventCodec => ({
  ...codec,
  decode: (stored) => {
    if (stored.position === at) throw new EventStoreError('event-undecodable', `unreadable at ${at}`);
    return codec.decode(stored);
  },
});
const undecodable = expect.objectContaining({ code: 'event-undecodable' });

/** What is told until it fails, and from where on it does. */
interface Told extends MessageSlice { readonly error: unknown }
const toldUntil = async (slices: AsyncIterable<MessageSlice>, after: Position): Promise<Told> => {
  const messages: Message[] = [];
  let scannedTo = after;
  try {
    for await (const slice of slices) {
      messages.push(...slice.messages);
      scannedTo = slice.scannedTo;
    }
  } catch (error) {
    return { messages, scannedTo, error };
  }
  return { messages, scannedTo, error: null };
};

const pagesOf = async function* (feed: MessageFeed, options: ReadMessages): AsyncGenerator<MessageSlice> {
  const head = await feed.head();
  for (let { after } = options; after < head;) {
    const slice = await feed.read({ ...options, after });
    yield slice;
    after = slice.scannedTo;
  }
};

describe('an event that cannot be read', () => {
  it('holds up nothing that stands before it, and everything behind it: in pages and subscriptions of any size, for each audience, from wherever one reads', async () => {
    await holds(async ({ store, codec, facts }, seed) => {
      const told = facts.filter(({ streamId }) => subjectsOf(streamId) !== null);
      const broken = told[seed % told.length]!;
      const before = position(broken.position - 1);
      const limit = 1 + seed % 300;
      for (const audience of audiences) {
        const expected = (await readAll(createMessageFeed({ store, codec, zone }), audience, inOnePage)).filter(({ position: at }) => at <= before);
        const feed = createMessageFeed({ store, codec: withUnreadable(codec, broken.position), zone });
        for (const after of [position(0), position(Math.floor(before / 2)), before]) {
          const options = { after, audience, limit };
          const stands = { messages: expected.filter(({ position: at }) => at > after), scannedTo: before, error: undecodable };
          expect(await toldUntil(pagesOf(feed, options), after)).toEqual(stands);
          expect(await toldUntil(feed.follow({ ...options, signal: new AbortController().signal }), after)).toEqual(stands);
        }
      }
    });
  });

  it('holds up, for whoever reads from behind it, what its own stream tells later, and nothing before that', async () => {
    await holds(async ({ store, codec, facts }, seed) => {
      const told = facts.filter(({ streamId, position: at }) => facts.some((later) => later.streamId === streamId && later.position > at) && subjectsOf(streamId) !== null);
      const { position: after, streamId } = told[seed % told.length]!;
      const expected = (await readAll(createMessageFeed({ store, codec, zone }), 'internal', inOnePage)).filter(({ position: at }) => at > after);
      const feed = createMessageFeed({ store, codec: withUnreadable(codec, after), zone });
      const { messages, scannedTo, error } = await toldUntil(pagesOf(feed, { after, audience: 'internal', limit: 1 + seed % 300 }), after);
      expect(messages).toEqual(expected.filter(({ position: at }) => at <= scannedTo));
      const next = facts.find(({ position: at }) => at === scannedTo + 1);
      expect([error, next?.streamId]).toEqual(next === undefined ? [null, undefined] : [undecodable, streamId]);
    });
  });

  it('is told of by its position where it can be decoded and no message made of it; nothing half made is kept', async () => {
    const { store, codec, facts } = await recordedHistory(13, 320);
    const broken = facts.findLast(({ event }) => event.type === 'IssueRegistered')!.position;
    let readable = false;
    const strange: EventCodec = {
      ...codec,
      decode: (stored) => {
        const fact = codec.decode(stored);
        return stored.position === broken && !readable ? { ...fact, event: { type: 'IssueRegistered', data: null } } : fact;
      },
    };
    const feed = createMessageFeed({ store, codec: strange, zone });
    const options = { after: position(0), audience: 'internal', limit: 5_000 } as const;
    const { messages, scannedTo, error } = await toldUntil(pagesOf(feed, options), options.after);
    expect([scannedTo, error]).toEqual([broken - 1, expect.objectContaining({ code: 'event-undecodable', message: expect.stringContaining(`position ${broken}`) })]);
    readable = true;
    const rest = await toldUntil(pagesOf(feed, { ...options, after: scannedTo }), scannedTo);
    expect([...messages, ...rest.messages]).toEqual(await readAll(createMessageFeed({ store, codec, zone }), 'internal', inOnePage));
  });
});

type TreeFact = Fact<OrganisationTreeEvent | FactsRetracted>;

/** Whether a filter selects a message, by the tree of all facts. */
const selects = ({ facts }: RecordedHistory, { nouns: ofNouns, types, subtreeOf, within, levels }: MessageFilter) => {
  const ofTree = facts.filter((fact): fact is TreeFact => fact.streamId === streams.organisationTree(administrativeTreeId));
  const tree = treeAt(countingOnAnyDay(ofTree, noCut));
  const subtrees = [subtreeOf, within].flatMap((root) => (root === undefined ? [] : [new Set<OrgId>([root, ...tree.subtree(root)])]));
  const ownerSelected = (orgId: OrgId): boolean => subtrees.every((subtree) => subtree.has(orgId)) && (levels?.includes(tree.orgs.get(orgId)?.level ?? '') ?? true);
  return ({ noun, type, orgId }: Message): boolean => (ofNouns?.includes(noun) ?? true) && (types?.includes(type) ?? true) && (orgId === null || ownerSelected(orgId));
};

describe('a filter', () => {
  it('selects exactly the messages that hold all its conditions, in pages of any size', async () => {
    await holds(async (history, seed) => {
      const { store, codec, facts } = history;
      const feed = createMessageFeed({ store, codec, zone });
      const all = await readAll(feed, 'internal', inOnePage);
      const orgs = facts.flatMap(({ event }) => (event.type === 'OrgRegistered' ? [event.data.orgId] : []));
      const [subtreeOf, within] = [orgs[seed % orgs.length]!, orgs[(seed >>> 4) % orgs.length]!];
      const filters: readonly MessageFilter[] = [
        { subtreeOf }, { subtreeOf, within }, { nouns: [nouns[seed % nouns.length]!] }, { nouns: ['issues', 'organisations'], subtreeOf }, { levels: ['bureau'] }, { levels: [orgLevels[0]] },
        { types: ['rectrail.issue.retracted.v1', 'rectrail.organisation.retracted.v1', 'rectrail.issue.deadline-set.v1'] },
      ];
      for (const filter of filters) expect(await readAll(feed, 'internal', () => 1 + seed % 40, filter)).toEqual(all.filter(selects(history, filter)));
    }, { numRuns: 8 });
  });

  it('knows the organisations of its own page, also where another reader asked for the tree just before they were registered', async () => {
    const { store, codec } = await recordedHistory(7, 300);
    const read = (feed: MessageFeed) => feed.read({ after: position(0), audience: 'internal', filter: { levels: orgLevels } });
    const expected = await read(createMessageFeed({ store, codec, zone }));
    const known = (await store.readStream(streams.organisationTree(administrativeTreeId))).events;
    const readStream = jest.spyOn(store, 'readStream').mockImplementationOnce(() => Promise.resolve({ events: known.slice(0, 2), version: streamVersion(2) }));
    const feed = createMessageFeed({ store, codec, zone });
    const [, second] = await Promise.all([read(feed), read(feed)]);
    readStream.mockRestore();
    expect(second).toEqual(expected);
  });

  it('never makes a page longer than its limit, but for a retraction that changes several subjects', async () => {
    const { store, codec } = await recordedHistory(5, 400);
    const feed = createMessageFeed({ store, codec, zone });
    const head = await feed.head();
    for (let after: Position = position(0); after < head;) {
      const { messages, scannedTo } = await feed.read({ after, audience: 'internal', limit: 9, filter: { nouns: ['issues', 'organisations', 'measures'] } });
      expect(new Set(messages.map((message) => message.position)).size).toBeLessThanOrEqual(9);
      after = scannedTo;
    }
  });
});
