import { wire } from '@rectrail/tracking-domain';
import type { z } from 'zod';
import { messageDate, plannedDate, type Contract } from './contracts/contract.ts';
import { jsonSchemaOf, messageTypes } from './message-types.ts';
import { contracts } from './subjects.ts';

/** The text of docs/reference/messages.md, made from the contracts; the spec compares and, with UPDATE_DOCS=1, writes it. */

/** As much of JSON Schema as zod makes of the contracts. */
interface Json {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Json[];
  readonly items?: Json;
  readonly properties?: Readonly<Record<string, Json>>;
  readonly required?: readonly string[];
  readonly pattern?: string;
  readonly maxLength?: number;
}

const described = ['description', '$schema'];
const jsonOf = (schema: z.ZodType): Json => Object.fromEntries(Object.entries(jsonSchemaOf(schema)).filter(([key]) => key !== '$schema'));
/** A shape without its descriptions: what names are known by. */
const shapeOf = (json: Json): string => JSON.stringify(json, (key, value: unknown) => (described.includes(key) ? undefined : value));

const named = new Map(Object.entries({ Date: messageDate, PlannedDate: plannedDate, day: wire.day, decimal: wire.decimal, uuid: wire.uuidOf() })
  .map(([name, schema]) => [shapeOf(jsonOf(schema)), name]));

const fieldsOf = ({ properties = {}, required = [] }: Json): string =>
  Object.entries(properties).map(([name, field]) => `${name}${required.includes(name) ? '' : '?'}: ${typeOf(field)}`).join(', ');

const typeOf = (json: Json): string => {
  const name = named.get(shapeOf(json));
  if (name !== undefined) return name;
  if (json.anyOf !== undefined) return json.anyOf.map(typeOf).join(' or ');
  if (json.enum !== undefined) return json.enum.join(' / ');
  if (json.items !== undefined) return `list of ${typeOf(json.items)}`;
  if (json.properties !== undefined) return `{ ${fieldsOf(json)} }`;
  if (json.type === 'string') return json.pattern === undefined && json.maxLength !== undefined ? `text of ${json.maxLength}` : 'string';
  return json.type ?? 'value';
};

const fieldRow = ([name, field]: readonly [string, Json]): string => `| \`${name}\` | ${typeOf(field)} | ${field.description ?? ''} |`;

const subjectPaths: Readonly<Record<string, string>> = {
  organisations: '`organisations/{orgId}` in the administrative tree, `trees/{treeId}/organisations/{orgId}` in another: each place is a subject of its own',
  policies: '`policies/default` or `policies/{orgId}`',
  calendars: '`calendar-years/{year}`',
  funds: '`funds-cases/{fundsCaseId}`',
};

const chapter = (contract: Contract): string => [
  `## ${contract.noun}`, '', `Subject ${subjectPaths[contract.noun] ?? `\`${contract.noun}/{${contract.singular}Id}\``}. \`state\`:`, '',
  '| field | value | meaning |', '| --- | --- | --- |', ...Object.entries(jsonOf(contract.state).properties ?? {}).map(fieldRow), '',
  '| type | 中文 | meaning |', '| --- | --- | --- |',
  ...messageTypes.filter(({ noun }) => noun === contract.noun).map(({ type, title }) => `| \`${type}\` | ${title.zh} | ${title.en} |`), '',
].join('\n');

const preface = `# Messages

What leaves Rectrail, by Kafka, webhooks, HTTP feed and server-sent events alike. Made from the contracts by a spec, which fails where the page is out of date
(\`UPDATE_DOCS=1 npm test -- --selectProjects unit -- libs/messaging\`). Why they are as they are: [ADR 13](../adr/0013-messages-carry-the-state.md).

## One message

A CloudEvent 1.0. In the structured mode (HTTP, server-sent events, webhooks) one JSON object; on Kafka in the binary mode: the attributes are headers \`ce_…\`, the record's key is
\`partitionkey\`, its value \`data\`.

| attribute | meaning |
| --- | --- |
| \`source\`, \`id\` | unique together. \`source\` is \`urn:rectrail:<logId>:<epoch>\`: a copied or restored database never speaks as the old one |
| \`type\` | \`rectrail.<noun>.<verb>.v1\`, below |
| \`subject\`, \`partitionkey\` | what the message is about, and the key by which order is kept |
| \`noun\` | the kind of subject, by which digests are summed |
| \`sequence\` | place in the one order of the source, 16 digits: compare as text. One retraction may change several subjects; its messages then share a sequence |
| \`time\` | the first instant of the last day on which it may have happened; absent where it has no day |
| \`recordedtime\` | when it was recorded |
| \`correlationid\`, \`causationid\` | the request, and what caused it |
| \`dataclassification\` | \`public\` or \`internal\`; what is restricted leaves to nobody |
| \`dataschema\` | path of the JSON Schema of \`data\` |

\`data\` is \`{ change, state }\`. \`change\` says what happened: \`name\` (the verb), \`on\` (the day on which it takes effect), \`byOrgId\` (the organisation that acted; persons are never
told), \`retracts\` (how many earlier facts it retracts). **\`state\` is the subject after the event**, as all facts recorded so far have it, whatever day they take effect on and
whenever they were known; null where nothing is left of it. A figure at a day or as known at an instant is asked for over HTTP.

- A message is a pure function of its subject's stream up to the event and of the audience (\`public\`, \`internal\`): it comes out byte for byte the same, whoever reads it and when.
- An audience hears only of facts that are fit for it, in \`change\` and in \`state\`. A retraction is told to whoever was told a fact that it names; one that is itself stricter says not by whom.
- Nothing is told of a subject before it exists for the audience.
- Free text stays inside, beyond titles, names and headings; so do persons, evidence and reasons.
- \`Date\` is {first, last, printed}: the first and last day that it may mean, and what was printed. \`PlannedDate\` has \`striving\` too (力争). Money is a decimal string of fen.
- A contract only gains fields; what would change or go is another type, \`.v2\`, sent beside the first. Leave alone what you do not know.

## A consumer

Keep for each subject its \`state\` and \`sequence\`; throw away what comes with a sequence that is not higher. That is all:

1. **Snapshot** at a position P: every subject's \`state\` and \`sequence\`, page by page.
2. **Follow** from P: put each message's \`state\` and \`sequence\` in the place of the subject's. Where the state is null, the subject is no more; keep its sequence, lest an older message
   that comes again bring it back.

It does not matter how often a message comes, nor in which order. Whether nothing was lost is told by the digest.

## The digest \`rectrail.feed/1\`

For each noun that has subjects, \`subjects\` is their number and \`sum\` the sum modulo 2^256 of SHA-256(RFC 8785 text of {subject, state}), taken as a number with the first byte the highest, written in 64 hexadecimal
digits. The digest is the SHA-256, in hexadecimal, of the RFC 8785 text of {noun: {subjects, sum}, …}. To keep it along, subtract the hash of the state that goes and add that of the one that comes.
It is equal where both sides hold the same; it is made to find what was lost or doubled, not against forgers: for those there is the transparency log.
`;

export const messageReference = (): string => [preface, ...contracts.map(chapter)].join('\n');
