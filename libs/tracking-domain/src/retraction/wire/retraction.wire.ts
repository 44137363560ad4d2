import type { EventId } from '@rectrail/kernel';
import { z } from 'zod';
import { definitionsOf, freeText, uuidOf, type EventSchemas } from '../../wire/primitives.ts';
import type { FactsRetracted } from '../retraction.events.ts';

/** Far above the general limit of lists, because an import is undone by one retraction a stream; 20,000 ids are 0.8 MB, below the store's largest event. */
export const retractedEventsMax = 20_000;

/** The newest version of the one event type that every stream may hold. */
export const retractionEventSchemas = {
  FactsRetracted: z.strictObject({
    eventIds: z.array(uuidOf<EventId>()).min(1).max(retractedEventsMax).readonly(),
    reason: freeText,
    kind: z.enum(['withdrawn', 'entered-in-error']),
  }),
} satisfies EventSchemas<FactsRetracted>;

export const retractionEventDefinitions = definitionsOf(retractionEventSchemas);
