import type { EventId, OrgId } from '@rectrail/kernel';
import { eventTitles, isPurgeable, wire, type EventTitle, type TrackingEventType } from '@rectrail/tracking-domain';
import { z } from 'zod';
import { messageDate, type Contract } from './contracts/contract.ts';
import { verbOf } from './contracts/verbs.ts';
import type { Noun } from './message.ts';
import { contracts, prefixOf } from './subjects.ts';

/** One kind of message: what AsyncAPI, the reference and the schemas are made of. */
export interface MessageType {
  /** `rectrail.issue.accepted.v1`. */
  readonly type: string;
  readonly noun: Noun;
  readonly verb: string;
  readonly title: EventTitle;
  /** Of the body, `data`. */
  readonly data: z.ZodType;
}

export const typeOf = ({ singular, version }: Pick<Contract, 'singular' | 'version'>, verb: string): string => `rectrail.${singular}.${verb}.v${version}`;

const dataOf = ({ state }: Contract, verb: string): z.ZodType => z.object({
  change: z.object({
    name: z.literal(verb),
    on: messageDate.nullable().describe('when it takes effect; null for what is cut by position alone, and for retractions'),
    byOrgId: wire.uuidOf<OrgId>().nullable().describe('the organisation that acted; null for the installation and its administrator, and where the audience may not know'),
    retracts: wire.count.describe('how many earlier facts of the subject it retracts'),
    ...(verb === verbOf('ContentPurged') && { purges: wire.uuidOf<EventId>().describe('id of the earlier message whose content the law takes away: delete what was kept of it') }),
  }),
  state: state.nullable().describe('the subject as all facts recorded so far have it, whatever day they take effect on; null: nothing is left of it'),
});

/** Every type of message, by noun, in the order of the domain's events; a retraction is the last of its noun, but for the purge of a content. */
export const messageTypes: readonly MessageType[] = contracts.flatMap((contract) => [...contract.eventTypes, 'FactsRetracted', ...(isPurgeable(prefixOf(contract.noun) ?? '') ? ['ContentPurged'] : [])].flatMap((eventType) => {
  const verb = verbOf(eventType);
  // The contracts name types of the domain's own definitions.
  return verb === null ? [] : [{ type: typeOf(contract, verb), noun: contract.noun, verb, title: eventTitles[eventType as TrackingEventType], data: dataOf(contract, verb) }];
}));

export type JsonSchema = Readonly<Record<string, unknown>>;

/** What a body must hold; it may hold more, since contracts gain fields. */
export const jsonSchemaOf = (schema: z.ZodType): JsonSchema => ({ ...z.toJSONSchema(schema, { io: 'input', target: 'draft-7' }) });

/** The JSON Schema of each type's `data`, by type; made at the first call. */
export const messageSchemas = ((): (() => Readonly<Record<string, JsonSchema>>) => {
  let made: Readonly<Record<string, JsonSchema>> | undefined;
  return () => (made ??= Object.fromEntries(messageTypes.map(({ type, title, data }) => [type, { ...jsonSchemaOf(data), title: title.en }])));
})();
