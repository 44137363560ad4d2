import { z } from 'zod';
import { count, day, definitionsOf, title, uuidOf, type EventSchemas } from '../../wire/primitives.ts';
import type { SourceEvent } from '../source.events.ts';

/** The newest version of the event of a source. */
export const sourceEventSchemas = {
  SourceIngested: z.strictObject({
    importId: uuidOf<string>(),
    // Part of the stream's name.
    documentId: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,99}$/),
    title,
    format: title,
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    publishedOn: day,
    receivedOn: day.nullable(),
    rows: count,
    rowsNew: count,
    rowsChanged: count,
    rowsRemoved: count,
  }),
} satisfies EventSchemas<SourceEvent>;

export const sourceEventDefinitions = definitionsOf(sourceEventSchemas);
