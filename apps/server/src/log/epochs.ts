import { CommandRunner, EventStoreError, hashedCommandId, type EventCodec, type EventStore } from '@rectrail/event-store';
import { msOfInstant, type Actor, type Clock, type Fact, type Instant, type Position } from '@rectrail/kernel';
import { streams, type InstallationEvent } from '@rectrail/tracking-domain';
import { HttpProblem } from '../http/http-problem.ts';
import { keptTreeUpTo } from './kept-tree.ts';
import type { LogFence } from './log-fence.ts';
import type { Contradiction, OwnLog } from './sightings.ts';

type EpochBegun = Extract<InstallationEvent, { readonly type: 'EpochBegun' }>;

/** An epoch and where it begins: `position` is that of its first event, which says the rest. */
export type BegunEpoch = EpochBegun['data'] & {
  readonly position: Position;
  readonly recordedAt: Instant;
};

export interface EpochsOptions {
  /** Takes appends also while the log is read-only. */
  readonly engine: EventStore;
  readonly codec: EventCodec;
  readonly clock: Clock;
  readonly log: OwnLog;
  readonly fence: LogFence;
  readonly newestEpoch: () => Promise<number>;
  /** Null where the engine has none to begin. */
  readonly beginEpoch: ((epoch: number) => Promise<void>) | null;
}

export interface EpochRequest {
  readonly actor: Actor;
  readonly correlationId: string;
  readonly reason: string;
}

/** What an event may hold of it. */
const abandonedMax = 20;

const isBegun = (fact: Fact): fact is Fact<EpochBegun> => fact.event.type === 'EpochBegun';

const abandonedOf = (contradictions: readonly Contradiction[]): EpochBegun['data']['abandoned'] =>
  contradictions.slice(0, abandonedMax).map(({ sighting: { by, epoch, size, root } }) => ({ by, epoch, size, root: root?.toString('base64') ?? null }));

/** The branches of a log that was put back to an older copy: each begins where the one before was left (docs/adr/0022-epochs-and-backups.md). */
export class Epochs {
  readonly #options: EpochsOptions;
  readonly #runner: CommandRunner;

  constructor(options: EpochsOptions) {
    this.#options = options;
    this.#runner = new CommandRunner({ store: options.engine, codec: options.codec, clock: options.clock, cachedStreamPrefixes: [] });
  }

  /** All but the first, which no event begins; the oldest first. */
  async begun(): Promise<readonly BegunEpoch[]> {
    const { engine, codec } = this.#options;
    const { events } = await engine.readStream(streams.installation);
    return events.map((event) => codec.decode(event)).filter(isBegun).map(({ event: { data }, position, recordedAt }) => ({ ...data, position, recordedAt }));
  }

  /**
   * Where the log is known to be an older copy: goes on from it under another name. Its first event says from where, and what was seen of the branch that is left; it is kept
   * before the name, so that a crash in between leaves a log that is read-only still, and the next call goes on.
   *
   * @throws HttpProblem `epoch-not-due`, `epoch-unsupported`
   */
  async begin(request: EpochRequest): Promise<BegunEpoch> {
    const { fence, log: { identity }, newestEpoch, beginEpoch } = this.#options;
    if (beginEpoch === null) throw new HttpProblem('epoch-unsupported', 'the events of this log are in KurrentDB');
    await fence.refresh();
    const { state, contradictions } = fence.standing;
    if (state !== 'behind') throw new HttpProblem('epoch-not-due', state === 'open' ? 'nobody has seen more of the log than there is here' : 'another epoch has begun already: the process is to start again');
    const newest = await newestEpoch();
    const unfinished = (await this.begun()).find(({ epoch }) => epoch > newest);
    const epoch = unfinished?.epoch ?? Math.max(identity.epoch, ...contradictions.map(({ sighting }) => sighting.epoch)) + 1;
    const begun = unfinished ?? await this.#append(epoch, contradictions, request);
    await beginEpoch(epoch);
    await fence.refresh();
    await fence.announce();
    return begun;
  }

  async #append(epoch: number, contradictions: readonly Contradiction[], { actor, correlationId, reason }: EpochRequest): Promise<BegunEpoch> {
    const { engine, log: { identity, sealed, leavesOf } } = this.#options;
    const head = await engine.head();
    const root = (await keptTreeUpTo(head.position, sealed, leavesOf)).root.toString('base64');
    const event: EpochBegun = { type: 'EpochBegun', data: { epoch, previous: { epoch: identity.epoch, size: head.position, root }, abandoned: abandonedOf(contradictions), reason } };
    const commandId = hashedCommandId(msOfInstant(head.recordedAt ?? this.#options.clock.now()), 'rectrail.epoch/1', identity.logId, String(epoch), String(head.position));
    await this.#runner.run({ commandId, correlationId }, async (unit) => {
      const { facts } = await unit.load(streams.installation);
      // Another process, or the same person twice, has begun it since the log was looked at.
      if (facts.some((fact) => isBegun(fact) && fact.event.data.epoch >= epoch)) return;
      unit.stage(streams.installation, [{ event, actor, scope: { orgId: null }, validTime: null, knownTime: null, classification: 'internal' }]);
    });
    const written = (await this.begun()).find((begun) => begun.epoch === epoch);
    if (written === undefined || written.position !== written.previous.size + 1) {
      throw new EventStoreError('append-outcome-unknown', `the first event of epoch ${epoch} does not follow event ${head.position}: somebody else has written`);
    }
    return written;
  }
}
