import { randomBytes } from 'node:crypto';
import type { Fact, Instant, NewFact } from '@rectrail/kernel';
import { canonicalJson } from './canonical-json.ts';
import { EventStoreError } from './errors.ts';
import type { EventDefinition } from './event-definition.ts';
import type { EventToAppend, StoredEvent } from './event-store.ts';

/** Turns facts into stored contents and back; the one place that knows the bytes of an event. */
export interface EventCodec {
  /** @throws EventStoreError `event-invalid` where the type is not registered or its schema refuses the data. */
  encode(fact: NewFact): EventToAppend;
  /** The fact in its newest shape. @throws EventStoreError `event-undecodable`: unknown type or version, or not the content of an event. */
  decode(stored: StoredEvent): Fact;
}

/** The content of an event as it stands on the wire (design.md section 5); keys are absent where there is nothing to say. */
interface Content extends Omit<NewFact, 'event' | 'validTime' | 'knownTime'> {
  readonly type: string;
  readonly schemaVersion: number;
  readonly data: unknown;
  readonly validTime?: NewFact['validTime'];
  readonly knownTime?: Instant;
  readonly salt: string;
}

/** 16 random bytes, so that the hash of a content cannot be guessed from a guess of the content. */
const randomSalt = (): string => randomBytes(16).toString('base64url');

const byType = (definitions: readonly EventDefinition[]): ReadonlyMap<string, EventDefinition> => {
  const map = new Map<string, EventDefinition>();
  for (const definition of definitions) {
    if (map.has(definition.type)) throw new Error(`event type ${definition.type} is defined twice`);
    for (let version = 1; version < definition.schemaVersion; version++) {
      if (definition.upcasters[version] === undefined) throw new Error(`event type ${definition.type} has no upcaster from version ${version}`);
    }
    map.set(definition.type, definition);
  }
  return map;
};

const isContent = (value: unknown): value is Content =>
  typeof value === 'object' && value !== null && 'eventId' in value && 'commandId' in value && 'scope' in value && 'data' in value
  && 'type' in value && typeof value.type === 'string' && 'schemaVersion' in value && Number.isSafeInteger(value.schemaVersion);

const parsed = (stored: StoredEvent): Content => {
  let value: unknown;
  try {
    value = JSON.parse(stored.content);
  } catch (cause) {
    throw new EventStoreError('event-undecodable', `the content at position ${stored.position} is no JSON`, { cause });
  }
  if (!isContent(value)) throw new EventStoreError('event-undecodable', `the content at position ${stored.position} is not that of an event`);
  return value;
};

const upcast = (definition: EventDefinition, version: number, data: unknown): unknown => {
  let newest = data;
  for (let v = version; v < definition.schemaVersion; v++) newest = definition.upcasters[v]?.(newest);
  return newest;
};

/**
 * A codec over the registered event types.
 *
 * @throws Error where a type is defined twice or an upcaster is missing.
 */
export const createEventCodec = (definitions: readonly EventDefinition[], salt: () => string = randomSalt): EventCodec => {
  const registry = byType(definitions);
  return {
    encode: ({ event, knownTime, validTime, ...meta }) => {
      const definition = registry.get(event.type);
      if (definition === undefined) throw new EventStoreError('event-invalid', `event type ${event.type} is not registered`);
      const checked = definition.schema.safeParse(event.data);
      if (!checked.success) throw new EventStoreError('event-invalid', `the data of ${event.type} does not match its schema`, { cause: checked.error });
      const content = {
        ...meta,
        type: event.type,
        schemaVersion: definition.schemaVersion,
        data: event.data,
        ...(validTime === null ? {} : { validTime }),
        ...(knownTime === null ? {} : { knownTime }),
        salt: salt(),
      } satisfies Content;
      return { eventId: meta.eventId, type: event.type, content: canonicalJson(content) };
    },
    decode: (stored) => {
      const content = parsed(stored);
      const { type, schemaVersion } = content;
      const definition = registry.get(type);
      if (definition === undefined || schemaVersion < 1 || schemaVersion > definition.schemaVersion) {
        throw new EventStoreError('event-undecodable', `no schema for ${type} version ${schemaVersion} at position ${stored.position}. Potential solutions: run the newest release of Rectrail on this database`);
      }
      return {
        eventId: content.eventId,
        commandId: content.commandId,
        correlationId: content.correlationId,
        ...(content.causationId !== undefined && { causationId: content.causationId }),
        actor: content.actor,
        scope: content.scope,
        ...(content.source && { source: content.source }),
        classification: content.classification,
        event: { type, data: upcast(definition, schemaVersion, content.data) },
        validTime: content.validTime ?? null,
        knownTime: content.knownTime ?? stored.recordedAt,
        streamId: stored.streamId,
        streamVersion: stored.streamVersion,
        position: stored.position,
        recordedAt: stored.recordedAt,
      };
    },
  };
};
