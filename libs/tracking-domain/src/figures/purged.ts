import { lastInstant, type Cut, type Fact } from '@rectrail/kernel';
import { isPurge } from '../event-handlers.ts';
import { entersFigures } from '../purge/purge.decide.ts';
import { countingRetractions } from '../time/counting.ts';
import type { TrackingEvent } from '../tracking-event.ts';
import type { FigureQuery } from './definitions.ts';
import { selectionOf, worldOf } from './world.ts';

/**
 * Contents that are gone by law and that figures at the cut could have rested on: of issues, measures and funds cases, recorded by its position, and not taken out of every
 * fold by an `entered-in-error` recorded by then. `facts` are all of the log, the purges recorded after the cut included: no cut brings a content back.
 */
export const purgedContents = (facts: readonly Fact<TrackingEvent>[], cut: Cut, query: FigureQuery): number => {
  const selected = selectionOf(worldOf(facts), cut, query);
  return facts.filter(isPurge).filter(({ streamId, scope: { orgId }, event: { data } }) => {
    const retractions = countingRetractions(facts.filter((fact) => fact.streamId === streamId), { ...cut, knownAt: lastInstant });
    const inError = retractions.some(({ event: { data: { kind, eventIds } } }) => kind === 'entered-in-error' && eventIds.includes(data.eventId));
    return entersFigures(streamId) && data.position <= cut.atPosition && selected(orgId) && !inError;
  }).length;
};
