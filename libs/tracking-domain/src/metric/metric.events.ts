import type { DomainEvent, FuzzyDate, InspectionId, IssueId, MetricId, OrgId } from '@rectrail/kernel';
import type { Quantity } from '../report/report.events.ts';

/** Stream `metric-{metricId}`: a free figure (patrols, cases, kilometres, investment), never mixed with recovered funds. */
export type MetricEvent =
  | DomainEvent<'MetricDefined', {
      readonly metricId: MetricId;
      readonly orgId: OrgId;
      readonly inspectionId: InspectionId | null;
      readonly issueId: IssueId | null;
      readonly code: string;
      readonly name: string;
      readonly unit: string;
      readonly direction: 'up' | 'down' | 'none';
    }>
  | DomainEvent<'MetricObserved', { readonly quantity: Quantity; readonly period: FuzzyDate | null; readonly printed: string | null; readonly attributes: Readonly<Record<string, string>> }>
  | DomainEvent<'MetricTargetSet', { readonly quantity: Quantity; readonly planned: FuzzyDate }>;
