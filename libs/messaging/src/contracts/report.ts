import type { InspectionId, OrgId, ReportId } from '@rectrail/kernel';
import {
  countingBases, evolveReport, initialReportState, reportEventDefinitions, wire,
  type DeclaredFigure, type DeclaredRate, type Quantity, type ReportEvent, type ReportState,
} from '@rectrail/tracking-domain';
import { z } from 'zod';
import { contractOf, listOf, messageDate, onTold } from './contract.ts';

const orgIds = listOf(wire.uuidOf<OrgId>());
const inspectionIds = listOf(wire.uuidOf<InspectionId>());

/** A printed number: `value` a decimal string, null where the source gives none. */
export const quantityTold = z.object({
  value: wire.decimal.nullable(),
  unit: z.string().describe('个, 人, 人次, 家, 项, 件, 起, fen, %: 人 (distinct) and 人次 (occurrences) are never added'),
  qualifier: z.enum(['exact', 'about', 'over', 'nearly']),
});
export const toldQuantity = ({ value, unit, qualifier }: Quantity): z.output<typeof quantityTold> => ({ value, unit, qualifier });

const scope = z.object({
  orgIds: orgIds.exactOptional(),
  inspectionIds: inspectionIds.exactOptional(),
  rounds: listOf(wire.title).exactOptional(),
  inspectionTypes: listOf(wire.title).exactOptional(),
  programme: wire.title.exactOptional(),
  orgsCovered: wire.count.exactOptional(),
  orgsInScope: wire.count.exactOptional(),
}).describe('whose things the figure is about; empty: the own organisation and inspections of the report');

const figure = z.object({
  key: wire.title,
  scope,
  basis: z.enum(countingBases),
  kind: wire.title.nullable(),
  breakdown: z.object({ by: wire.title, value: wire.title }).nullable(),
  subsetOf: wire.title.nullable().describe('the figure of which this is a part; never added to it'),
  flow: z.enum(['stock', 'flow']),
  period: messageDate.nullable(),
  quantity: quantityTold,
});

const rate = z.object({
  key: wire.title,
  scope,
  basis: z.enum(countingBases).nullable(),
  value: wire.decimal.nullable().describe('in percent'),
  numeratorKey: wire.title.nullable(),
  denominatorKey: wire.title.nullable(),
  rounding: z.enum(['rounded', 'cut', 'approximate', 'unknown']),
});

export const reportState = z.object({
  reportId: wire.uuidOf<ReportId>(),
  orgId: wire.uuidOf<OrgId>(),
  inspectionIds,
  title: wire.title,
  asOf: wire.day,
  publishedOn: wire.day,
  url: z.string().nullable(),
  figures: listOf(figure).describe('as declared; what was found stands in other messages, and the two are never added'),
  rates: listOf(rate),
  notedDiscrepancies: wire.count,
  explainedDiscrepancies: wire.count,
});

const figureTold = ({ key, scope: of, basis, kind, breakdown, subsetOf, flow, period, quantity }: DeclaredFigure): z.output<typeof figure> =>
  ({ key, scope: of, basis, kind, breakdown, subsetOf, flow, period: onTold(period), quantity: toldQuantity(quantity) });

const rateTold = ({ key, scope: of, basis, value, numeratorKey, denominatorKey, rounding }: DeclaredRate): z.output<typeof rate> =>
  ({ key, scope: of, basis, value, numeratorKey, denominatorKey, rounding });

const tell = (s: ReportState): z.output<typeof reportState> | null => {
  if (s.identity === null) return null;
  const { reportId, orgId, inspectionIds: of, title, asOf, publishedOn, url } = s.identity;
  return {
    reportId, orgId, inspectionIds: of, title, asOf, publishedOn, url, figures: s.figures.map(figureTold), rates: s.rates.map(rateTold),
    notedDiscrepancies: s.noted.length, explainedDiscrepancies: s.explanations.size,
  };
};

export const reportContract = contractOf<ReportEvent, ReportState, typeof reportState>({
  noun: 'reports', singular: 'report', events: reportEventDefinitions, state: reportState, initial: initialReportState, fold: evolveReport, tell,
});
