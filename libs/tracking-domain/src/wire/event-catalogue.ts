import { z } from 'zod';
import { calendarEventDefinitions } from '../calendar/wire/calendar.wire.ts';
import { eventTitles } from '../event-titles.ts';
import { fundsCaseEventDefinitions } from '../funds-case/wire/funds-case.wire.ts';
import { inspectionEventDefinitions } from '../inspection/wire/inspection.wire.ts';
import { installationEventDefinitions } from '../installation/wire/installation.wire.ts';
import { issueEventDefinitions } from '../issue/wire/issue.wire.ts';
import { measureEventDefinitions } from '../measure/wire/measure.wire.ts';
import { metricEventDefinitions } from '../metric/wire/metric.wire.ts';
import { organisationTreeEventDefinitions } from '../organisation-tree/wire/organisation-tree.wire.ts';
import { planEventDefinitions } from '../plan/wire/plan.wire.ts';
import { policyEventDefinitions } from '../policy/wire/policy.wire.ts';
import { contentPurgedDefinitions, purgeEventDefinitions } from '../purge/wire/purge.wire.ts';
import { reminderEventDefinitions } from '../reminder/wire/reminder.wire.ts';
import { quantitySchema, reportEventDefinitions } from '../report/wire/report.wire.ts';
import { retractionEventDefinitions } from '../retraction/wire/retraction.wire.ts';
import { sourceEventDefinitions } from '../source/wire/source.wire.ts';
import { subscriptionEventDefinitions } from '../subscription/wire/subscription.wire.ts';
import type { TrackingEventType } from '../tracking-event.ts';
import { day, decimal, fuzzyDate, money, uuidOf, type WireDefinition } from './primitives.ts';

/** The text of docs/reference/events.md, made from the definitions; tools/gen-events.mjs writes it, the spec compares it. */

interface Chapter { readonly title: string; readonly stream: string; readonly validTime: string; readonly definitions: readonly WireDefinition[] }

const everyDay = 'every event has one';
const byPosition = 'none: cut by position alone';

const chapters: readonly Chapter[] = [
  { title: 'Installation', stream: 'installation', validTime: byPosition, definitions: installationEventDefinitions },
  { title: 'Organisation tree', stream: 'org-tree-{treeId}', validTime: 'none for `TreeOpened` and `OrgRegistered`, which are cut by position alone', definitions: organisationTreeEventDefinitions },
  { title: 'Inspection', stream: 'inspection-{inspectionId}', validTime: everyDay, definitions: inspectionEventDefinitions },
  { title: 'Plan', stream: 'plan-{planId}', validTime: everyDay, definitions: planEventDefinitions },
  { title: 'Issue', stream: 'issue-{issueId}', validTime: everyDay, definitions: issueEventDefinitions },
  { title: 'Measure', stream: 'measure-{measureId}', validTime: everyDay, definitions: measureEventDefinitions },
  { title: 'Funds case', stream: 'funds-case-{fundsCaseId}', validTime: everyDay, definitions: fundsCaseEventDefinitions },
  { title: 'Policy', stream: 'policy-default, policy-{orgId}', validTime: 'every event has one, but for the first of `policy-default`, which is cut by position alone', definitions: policyEventDefinitions },
  { title: 'Working calendar', stream: 'working-calendar', validTime: byPosition, definitions: calendarEventDefinitions },
  { title: 'Report', stream: 'report-{reportId}', validTime: 'every event has one; declared figures and rates take that of the as-of day', definitions: reportEventDefinitions },
  { title: 'Metric', stream: 'metric-{metricId}', validTime: everyDay, definitions: metricEventDefinitions },
  { title: 'Source', stream: 'source-{documentId}', validTime: byPosition, definitions: sourceEventDefinitions },
  { title: 'Subscription', stream: 'subscription-{subscriptionId}', validTime: byPosition, definitions: subscriptionEventDefinitions },
  { title: 'Reminders', stream: 'reminders-{orgId}', validTime: 'every event has one; that of a notice is the day that was evaluated', definitions: reminderEventDefinitions },
  { title: 'Purge', stream: 'purge-{purgeId}', validTime: byPosition, definitions: purgeEventDefinitions },
  { title: 'Streams whose contents may be purged', stream: 'that of the event purged', validTime: byPosition, definitions: contentPurgedDefinitions },
  { title: 'Every stream', stream: 'any', validTime: 'none: a retraction follows its own rule (docs/explanation/two-times.md)', definitions: retractionEventDefinitions },
];

/** As much of JSON Schema as zod makes of the events. */
interface Json {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Json[];
  readonly items?: Json;
  readonly properties?: Readonly<Record<string, Json>>;
  readonly required?: readonly string[];
  readonly pattern?: string;
  readonly maxLength?: number;
}

// zod gives plain JSON Schema here, of which only the fields above are read.
const jsonOf = (schema: z.ZodType): Json => Object.fromEntries(Object.entries(z.toJSONSchema(schema)).filter(([key]) => key !== '$schema'));

const named = new Map(Object.entries({ FuzzyDate: fuzzyDate, Money: money, Quantity: quantitySchema, day, decimal, uuid: uuidOf() })
  .map(([name, schema]) => [JSON.stringify(jsonOf(schema)), name]));

const fieldsOf = ({ properties = {}, required = [] }: Json): string =>
  Object.entries(properties).map(([name, field]) => `${name}${required.includes(name) ? '' : '?'}: ${typeOf(field)}`).join(', ');

const typeOf = (json: Json): string => {
  const name = named.get(JSON.stringify(json));
  if (name !== undefined) return name;
  if (json.anyOf !== undefined) return json.anyOf.map(typeOf).join(' or ');
  if (json.enum !== undefined) return json.enum.join(' / ');
  if (json.items !== undefined) return `list of ${json.items.properties === undefined ? typeOf(json.items) : `{ ${fieldsOf(json.items)} }`}`;
  if (json.properties !== undefined) return `{ ${fieldsOf(json)} }`;
  if (json.type === 'string') return json.maxLength === undefined ? 'string' : `text of ${json.maxLength}`;
  return json.type ?? 'value';
};

const row = ({ type, schemaVersion, schema }: WireDefinition): string => {
  const { zh, en } = eventTitles[type as TrackingEventType];
  return `| \`${type}\` | ${schemaVersion} | ${zh} | ${en} | ${fieldsOf(jsonOf(schema)) || '–'} |`;
};

const chapter = ({ title, stream, validTime, definitions }: Chapter): string => [
  `## ${title}`, '', `Stream \`${stream}\`. Valid time: ${validTime}.`, '', '| type | version | 中文 | meaning | data |', '| --- | --- | --- | --- | --- |', ...definitions.map(row), '',
].join('\n');

const preface = `# Events

Made from the schemas by \`node tools/gen-events.mjs\`; a spec fails where it is out of date. Every event of every stream of Rectrail stands here. What stands beside \`data\`
(ids, actor, scope, times, source, classification) is the same for all: docs/reference/leaf.md.

\`FuzzyDate\` keeps what was printed, the precision, the edge and the days that it may mean; \`Money\` is a decimal string of fen, null where only "in full" is known; \`Quantity\` is
a printed number with its unit and qualifier. A text refuses telephone and identity-card numbers and e-mail addresses. "?" marks a field that may be missing. The strictest word
is the schema in \`libs/tracking-domain/src/<noun>/wire/\`; each version has a frozen fixture beside it.
`;

export const eventCatalogue = (): string => [preface, ...chapters.map(chapter)].join('\n');
