import { assertNever, type Fact } from '@rectrail/kernel';
import type { DataByType } from '../event-handlers.ts';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import type { PurgeEvent } from './purge.events.ts';

export const purgeStatuses = ['REQUESTED', 'CARRIED_OUT', 'DECLINED'] as const;
export type PurgeStatus = (typeof purgeStatuses)[number];

export interface PurgeState {
  /** Null where nothing was asked for. */
  readonly request: DataByType<PurgeEvent>['PurgeRequested'] | null;
  readonly status: PurgeStatus;
  /** The subject of who asked; of who agreed or declined, null until then. */
  readonly requestedBy: string | null;
  readonly decidedBy: string | null;
}

export const initialPurgeState: PurgeState = { request: null, status: 'REQUESTED', requestedBy: null, decidedBy: null };

export const evolvePurge = (state: PurgeState, { event, actor: { subject } }: Fact<PurgeEvent | FactsRetracted>): PurgeState => {
  switch (event.type) {
    case 'PurgeRequested': return { ...state, request: event.data, requestedBy: subject };
    case 'PurgeConsented': return { ...state, status: 'CARRIED_OUT', decidedBy: subject };
    case 'PurgeDeclined': return { ...state, status: 'DECLINED', decidedBy: subject };
    case 'FactsRetracted': return state;
    default: return assertNever(event);
  }
};
