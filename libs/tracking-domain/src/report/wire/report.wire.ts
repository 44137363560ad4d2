import type { InspectionId, OrgId, ReportId } from '@rectrail/kernel';
import { z } from 'zod';
import { personalDataIn } from '../../text/personal-data.ts';
import { count, day, decimal, definitionsOf, freeText, fuzzyDate, listOf, personalDataCode, printed, title, uuidOf, type EventSchemas } from '../../wire/primitives.ts';
import { countingBases, type Quantity, type ReportEvent } from '../report.events.ts';

const urlCharsMax = 2_000;

/** A printed number; metrics use it too. */
export const quantitySchema: z.ZodType<Quantity> = z.strictObject({
  value: decimal.nullable(),
  unit: title.max(20),
  qualifier: z.enum(['exact', 'about', 'over', 'nearly']),
  cumulative: z.boolean().exactOptional(),
});

const scope = z.strictObject({
  orgIds: listOf(uuidOf<OrgId>()).exactOptional(),
  inspectionIds: listOf(uuidOf<InspectionId>()).exactOptional(),
  rounds: listOf(title).exactOptional(),
  inspectionTypes: listOf(title).exactOptional(),
  programme: title.exactOptional(),
  orgsCovered: count.exactOptional(),
  orgsInScope: count.exactOptional(),
});

/** The newest version of each event of a report. */
export const reportEventSchemas = {
  ReportPublished: z.strictObject({
    reportId: uuidOf<ReportId>(),
    orgId: uuidOf<OrgId>(),
    inspectionIds: listOf(uuidOf<InspectionId>()),
    title,
    asOf: day,
    asOfPrinted: printed.nullable(),
    publishedOn: day,
    url: z.url({ protocol: /^https?$/ }).max(urlCharsMax)
      // Long numbers are what addresses of pages are made of, so only this kind can be told.
      .refine((url) => personalDataIn(url) !== 'e-mail', { error: 'holds an e-mail address', params: { code: personalDataCode } }).nullable(),
  }),
  RollUpDeclared: z.strictObject({
    key: title,
    scope,
    basis: z.enum(countingBases),
    kind: title.nullable(),
    breakdown: z.strictObject({ by: title, value: title }).nullable(),
    subsetOf: title.nullable(),
    flow: z.enum(['stock', 'flow']),
    period: fuzzyDate.nullable(),
    quantity: quantitySchema,
    printed,
  }),
  RollUpRateDeclared: z.strictObject({
    key: title,
    scope,
    basis: z.enum(countingBases).nullable(),
    value: decimal.nullable(),
    numeratorKey: title.nullable(),
    denominatorKey: title.nullable(),
    rounding: z.enum(['rounded', 'cut', 'approximate', 'unknown']),
    changePoints: decimal.nullable(),
    printed,
  }),
  DiscrepancyExplained: z.strictObject({ discrepancyKey: title, explanation: freeText }),
  DiscrepancyNoted: z.strictObject({ discrepancyKey: title, kind: title, declared: freeText.nullable(), found: freeText.nullable(), note: freeText }),
} satisfies EventSchemas<ReportEvent>;

export const reportEventDefinitions = definitionsOf(reportEventSchemas);
