// Goal: who keeps the newest state of each subject holds what the server holds, before and after contents are purged; and nothing of a purged content leaves any more.
// Method: random histories of all classifications, read in small pages while contents go; the kept states beside the snapshot, and all messages beside those of a new reader.
import { describe, expect, it } from '@jest/globals';
import { contentSha256, deriveEventId, isPurged, newCommandId, type StoredEvent } from '@rectrail/event-store';
import { readToEnd } from '@rectrail/event-store/testing';
import { position, type Instant, type PurgeId } from '@rectrail/kernel';
import { isPurgeable } from '@rectrail/tracking-domain';
import { createMessageFeed } from './message-feed.ts';
import { audiences, type Audience, type Message, type MessageFeed, type SubjectState } from './message.ts';
import { recordedHistory, type RecordedHistory } from './testing/recorded-history.ts';

const zone = 'Asia/Shanghai';
const purgesEach = 12;

const purge = async ({ store, codec }: RecordedHistory, target: StoredEvent): Promise<void> => {
  const { eventId, scope, classification } = codec.decode(target);
  const commandId = newCommandId('2030-01-01T00:00:00.000Z' as Instant);
  const data = { purgeId: '00000041-0000-8000-8000-000000000041' as PurgeId, eventId, position: target.position, contentSha256: contentSha256(target), reason: 'STATE_SECRET', legalBasis: '保密法' } as const;
  await store.append({ commandId, entries: [{ streamId: target.streamId, expectedVersion: 'any', events: [codec.encode({
    event: { type: 'ContentPurged', data }, eventId: deriveEventId(commandId, 0), commandId, correlationId: 'spec',
    actor: { orgId: null, role: 'administrator', subject: 'second', assurance: 'local-token' }, scope, validTime: null, knownTime: null, classification,
  })] }] });
};

/** What a consumer keeps. */
class Kept {
  readonly states = new Map<string, Pick<SubjectState, 'subject' | 'position' | 'state'>>();
  #after = position(0);
  readonly #feed: MessageFeed;
  readonly #audience: Audience;

  constructor(feed: MessageFeed, audience: Audience) {
    this.#feed = feed;
    this.#audience = audience;
  }

  async readOn(pages = Infinity): Promise<void> {
    const head = await this.#feed.head();
    for (let page = 0; page < pages && this.#after < head; page += 1) {
      const { messages, scannedTo } = await this.#feed.read({ after: this.#after, audience: this.#audience, limit: 9 });
      for (const { subject, position: at, data: { state } } of messages) {
        if (state === null) this.states.delete(subject);
        else this.states.set(subject, { subject, position: at, state });
      }
      this.#after = scannedTo;
    }
  }
}

describe.each([3, 4, 5])('history %i', (seed) => {
  it.each(audiences)('told to the %s audience', async (audience) => {
    const recorded = await recordedHistory(seed, 260);
    const feed = createMessageFeed({ store: recorded.store, codec: recorded.codec, zone });
    const [early, late] = [new Kept(feed, audience), new Kept(feed, audience)];
    await early.readOn();
    for (let n = 0; n < purgesEach; n += 1) {
      const targets = (await readToEnd(recorded.store)).filter((event) => isPurgeable(event.streamId) && !isPurged(event) && event.type !== 'ContentPurged' && event.type !== 'FactsRetracted');
      await purge(recorded, targets[(seed * 31 + n * 17) % targets.length]!);
      await late.readOn(4);
      if (n % 3 === 0) await early.readOn();
    }
    await Promise.all([early.readOn(), late.readOn()]);
    const at = await feed.head();
    const { subjects } = await createMessageFeed({ store: recorded.store, codec: recorded.codec, zone }).snapshot({ at, audience, cursor: null, limit: 10_000 });
    const held = (kept: Kept) => [...kept.states.values()].toSorted((a, b) => (a.subject < b.subject ? -1 : 1));
    const expected = subjects.map(({ subject, position: of, state }) => ({ subject, position: of, state })).toSorted((a, b) => (a.subject < b.subject ? -1 : 1));
    expect(held(early)).toEqual(expected);
    expect(held(late)).toEqual(expected);
  });

  it('is told to nobody who reads anew, whatever was kept folded, though nobody has read as far as the purge', async () => {
    const recorded = await recordedHistory(seed, 260);
    const feed = createMessageFeed({ store: recorded.store, codec: recorded.codec, zone, purgesEveryMs: 0 });
    const upTo = await feed.head();
    const pagesOf = async (of: MessageFeed): Promise<readonly Message[]> => {
      const messages: Message[] = [];
      for (let after = position(0); after < upTo;) {
        const slice = await of.read({ after, audience: 'internal', limit: 9 });
        messages.push(...slice.messages.filter(({ position: at }) => at <= upTo));
        after = slice.scannedTo;
      }
      return messages;
    };
    const before = await pagesOf(feed);
    for (let n = 0; n < purgesEach; n += 1) {
      const targets = (await readToEnd(recorded.store)).filter((event) => isPurgeable(event.streamId) && !isPurged(event) && event.type !== 'ContentPurged' && event.type !== 'FactsRetracted');
      await purge(recorded, targets[(seed * 31 + n * 17) % targets.length]!);
    }
    const anew = await pagesOf(createMessageFeed({ store: recorded.store, codec: recorded.codec, zone }));
    expect(anew).not.toEqual(before);
    expect(await pagesOf(feed)).toEqual(anew);
  });
});
