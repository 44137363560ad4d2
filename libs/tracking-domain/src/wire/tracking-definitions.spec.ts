// Goal: every event type has one strict wire definition and one frozen fixture a version, and no text field lets personal data in.
// Method: the compiler compares schemas and domain types; each fixture is read from its file, decoded, and then spoilt field by field.
import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { calendarEventSchemas } from '../calendar/wire/calendar.wire.ts';
import type { DataByType } from '../event-handlers.ts';
import { fundsCaseEventSchemas } from '../funds-case/wire/funds-case.wire.ts';
import { inspectionEventSchemas } from '../inspection/wire/inspection.wire.ts';
import { installationEventSchemas } from '../installation/wire/installation.wire.ts';
import { issueEventSchemas } from '../issue/wire/issue.wire.ts';
import { measureEventSchemas } from '../measure/wire/measure.wire.ts';
import { metricEventSchemas } from '../metric/wire/metric.wire.ts';
import { organisationTreeEventSchemas } from '../organisation-tree/wire/organisation-tree.wire.ts';
import { planEventSchemas } from '../plan/wire/plan.wire.ts';
import { policyEventSchemas } from '../policy/wire/policy.wire.ts';
import { purgeEventSchemas } from '../purge/wire/purge.wire.ts';
import { reminderEventSchemas } from '../reminder/wire/reminder.wire.ts';
import { reportEventSchemas } from '../report/wire/report.wire.ts';
import { retractionEventSchemas } from '../retraction/wire/retraction.wire.ts';
import { sourceEventSchemas } from '../source/wire/source.wire.ts';
import { subscriptionEventSchemas } from '../subscription/wire/subscription.wire.ts';
import type { TrackingEvent } from '../tracking-event.ts';
import type { EventSchemas, OutputsOf, Same, WireDefinition } from './primitives.ts';
import { trackingEventDefinitions } from './tracking-definitions.ts';

// `satisfies` fails to compile where an event type has no schema, `tied` where a schema and a payload differ.
const schemas = {
  ...calendarEventSchemas, ...fundsCaseEventSchemas, ...inspectionEventSchemas, ...installationEventSchemas, ...issueEventSchemas, ...measureEventSchemas,
  ...metricEventSchemas, ...organisationTreeEventSchemas, ...planEventSchemas, ...policyEventSchemas, ...reportEventSchemas, ...retractionEventSchemas, ...sourceEventSchemas,
  ...subscriptionEventSchemas, ...reminderEventSchemas, ...purgeEventSchemas,
} satisfies EventSchemas<TrackingEvent>;
const tied: Same<OutputsOf<typeof schemas>, DataByType<TrackingEvent>> = true;

const source = join(dirname(fileURLToPath(import.meta.url)), '..');
const fixtures = new Map(
  readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.json') && path.includes(join('wire', 'fixtures')))
    .map((path) => [path.split(/[\\/]/).at(-1) ?? '', JSON.parse(readFileSync(join(source, path), 'utf8')) as unknown]),
);
const fixtureOf = (type: string, version: number): unknown => fixtures.get(`${type}.v${version}.json`);

const upcast = ({ schemaVersion, upcasters }: WireDefinition, data: unknown, from: number): unknown =>
  from === schemaVersion ? data : upcast({ schemaVersion, upcasters } as WireDefinition, upcasters[from]?.(data), from + 1);

/** The value with each of its texts replaced in turn. */
const withEachText = (value: unknown, replacement: string): unknown[] => {
  if (typeof value === 'string') return [replacement];
  if (Array.isArray(value)) return (value as unknown[]).flatMap((item, at) => withEachText(item, replacement).map((spoilt) => (value as unknown[]).with(at, spoilt)));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => withEachText(item, replacement).map((spoilt) => ({ ...value, [key]: spoilt })));
};

