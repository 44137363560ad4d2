// Goal: an event of each type and schema version that a release has written stays readable, and every fold of it says what it said then. Method: each release freezes a log
// (`RECTRAIL_FREEZE=1` writes that of the version in package.json, anew until it is released): a random history and, of the types that it lacks, the frozen fixtures. The code
// of today reads it from a real store, projects it, tells it as messages, and comes to the same root and the same figures. What was released is never edited.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { canonicalJson, createEventCodec, deriveEventId, leafBytes, withContent, type StoredEvent } from '@rectrail/event-store';
import { PostgresEventStore, type HistoryEvent } from '@rectrail/event-store-postgres';
import { day, instantOfMs, msOfInstant, onDay, position, streamId, streamVersion, type CommandId, type Cut, type Fact, type Instant, type NewFact } from '@rectrail/kernel';
import { createMessageFeed } from '@rectrail/messaging';
import { createTestDatabase, type TestDatabase } from '@rectrail/platform/testing';
import { streams, trackingEventDefinitions, type TrackingEvent, type TrackingEventType } from '@rectrail/tracking-domain';
import { dashboard, deadlines, funds } from '@rectrail/tracking-domain/figures';
import { randomCut, randomHistory } from '@rectrail/tracking-domain/testing';
import { openTrackingRead, trackingProjections } from '@rectrail/tracking-read';
import { clockAt } from '@rectrail/tracking-read/testing';
import { GrowingTree, leafHash } from '@rectrail/transparency';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const zone = 'Asia/Shanghai';
const folder = join(import.meta.dirname, 'frozen');
const domain = join(import.meta.dirname, '../libs/tracking-domain/src');
const { version: release } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as { version: string };
/** SHA-256 of each file, a line each as `sha256sum` writes it: what was frozen stays. */
const sums = join(folder, 'SHA256SUMS');

interface FrozenCut { readonly cut: Cut; readonly dashboard: string; readonly deadlines: string; readonly funds: string }
interface Header { readonly release: string; readonly logId: string; readonly root: string; readonly types: readonly string[]; readonly cuts: readonly FrozenCut[] }

const codecOf = (salt?: () => string) => createEventCodec(trackingEventDefinitions, salt);
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** By noun: what gives its subject existence, the beginning of its stream, and the field of its id. */
const foundings: Readonly<Record<string, { readonly type: TrackingEventType; readonly stream: string; readonly id: string | null }>> = {
  'inspection': { type: 'InspectionOpened', stream: 'inspection-', id: 'inspectionId' },
  'plan': { type: 'PlanDrafted', stream: 'plan-', id: 'planId' },
  'issue': { type: 'IssueRegistered', stream: 'issue-', id: 'issueId' },
  'measure': { type: 'MeasurePlanned', stream: 'measure-', id: 'measureId' },
  'funds-case': { type: 'IrregularFundsIdentified', stream: 'funds-case-', id: 'fundsCaseId' },
  'report': { type: 'ReportPublished', stream: 'report-', id: 'reportId' },
  'metric': { type: 'MetricDefined', stream: 'metric-', id: 'metricId' },
  'source': { type: 'SourceIngested', stream: 'source-', id: 'documentId' },
  'reminder': { type: 'ReminderIssued', stream: 'reminders-', id: 'orgId' },
  'subscription': { type: 'SubscriptionCreated', stream: 'subscription-', id: 'subscriptionId' },
  'purge': { type: 'PurgeRequested', stream: 'purge-', id: 'purgeId' },
  'installation': { type: 'EpochBegun', stream: streams.installation, id: null },
};

interface Fixture { readonly noun: string; readonly type: string; readonly data: Readonly<Record<string, unknown>> }

const fixtures = (): readonly Fixture[] => readdirSync(domain, { recursive: true, encoding: 'utf8' })
  .flatMap((path) => {
    const [, noun = '', type = '', version = ''] = /^([a-z-]+)[/\\]wire[/\\]fixtures[/\\](\w+)\.v(\d+)\.json$/.exec(path) ?? [];
    const newest = trackingEventDefinitions.find((definition) => definition.type === type)?.schemaVersion;
    return Number(version) !== newest ? [] : [{ noun, type, data: JSON.parse(readFileSync(join(domain, path), 'utf8')) as Record<string, unknown> }];
  }).toSorted((a, b) => (a.type < b.type ? -1 : 1));

/** As it was before a store gave it its place. */
const withoutPlace = ({ eventId, commandId, correlationId, actor, scope, classification, event, validTime, knownTime }: Fact): NewFact =>
  ({ eventId, commandId, correlationId, actor, scope, classification, event, validTime, knownTime });

