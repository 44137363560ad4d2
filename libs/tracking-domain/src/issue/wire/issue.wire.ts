import type { InspectionId, IssueId, MeasureId, OrgId, PersonRef, PlanId } from '@rectrail/kernel';
import { z } from 'zod';
import { numberKeyLengthMax } from '../../text/number-key.ts';
import { count, definitionsOf, freeText, fuzzyDate, listOf, nonEmptyListOf, slugOf, title, uuidOf, type EventSchemas } from '../../wire/primitives.ts';
import { completionBases, continuations, disclosures, endorsementKinds, issueStates, reopenKinds, tracks, type IssueEvent } from '../issue.events.ts';

const issueId = uuidOf<IssueId>();
const orgId = uuidOf<OrgId>();
const measureId = uuidOf<MeasureId>();
const person = slugOf<PersonRef>();
const empty = z.strictObject({});

const residual = z.strictObject({ key: title, printed: freeText, planned: fuzzyDate.exactOptional(), measureId: measureId.exactOptional() });
const phase = z.strictObject({ result: freeText, nextStep: freeText.nullable() });

/** The newest version of each event of an issue. */
export const issueEventSchemas = {
  IssueRegistered: z.strictObject({
    issueId,
    orgId,
    inspectionId: uuidOf<InspectionId>(),
    numberPath: nonEmptyListOf(title),
    // A sort key (text/number-key.ts): each part is a short number or letters (附件), so that no personal data fits in.
    numberKey: z.string().max(numberKeyLengthMax).regex(/^(\d{1,9}|\p{L}*)([./](\d{1,9}|\p{L}*))*$/u),
    aspect: title.nullable(),
    heading: title.nullable(),
    title,
    strand: title.nullable(),
    annex: z.boolean(),
    track: z.enum(tracks),
    assistingOrgIds: listOf(orgId),
  }),
  IssueAccepted: z.strictObject({ leader: person.nullable() }),
  IssueAssigned: z.strictObject({ leader: person.nullable(), departmentOrgId: orgId.nullable() }),
  IssuePlanned: z.strictObject({ planId: uuidOf<PlanId>().nullable() }),
  DeadlineSet: z.strictObject({ planned: fuzzyDate }),
  DeadlineExtended: z.strictObject({ planned: fuzzyDate, reason: freeText, askedBy: orgId.nullable() }),
  IssueMarkedImmediate: empty,
  IssueClassifiedLongTerm: z.strictObject({ reason: freeText }),
  IssueMarkedKeyAndHard: empty,
  RectificationStarted: empty,
  ProgressReported: z.strictObject({ text: freeText }),
  NextStepStated: z.strictObject({ text: freeText, planned: fuzzyDate.nullable() }),
  PhaseResultReported: phase,
  PhaseCompleted: phase,
  IssueBasicallyCompleted: z.strictObject({ residuals: listOf(residual) }),
  IssueCompletionReported: z.strictObject({ basis: z.enum(completionBases), result: freeText.nullable(), openSubFindings: freeText.nullable() }),
  IssueMovedToRoutine: z.strictObject({ continuation: z.enum(continuations), lookBackOn: fuzzyDate }),
  IssueVerified: z.strictObject({ record: freeText, evidence: listOf(title) }),
  IssueVerificationRejected: z.strictObject({ reason: freeText }),
  IssueWrittenOff: z.strictObject({ slip: title, endorsements: listOf(z.strictObject({ kind: z.enum(endorsementKinds), by: person })) }),
  WriteOffRevoked: z.strictObject({ reason: freeText }),
  IssueReopened: z.strictObject({ kind: z.enum(reopenKinds), finding: freeText }),
  RectificationResumed: z.strictObject({ planned: fuzzyDate.nullable() }),
  IssueTransferredOut: z.strictObject({ to: title, basis: freeText }),
  ContinuationCommitted: z.strictObject({ continuation: z.enum(continuations), text: freeText.nullable(), until: fuzzyDate.nullable() }),
  LookBackChecked: z.strictObject({ result: z.enum(['HELD', 'PARTLY', 'RELAPSED']), sample: freeText.nullable() }),
  ResidualCompleted: z.strictObject({ key: title }),
  SubFindingsTallied: z.strictObject({ found: count, fixed: count.nullable(), unit: title, categories: count.nullable() }),
  DuplicateIssueLinked: z.strictObject({ issueId }),
  RecurrenceLinked: z.strictObject({ previousIssueId: issueId }),
  IssueMeasuresAdded: z.strictObject({ measureIds: nonEmptyListOf(measureId) }),
  IssueStatusStated: z.strictObject({
    state: z.enum(issueStates).nullable(),
    track: z.enum(tracks).nullable(),
    printedStatus: freeText.nullable(),
    disclosure: z.enum(disclosures),
    continuation: z.enum(continuations),
    continuationPrinted: freeText.nullable(),
    residuals: listOf(residual),
    completionBasis: z.enum(completionBases).nullable(),
  }),
} satisfies EventSchemas<IssueEvent>;

export const issueEventDefinitions = definitionsOf(issueEventSchemas);
