import type { InspectionId, IssueId, MeasureId, OrgId } from '@rectrail/kernel';
import { z } from 'zod';
import { definitionsOf, freeText, fuzzyDate, listOf, nonEmptyListOf, title, uuidOf, type EventSchemas } from '../../wire/primitives.ts';
import { frequencies, measureStates, type MeasureEvent } from '../measure.events.ts';

const issueId = uuidOf<IssueId>();

const identity = {
  measureId: uuidOf<MeasureId>(),
  orgId: uuidOf<OrgId>(),
  inspectionId: uuidOf<InspectionId>(),
  issueIds: nonEmptyListOf(issueId),
  marker: title.nullable(),
  title,
};

/** The newest version of each event of a measure. */
export const measureEventSchemas = {
  MeasurePlanned: z.strictObject({ ...identity, planned: fuzzyDate.nullable() }),
  MeasureStated: z.strictObject({ ...identity, state: z.enum(measureStates).nullable(), printedStatus: freeText.nullable(), planned: fuzzyDate.nullable() }),
  MeasureLinkedToIssue: z.strictObject({ issueId }),
  MeasureProgressed: z.strictObject({ text: freeText }),
  MeasureCompleted: z.strictObject({ result: freeText.nullable(), evidence: listOf(title) }),
  MeasureSuspended: z.strictObject({ cause: freeText }),
  MeasureResumed: z.strictObject({}),
  MeasureMadeStanding: z.strictObject({ frequency: z.enum(frequencies) }),
  MeasureWithdrawn: z.strictObject({ reason: freeText }),
} satisfies EventSchemas<MeasureEvent>;

export const measureEventDefinitions = definitionsOf(measureEventSchemas);
