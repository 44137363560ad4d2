import type { Actor, Decision, EventId } from '@rectrail/kernel';
import type { LiveSituation, TrackingEvent } from '@rectrail/tracking-domain';
import { mayBeWrong } from './corrections.ts';
import type { AnyCommand, LiveAggregate } from './live-aggregate.ts';
import type { World } from './world.ts';

/** Records what a command comes to within the command under way; null where the domain refuses it. */
export const actAlso = <S, C extends AnyCommand, E extends TrackingEvent>(
  world: World, aggregate: LiveAggregate<S, C, E>, command: C & { readonly by: Actor }, situation: LiveSituation<S> = aggregate.situation(command.on, world.journal.today),
): readonly EventId[] | null => {
  const decision: Decision<E> = aggregate.kind.decide(command, situation);
  if (!decision.ok) {
    const { code } = decision.rejection;
    world.refused.set(code, (world.refused.get(code) ?? 0) + 1);
    return null;
  }
  return aggregate.record(world.journal, decision.events, { actor: command.by, validTime: command.on });
};

/** The same as a command of its own, which may turn out to have been wrong. */
export const act = <S, C extends AnyCommand, E extends TrackingEvent>(
  world: World, aggregate: LiveAggregate<S, C, E>, command: C & { readonly by: Actor }, situation?: LiveSituation<S>,
): boolean => {
  world.journal.beginCommand();
  const eventIds = actAlso(world, aggregate, command, situation);
  if (eventIds === null || eventIds.length === 0) return false;
  mayBeWrong(world, aggregate, command, eventIds);
  return true;
};
