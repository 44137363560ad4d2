import { assertNever, type EventId, type Fact, type FuzzyDate, type InspectionId } from '@rectrail/kernel';
import type { DataByType } from '../event-handlers.ts';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import type { InspectionEvent } from './inspection.events.ts';

export type InspectionIdentity = DataByType<InspectionEvent>['InspectionOpened'];

export interface Feedback { readonly eventId: EventId; readonly on: FuzzyDate | null; readonly recommendations: number | null }

export interface InspectionState {
  /** Null until the inspection was opened. */
  readonly identity: InspectionIdentity | null;
  readonly openedOn: FuzzyDate | null;
  readonly team: string | null;
  readonly fieldworkStarted: { readonly on: FuzzyDate | null } | null;
  readonly fieldworkEnded: { readonly on: FuzzyDate | null } | null;
  /** Starts the clock of every issue; its day is the first on which an undated fact of the report may have happened. */
  readonly feedback: Feedback | null;
  readonly specialChecks: readonly string[];
  readonly previousRounds: readonly InspectionId[];
}

export const initialInspectionState: InspectionState = {
  identity: null, openedOn: null, team: null, fieldworkStarted: null, fieldworkEnded: null, feedback: null, specialChecks: [], previousRounds: [],
};

const added = <T>(list: readonly T[], item: T): readonly T[] => (list.includes(item) ? list : [...list, item]);

export const evolveInspection = (state: InspectionState, fact: Fact<InspectionEvent | FactsRetracted>): InspectionState => {
  const event = fact.event;
  switch (event.type) {
    case 'InspectionOpened': return { ...state, identity: event.data, openedOn: fact.validTime };
    case 'TeamAssigned': return { ...state, team: event.data.team };
    case 'FieldworkStarted': return { ...state, fieldworkStarted: { on: fact.validTime } };
    case 'FieldworkEnded': return { ...state, fieldworkEnded: { on: fact.validTime } };
    case 'FeedbackDelivered': return { ...state, feedback: { eventId: fact.eventId, on: fact.validTime, recommendations: event.data.recommendations } };
    case 'SpecialCheckAttached': return { ...state, specialChecks: added(state.specialChecks, event.data.topic) };
    case 'PreviousRoundLinked': return { ...state, previousRounds: added(state.previousRounds, event.data.inspectionId) };
    case 'FactsRetracted': return state;
    default: return assertNever(event);
  }
};