/** Goes on behind a history with one event of each type that it lacks, on the stream of its noun behind what gives that existence. */
class Freezing {
  #salts = 0;
  readonly #codec = codecOf(() => String((this.#salts += 1)).padStart(22, '0'));
  readonly #versions = new Map<string, number>();
  readonly events: HistoryEvent[] = [];

  constructor(history: readonly Fact<TrackingEvent>[]) {
    for (const fact of history) this.#put(fact.streamId, fact.recordedAt, withoutPlace(fact));
    for (const noun of Object.keys(foundings)) this.#complete(noun);
    this.#purge();
  }

  #has(type: string): boolean {
    return this.events.some((event) => event.type === type);
  }

  #put(stream: string, recordedAt: Instant, fact: NewFact): HistoryEvent {
    const version = (this.#versions.get(stream) ?? 0) + 1;
    this.#versions.set(stream, version);
    const { type, content } = this.#codec.encode(fact);
    const place = { position: position(this.events.length + 1), recordedAt, streamId: streamId(stream), streamVersion: streamVersion(version) };
    const event = { ...place, type, content, commandId: fact.commandId };
    this.events.push(event);
    return event;
  }

  #fixture(stream: string, { type, data }: Pick<Fixture, 'type' | 'data'>): HistoryEvent {
    const n = this.events.length + 1;
    const recordedAt = instantOfMs(msOfInstant(this.events.at(-1)!.recordedAt) + 1_000);
    const commandId = `019a0000-0000-7000-8000-${String(n).padStart(12, '0')}` as CommandId;
    return this.#put(stream, recordedAt, {
      event: { type, data }, eventId: deriveEventId(commandId, 0), commandId, correlationId: commandId, actor: { orgId: null, role: 'administrator', subject: 'frozen', assurance: 'system' },
      scope: { orgId: null }, classification: 'internal', validTime: onDay(day('2022-03-10')), knownTime: null,
    });
  }

  #complete(noun: string): void {
    const { type: founding, stream: begins, id } = foundings[noun]!;
    const all = fixtures().filter((fixture) => fixture.noun === noun && fixture.type !== 'ContentPurged');
    const missing = all.filter(({ type }) => type !== founding && !this.#has(type));
    const founded = all.find(({ type }) => type === founding)!;
    if (missing.length === 0 && this.#has(founding)) return;
    const stream = id === null ? begins : `${begins}${String(founded.data[id])}`;
    this.#fixture(stream, founded);
    for (const { type, data } of missing) this.#fixture(stream, { type, data: id !== null && id in data ? { ...data, [id]: founded.data[id] } : data });
  }

  /** The content of one event goes. */
  #purge(): void {
    const { data } = fixtures().find(({ type }) => type === 'ContentPurged')!;
    const { streamId: stream } = this.events.findLast(({ type }) => type === 'NextStepStated')!;
    const target = this.#fixture(stream, fixtures().find(({ type }) => type === 'NextStepStated')!);
    const { eventId } = JSON.parse(target.content) as { eventId: string };
    const contentSha256 = sha256(target.content);
    this.events.splice(target.position - 1, 1, { ...target, content: '', contentSha256 });
    this.#fixture(stream, { type: 'ContentPurged', data: { ...data, eventId, position: target.position, contentSha256 } });
  }
}

const rootOf = (events: readonly StoredEvent[], logId: string): string => {
  const tree = new GrowingTree();
  for (const event of events) tree.append(leafHash(leafBytes(event, { logId })));
  return tree.root.toString('base64');
};

const typesOf = (events: readonly Pick<StoredEvent, 'type' | 'content'>[]): readonly string[] =>
  [...new Set(events.flatMap(({ type, content }) => (content === '' ? [] : [`${type}.v${(JSON.parse(content) as { schemaVersion: number }).schemaVersion}`])))].toSorted();

/** The figures of the whole forest at a cut, as digests. */
const figuresAt = (facts: readonly Fact<TrackingEvent>[], cut: Cut): FrozenCut => {
  const query = { org: null, policy: null };
  const digest = (figures: unknown): string => sha256(canonicalJson(figures));
  return { cut, dashboard: digest(dashboard(facts, cut, query).figures), deadlines: digest(deadlines(facts, cut, query).figures), funds: digest(funds(facts, cut, query).figures) };
};

const factsOf = (events: readonly StoredEvent[]): readonly Fact<TrackingEvent>[] => {
  const codec = codecOf();
  // Decoded by their definitions.
  return withContent(events).map((event) => codec.decode(event) as Fact<TrackingEvent>);
};

