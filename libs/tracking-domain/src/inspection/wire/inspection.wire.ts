import type { InspectionId, OrgId } from '@rectrail/kernel';
import { z } from 'zod';
import { count, definitionsOf, listOf, title, uuidOf, type EventSchemas } from '../../wire/primitives.ts';
import { inspectionKinds, inspectionTypes, type InspectionEvent } from '../inspection.events.ts';

/** The newest version of each event of an inspection. */
export const inspectionEventSchemas = {
  InspectionOpened: z.strictObject({
    inspectionId: uuidOf<InspectionId>(),
    orgId: uuidOf<OrgId>(),
    kind: z.enum(inspectionKinds),
    types: listOf(z.enum(inspectionTypes)),
    title,
    committee: title.nullable(),
    topic: title.nullable(),
    term: title.nullable(),
    round: z.int().min(1).nullable(),
  }),
  TeamAssigned: z.strictObject({ team: title }),
  FieldworkStarted: z.strictObject({}),
  FieldworkEnded: z.strictObject({}),
  FeedbackDelivered: z.strictObject({ recommendations: count.nullable() }),
  SpecialCheckAttached: z.strictObject({ topic: title }),
  PreviousRoundLinked: z.strictObject({ inspectionId: uuidOf<InspectionId>() }),
} satisfies EventSchemas<InspectionEvent>;

export const inspectionEventDefinitions = definitionsOf(inspectionEventSchemas);
