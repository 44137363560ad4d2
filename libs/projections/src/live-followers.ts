import { setTimeout as sleep } from 'node:timers/promises';
import { position, type Fact, type Position } from '@rectrail/kernel';
import type { AllSlice, StoredEvent } from '@rectrail/event-store';
import { BatchApplier, type Engine, type Stopped } from './batch-applier.ts';
import { filterOf, logPages, withinChars } from './log-pages.ts';
import type { Projection } from './projection.ts';

interface Follower {
  readonly projection: Projection;
  readonly applier: BatchApplier;
  after: Position;
  readonly ended: PromiseWithResolvers<Stopped | null>;
}

/** One that takes longer over a slice, as where a policy judges everything anew, keeps the others waiting no longer: it goes on alone, and comes back. */
const inStepMsMax = 250;

/** What is decoded for one is not decoded for another that is given the same event. */
const decodedOnce = (decode: Engine['decode']): Engine['decode'] => {
  const facts = new WeakMap<StoredEvent, Fact>();
  return (stored) => {
    const known = facts.get(stored);
    if (known !== undefined) return known;
    const fact = decode(stored);
    facts.set(stored, fact);
    return fact;
  };
};

export interface LiveFollowersOptions {
  readonly engine: Engine;
  /** In the order in which they commit a slice: a read stands at the position that all have reached, and costs least where that is the last one's. */
  readonly projections: readonly Projection[];
  readonly signal: AbortSignal;
  /** After each slice of each. */
  readonly onApplied: () => void;
}

/**
 * Projections at the head of the log follow it in step: each slice is read and decoded once, and each applies it in a transaction of its own. One that fails leaves;
 * the others go on. All of them read the same streams.
 */
export class LiveFollowers {
  readonly #options: LiveFollowersOptions;
  readonly #engine: Engine;
  readonly #followers = new Map<Projection, Follower>();
  /** Aborted when another one comes: what is awaited may not be the next of the log to it. */
  #joined = new AbortController();
  #running = false;

  constructor(options: LiveFollowersOptions) {
    this.#options = options;
    this.#engine = { ...options.engine, decode: decodedOnce(options.engine.decode) };
  }

  /** Until it stops, or null: there may be more to come than live batches are made for, or the signal has aborted. @throws where only the surroundings failed. */
  follow(projection: Projection, after: Position): Promise<Stopped | null> {
    const follower: Follower = { projection, applier: new BatchApplier(this.#engine, projection, 'live'), after, ended: Promise.withResolvers() };
    this.#followers.set(projection, follower);
    this.#joined.abort();
    if (!this.#running) void this.#run();
    return follower.ended.promise;
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#followers.size > 0) {
      this.#joined = new AbortController();
      const standing = this.#options.projections.flatMap((projection) => this.#followers.get(projection) ?? []);
      const at = Math.min(...standing.map(({ after }) => after));
      const hindmost = standing.filter(({ after }) => after === at);
      const ahead = standing.filter(({ after }) => after > at).map(({ after }) => after);
      try {
        await this.#lead(hindmost, this.#slices(position(at), ahead.length === 0 ? null : position(Math.min(...ahead))));
      } catch (error) {
        this.#dismiss(hindmost, ({ reject }) => { reject(error); });
      }
      if (this.#options.signal.aborted) this.#dismiss([...this.#followers.values()], ({ resolve }) => { resolve(null); });
    }
    this.#running = false;
  }

  /** Up to where the next one stands, or live. */
  async* #slices(after: Position, last: Position | null): AsyncGenerator<AllSlice, void, void> {
    const { store, sizes } = this.#engine;
    const filter = filterOf(this.#options.projections[0] ?? { streamPrefix: '' });
    if (last !== null) {
      yield* logPages(store, filter, { after, last }, sizes);
      return;
    }
    const signal = AbortSignal.any([this.#options.signal, this.#joined.signal]);
    for await (const slice of store.subscribeAll({ after, filter, batchEventsMax: sizes.batchEventsMax, signal })) yield* withinChars(slice, sizes.batchCharsMax);
  }

  /** As long as all of them go on and nobody has joined. */
  async #lead(followers: readonly Follower[], slices: AsyncGenerator<AllSlice, void, void>): Promise<void> {
    for await (const slice of slices) {
      await this.#apply(followers, slice);
      if (slice.events.length >= this.#engine.sizes.batchEventsMax) this.#dismiss(followers, ({ resolve }) => { resolve(null); });
      if (this.#joined.signal.aborted || this.#options.signal.aborted || !followers.every((follower) => this.#isInStep(follower))) return;
    }
  }

  async #apply(followers: readonly Follower[], slice: AllSlice): Promise<void> {
    const atWork = new Set(followers);
    let earlier: Promise<unknown> = Promise.resolve();
    const applyTo = async (follower: Follower): Promise<void> => {
      const whole = follower.applier.apply(follower.after, slice, earlier);
      // Who fails and goes on by halves needs a connection for each of them, which those that wait for it may hold.
      earlier = Promise.allSettled([earlier, whole]);
      try {
        const stopped = await follower.applier.applyOrStop(follower.after, slice, whole);
        follower.after = slice.scannedTo;
        if (stopped !== null || !this.#isInStep(follower)) this.#leave(follower, ({ resolve }) => { resolve(stopped); });
      } catch (error) {
        this.#leave(follower, ({ reject }) => { reject(error); });
      }
      atWork.delete(follower);
      this.#options.onApplied();
    };
    const patience = new AbortController();
    const all = Promise.all(followers.map(applyTo)).finally(() => { patience.abort(); });
    await Promise.race([all, sleep(inStepMsMax, undefined, { signal: patience.signal }).catch(() => undefined)]);
    for (const { projection } of atWork) this.#followers.delete(projection);
  }

  #isInStep(follower: Follower): boolean {
    return this.#followers.get(follower.projection) === follower;
  }

  #leave(follower: Follower, end: (ended: Follower['ended']) => void): void {
    if (this.#isInStep(follower)) this.#followers.delete(follower.projection);
    end(follower.ended);
  }

  /** One that goes on alone ends by itself, after the batch at hand: until then it may not come back. */
  #dismiss(followers: readonly Follower[], end: (ended: Follower['ended']) => void): void {
    for (const follower of followers) if (this.#isInStep(follower)) this.#leave(follower, end);
  }
}