describe('the definitions of all events', () => {
  it('are one for each event type', () => {
    expect(tied).toBe(true);
    expect(trackingEventDefinitions.map(({ type }) => type).toSorted()).toEqual(Object.keys(schemas).toSorted());
  });

  it('have one frozen fixture for each version, and no other file lies there', () => {
    const expected = trackingEventDefinitions.flatMap(({ type, schemaVersion }) => Array.from({ length: schemaVersion }, (_, at) => `${type}.v${at + 1}.json`));
    expect([...fixtures.keys()].toSorted()).toEqual(expected.toSorted());
  });

  it('have an upcaster for every version below the newest', () => {
    for (const { schemaVersion, upcasters } of trackingEventDefinitions) expect(Object.keys(upcasters)).toHaveLength(schemaVersion - 1);
  });
});

describe.each(trackingEventDefinitions.map((definition) => [definition.type, definition] as const))('%s', (type, definition) => {
  const newest = fixtureOf(type, definition.schemaVersion);

  it('decodes its fixtures of every version without losing a field', () => {
    for (let version = 1; version <= definition.schemaVersion; version += 1) {
      const decoded = upcast(definition, fixtureOf(type, version), version);
      expect(definition.schema.parse(decoded)).toEqual(decoded);
    }
  });

  it('refuses a field that it does not know', () => {
    expect(definition.schema.safeParse({ ...(newest as object), more: 1 }).success).toBe(false);
  });

  it('lets no telephone number, identity-card number, e-mail address or endless text into any field', () => {
    for (const spoilt of ['联系电话13812345678', '身份证330203198001012345', '邮箱a.b@example.cn', '长'.repeat(4_001)]) {
      for (const data of withEachText(newest, spoilt)) expect(definition.schema.safeParse(data).success).toBe(false);
    }
  });
});

describe('what the schemas refuse beyond shapes', () => {
  const refused = (type: keyof typeof schemas, change: object): boolean => !schemas[type].safeParse({ ...(fixtureOf(type, 1) as object), ...change }).success;

  it('negative money, money that is no whole number of fen, money beyond 10^18', () => {
    for (const fen of ['-1', '1.5', '01', '1000000000000000001']) expect(refused('IrregularFundsIdentified', { money: { fen } })).toBe(true);
    expect(refused('IrregularFundsIdentified', { money: { fen: '1000000000000000000' } })).toBe(false);
  });

  it('a policy that leaves a cell without a bucket, or that has a rule which can never apply', () => {
    expect(refused('PolicyAdopted', { buckets: [] })).toBe(true);
    expect(refused('PolicyAdopted', { buckets: [{ when: { track: ['TIMED'] }, bucket: 'open' }] })).toBe(true);
    expect(refused('PolicyAdopted', { buckets: [{ when: {}, bucket: 'open' }, { when: {}, bucket: 'complete' }] })).toBe(true);
    expect(refused('PolicyAdopted', { buckets: [{ when: {}, bucket: 'open' }] })).toBe(false);
  });

  it('a calendar with a day of another year, out of order, twice, or that does not exist', () => {
    for (const workingDays of [['2023-01-03'], ['2022-01-05', '2022-01-04'], ['2022-01-04', '2022-01-04'], ['2022-02-30']]) {
      expect(refused('CalendarYearSet', { workingDays })).toBe(true);
    }
  });

  it('an endpoint that is no plain https address, or http away from the loopback', () => {
    for (const endpoint of ['http://example.org/x', 'ftp://example.org', 'https://user:pass@example.org/x', 'https://example.org/x?token=1', 'https://example.org/x#y', 'https://exa mple.org', 'https://example.org:99999/']) {
      expect([endpoint, refused('SubscriptionCreated', { endpoint })]).toEqual([endpoint, true]);
    }
    for (const endpoint of ['https://example.org', 'https://[2001:db8::1]:8443/x', 'http://127.0.0.1:9/x', 'http://[::1]:9/x', 'http://localhost:9']) expect([endpoint, refused('SubscriptionCreated', { endpoint })]).toEqual([endpoint, false]);
  });

  it('an address of a report that is no web address', () => {
    expect(refused('ReportPublished', { url: 'javascript:alert(1)' })).toBe(true);
  });
});
