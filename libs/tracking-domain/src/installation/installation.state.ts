import type { Fact } from '@rectrail/kernel';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import type { InstallationEvent } from './installation.events.ts';

/** What the first start fixed for good. */
export interface Installation {
  /** An IANA name; days begin and end in it. */
  readonly zone: string;
  readonly jurisdiction: string;
}

/** Null before the first start; the first initialisation holds, since the zone never changes. */
export const evolveInstallation = (state: Installation | null, fact: Fact<InstallationEvent | FactsRetracted>): Installation | null =>
  fact.event.type === 'InstallationInitialised' ? (state ?? fact.event.data) : state;