const stored = async (database: TestDatabase, events: readonly HistoryEvent[]): Promise<{ store: PostgresEventStore; read: readonly StoredEvent[] }> => {
  const store = await PostgresEventStore.open({ connectionString: database.url });
  await store.loadHistory((async function* () { yield await Promise.resolve(events); })());
  return { store, read: (await store.readAll({ limit: 1_000 })).events };
};

const freeze = async (database: TestDatabase, file: string): Promise<void> => {
  const history = randomHistory(5, 300, deriveEventId);
  const { events } = new Freezing(history);
  const { store, read } = await stored(database, events);
  await store.close();
  const facts = factsOf(read);
  const logId = '5b2f7c1e-9a40-4c53-8f0e-2d1a6b7c8d9e';
  const cuts = Array.from({ length: 12 }, (_, n) => figuresAt(facts, randomCut(n, history)));
  const header: Header = { release, logId, root: rootOf(read, logId), types: typesOf(events), cuts };
  const text = [header, ...events].map((line) => `${JSON.stringify(line)}\n`).join('');
  writeFileSync(file, text);
  const others = existsSync(sums) ? readFileSync(sums, 'utf8').split('\n').filter((line) => line !== '' && !line.endsWith(`  ${basename(file)}`)) : [];
  writeFileSync(sums, [...others, `${sha256(text)}  ${basename(file)}`, ''].join('\n'));
};

const own = join(folder, `${release}.ndjson`);
if (process.env['RECTRAIL_FREEZE'] === '1') {
  const database = await createTestDatabase();
  await freeze(database, own);
  await database.drop();
}
const releases = readdirSync(folder).filter((name) => name.endsWith('.ndjson')).map((name) => name.replace(/\.ndjson$/, ''));

it('has all that the release at work can write (RECTRAIL_FREEZE=1 freezes it)', () => {
  const written = trackingEventDefinitions.map(({ type, schemaVersion }) => `${type}.v${schemaVersion}`);
  if (releases.includes(release)) expect((JSON.parse(readFileSync(own, 'utf8').split('\n')[0] ?? '') as Header).types).toEqual(written.toSorted());
});

describe.each(releases)('the log that release %s froze', (name) => {
  const text = readFileSync(join(folder, `${name}.ndjson`), 'utf8');
  const [header, ...events] = text.trimEnd().split('\n').map((line): unknown => JSON.parse(line)) as [Header, ...HistoryEvent[]];
  let database: TestDatabase;
  let store: PostgresEventStore;
  let read: readonly StoredEvent[];
  beforeAll(async () => {
    database = await createTestDatabase();
    ({ store, read } = await stored(database, events));
  });
  afterAll(async () => {
    await store.close();
    await database.drop();
  });

  it('is as it was frozen, and has an event of each type and version of its release', () => {
    expect(readFileSync(sums, 'utf8').split('\n')).toContain(`${sha256(text)}  ${name}.ndjson`);
    expect(typesOf(events)).toEqual(header.types);
    const known = new Map(trackingEventDefinitions.map(({ type, schemaVersion }) => [type, schemaVersion]));
    for (const each of header.types) {
      const [type = '', version] = each.split('.v');
      expect([each, (known.get(type) ?? 0) >= Number(version)]).toEqual([each, true]);
    }
  });

  it('has the same root, and the same figures at every cut', () => {
    expect(rootOf(read, header.logId)).toBe(header.root);
    const facts = factsOf(read);
    for (const { cut, ...digests } of header.cuts) expect({ ...figuresAt(facts, cut) }).toEqual({ cut, ...digests });
  });

  it('is projected to its end, and told as messages', async () => {
    const codec = codecOf();
    const tracking = await openTrackingRead({ connectionString: database.url, store, codec, clock: clockAt(events.at(-1)!.recordedAt), zone });
    try {
      await tracking.project(position(events.length));
      const reached = (await tracking.projectionStatus()).map((each) => [each.name, each.position, each.failure]);
      expect(reached).toEqual(trackingProjections(zone).map((each) => [each.name, events.length, null]).toSorted());
    } finally {
      await tracking.stop();
    }
    const feed = createMessageFeed({ store, codec, zone });
    let told = 0;
    for (let after = position(0); after < events.length;) {
      const { messages, scannedTo } = await feed.read({ after, audience: 'internal' });
      told += messages.length;
      after = scannedTo;
    }
    expect(told).toBeGreaterThan(events.length / 2);
  });
});
