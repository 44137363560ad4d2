// Goal: what is encoded is decoded to the same fact, in its newest shape, and nothing unknown gets through.
// Method: a toy event with two versions; properties over random envelopes; refusals one by one.
import { describe, expect, it } from '@jest/globals';
import { instant, isUuid, onDay, day, position, streamId, streamVersion, type InspectionId, type NewFact, type OrgId } from '@rectrail/kernel';
import fc from 'fast-check';
import { canonicalJson, createEventCodec, derivedUuid, deriveEventId, hashedCommandId, hashedUuid, newCommandId, type EventDefinition, type StoredEvent } from './index.ts';

const isNamed = (data: unknown): boolean => typeof data === 'object' && data !== null && 'names' in data && Array.isArray(data.names) && Object.keys(data).length === 1;
const named: EventDefinition = {
  type: 'Named', schemaVersion: 2, schema: { safeParse: (data) => (isNamed(data) ? { success: true } : { success: false, error: 'names' }) },
  upcasters: { 1: (data) => ({ names: [(data as { name: string }).name] }) },
};
const codec = createEventCodec([named]);
const at = instant('2026-01-02T03:04:05.678Z');
const commandId = newCommandId(at);

const storedAs = (content: string): StoredEvent => ({ position: position(7), recordedAt: at, streamId: streamId('s'), streamVersion: streamVersion(3), type: 'Named', content });
const uuid = fc.uuid();
const text = fc.string({ unit: 'grapheme' });
const fact: fc.Arbitrary<NewFact> = fc.record({
  event: fc.record({ type: fc.constant('Named'), data: fc.record({ names: fc.array(text) }) }),
  eventId: fc.nat(99).map((i) => deriveEventId(commandId, i)),
  commandId: fc.constant(commandId),
  correlationId: text,
  actor: fc.record({ orgId: fc.option(uuid.map((id) => id as OrgId)), role: text, subject: text, assurance: fc.constantFrom('local-token' as const, 'system' as const) }),
  scope: fc.record({ orgId: fc.option(uuid.map((id) => id as OrgId)), inspectionId: uuid.map((id) => id as InspectionId) }, { requiredKeys: ['orgId'] }),
  validTime: fc.option(fc.constantFrom(onDay(day('2022-02-28')), onDay(day('2025-06-30')))),
  knownTime: fc.option(fc.constant(instant('2022-04-29T00:00:00Z'))),
  classification: fc.constantFrom('public' as const, 'internal' as const, 'restricted' as const),
  causationId: uuid,
  source: fc.record({ documentId: uuid, sha256: text, publishedOn: fc.constant(day('2022-04-29')), locator: text }),
}, { requiredKeys: ['event', 'eventId', 'commandId', 'correlationId', 'actor', 'scope', 'validTime', 'knownTime', 'classification'] });

describe('event codec', () => {
  it('gives back the fact that was encoded, with the place that the store gave it', () => {
    fc.assert(fc.property(fact, (f) => {
      const { content, eventId, type } = codec.encode(f);
      expect({ eventId, type }).toEqual({ eventId: f.eventId, type: 'Named' });
      expect(codec.decode(storedAs(content))).toEqual({ ...f, knownTime: f.knownTime ?? at, position: 7, recordedAt: at, streamId: 's', streamVersion: 3 });
    }));
  });

  it('writes the canonical text: reading and writing it again gives the same bytes', () => {
    fc.assert(fc.property(fact, (f) => {
      const { content } = codec.encode(f);
      expect(canonicalJson(JSON.parse(content))).toBe(content);
    }));
  });

  it('salts every content anew with 16 random bytes', () => {
    const [f] = fc.sample(fact, 1);
    const salts = [codec.encode(f!), codec.encode(f!)].map((e) => (JSON.parse(e.content) as { salt: string }).salt);
    expect(new Set(salts).size).toBe(2);
    for (const salt of salts) expect(Buffer.from(salt, 'base64url')).toHaveLength(16);
  });

  const contentOf = (change: Record<string, unknown>): string => {
    const [f] = fc.sample(fact, 1);
    return canonicalJson({ ...(JSON.parse(codec.encode(f!).content) as object), ...change });
  };

  it('brings an old version to the newest shape', () => {
    expect(codec.decode(storedAs(contentOf({ schemaVersion: 1, data: { name: '甲' } }))).event).toEqual({ type: 'Named', data: { names: ['甲'] } });
  });

  it.each([
    ['an unknown type', { type: 'Renamed' }], ['a version of the future', { schemaVersion: 3 }], ['version 0', { schemaVersion: 0 }], ['a version that is no number', { schemaVersion: '1' }],
    ['a content without a type', { type: null }],
  ])('fails closed on %s', (_, change) => {
    expect(() => codec.decode(storedAs(contentOf(change)))).toThrow(expect.objectContaining({ code: 'event-undecodable' }));
  });

  it.each(['', '{', '[]', 'null', '{"type":"Named","schemaVersion":1}'])('fails closed on the content %j', (content) => {
    expect(() => codec.decode(storedAs(content))).toThrow(expect.objectContaining({ code: 'event-undecodable' }));
  });

  it('refuses to encode what is not registered or does not match, keeping the cause', () => {
    const [f] = fc.sample(fact, 1);
    expect(() => codec.encode({ ...f!, event: { type: 'Renamed', data: {} } })).toThrow(expect.objectContaining({ code: 'event-invalid' }));
    expect(() => codec.encode({ ...f!, event: { type: 'Named', data: { names: [], extra: 1 } } })).toThrow(expect.objectContaining({ code: 'event-invalid', cause: 'names' }));
  });

  it('is not made from definitions that contradict each other or leave a version behind', () => {
    expect(() => createEventCodec([named, named])).toThrow('defined twice');
    expect(() => createEventCodec([{ ...named, upcasters: {} }])).toThrow('no upcaster from version 1');
  });
});

describe('derived ids', () => {
  it('differ by command, index and purpose', () => {
    const other = newCommandId(at);
    const ids = [deriveEventId(commandId, 0), deriveEventId(commandId, 1), deriveEventId(other, 0), derivedUuid(commandId, '0'), derivedUuid(commandId, 'issue'), derivedUuid(other, 'issue')];
    expect(new Set(ids).size).toBe(6);
    expect(hashedUuid('a', 'bc')).not.toBe(hashedUuid('ab', 'c'));
  });

  it('of a command that is named by what it came as are the same at every delivery, whatever time a sender wrote', () => {
    for (const ms of [0, 1_700_000_000_000, -1, Number.NaN, 1e300, 2 ** 48]) {
      const id = hashedCommandId(ms, 'a', 'bc');
      expect([isUuid(id), hashedCommandId(ms, 'a', 'bc'), id[14]]).toEqual([true, id, '7']);
      expect(new Set([id, hashedCommandId(ms, 'ab', 'c'), hashedCommandId(1_600_000_000_000, 'a', 'bc')]).size).toBe(3);
    }
    expect(Number.parseInt(hashedCommandId(1_700_000_000_000, 'a').replaceAll('-', '').slice(0, 12), 16)).toBe(1_700_000_000_000);
  });

  it('carry the time of their command, so that they lie together in an index', () => {
    const id = deriveEventId(newCommandId(instant('2026-05-06T07:08:09.123Z')), 0);
    expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(Date.parse('2026-05-06T07:08:09.123Z'));
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
