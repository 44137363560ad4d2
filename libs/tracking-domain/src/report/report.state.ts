import { assertNever, type EventId, type Fact } from '@rectrail/kernel';
import type { DataByType } from '../event-handlers.ts';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import type { DeclaredFigure, DeclaredRate, ReportEvent } from './report.events.ts';

export type ReportIdentity = DataByType<ReportEvent>['ReportPublished'];

/** What tells a declared figure from others of its key: a part stands beside its whole, never in its place. */
export const pointKey = ({ key, breakdown }: Pick<DeclaredFigure, 'key' | 'breakdown'>): string => (breakdown === null ? key : `${key}[${breakdown.by}=${breakdown.value}]`);

/** Whether the figure is about all that its report is about; how many organisations it covers delimits nothing. */
export const isOfTheWhole = ({ scope }: Pick<DeclaredFigure, 'scope'>): boolean => Object.keys(scope).every((field) => field === 'orgsCovered' || field === 'orgsInScope');

export interface NotedDiscrepancy {
  readonly discrepancyKey: string;
  readonly kind: string;
  readonly declared: string | null;
  readonly found: string | null;
  readonly note: string;
}

/** What one report declares. Its figures take effect on its as-of day, so they may count on days before it was published. */
export interface ReportState {
  readonly identity: ReportIdentity | null;
  readonly figures: readonly (DeclaredFigure & { readonly eventId: EventId })[];
  readonly rates: readonly (DeclaredRate & { readonly eventId: EventId })[];
  /** By discrepancy key; the last one in fold order holds. */
  readonly explanations: ReadonlyMap<string, string>;
  readonly noted: readonly NotedDiscrepancy[];
}

export const initialReportState: ReportState = { identity: null, figures: [], rates: [], explanations: new Map(), noted: [] };

export const evolveReport = (state: ReportState, fact: Fact<ReportEvent | FactsRetracted>): ReportState => {
  const event = fact.event;
  switch (event.type) {
    case 'ReportPublished': return { ...state, identity: event.data };
    case 'RollUpDeclared': return { ...state, figures: [...state.figures, { ...event.data, eventId: fact.eventId }] };
    case 'RollUpRateDeclared': return { ...state, rates: [...state.rates, { ...event.data, eventId: fact.eventId }] };
    case 'DiscrepancyExplained': return { ...state, explanations: new Map(state.explanations).set(event.data.discrepancyKey, event.data.explanation) };
    case 'DiscrepancyNoted': return { ...state, noted: [...state.noted, event.data] };
    case 'FactsRetracted': return state;
    default: return assertNever(event);
  }
};
