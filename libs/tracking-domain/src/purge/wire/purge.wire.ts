import type { EventId, Position, PurgeId, StreamId } from '@rectrail/kernel';
import { z } from 'zod';
import { definitionsOf, title, uuidOf, type EventSchemas } from '../../wire/primitives.ts';
import { isPurgeable } from '../purge.decide.ts';
import { purgeReasons, type ContentPurged, type PurgeEvent } from '../purge.events.ts';

/** Contents that one purge takes away at most. */
export const purgeTargetsMax = 100;

const nothing = z.strictObject({});

// The casts only add the brand of what the schema has just proved; at run time a branded number or text is itself.
const target = {
  eventId: uuidOf<EventId>(),
  position: z.int().min(1) as unknown as z.ZodType<Position, number>,
  contentSha256: z.string().regex(/^[0-9a-f]{64}$/),
};

/** What a purge rests on; the command's body uses it too. */
export const purgeGrounds = {
  reason: z.enum(purgeReasons).describe('PERSONAL_INFORMATION 个人信息 | STATE_SECRET 国家秘密 | AUTHORITY_ORDER 司法或监察机关决定 | UNLAWFULLY_COLLECTED 违法收集'),
  legalBasis: title.describe('The article of the law or the number of the order; it must not say again what is to go'),
};

/** The newest version of each event of a purge. */
export const purgeEventSchemas = {
  PurgeRequested: z.strictObject({
    purgeId: uuidOf<PurgeId>(),
    streamId: z.string().max(200).refine(isPurgeable, { error: 'no content of this stream may be purged' }) as unknown as z.ZodType<StreamId, string>,
    targets: z.array(z.strictObject(target)).min(1).max(purgeTargetsMax).readonly(),
    ...purgeGrounds,
  }),
  PurgeConsented: nothing,
  PurgeDeclined: nothing,
  ContentPurged: z.strictObject({ purgeId: uuidOf<PurgeId>(), ...target, ...purgeGrounds }),
} satisfies EventSchemas<PurgeEvent | ContentPurged>;

const { ContentPurged: purged, ...ofPurge } = purgeEventSchemas;
export const purgeEventDefinitions = definitionsOf(ofPurge);
export const contentPurgedDefinitions = definitionsOf({ ContentPurged: purged });
