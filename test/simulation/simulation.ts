import { setTimeout as sleep } from 'node:timers/promises';
import { CommandRunner, type UnitOutcome } from '@rectrail/event-store';
import { kafkaRelayName, runKafkaRelay, topicNames } from '@rectrail/messaging';
import { openLeadership, type Leadership } from '@rectrail/platform';
import { randomOf, type Random } from '@rectrail/tracking-domain/testing';
import type { CommandId } from '@rectrail/kernel';
import { Broker, feedOf } from './broker.ts';
import type { Bug } from './bugs.ts';
import { carryOut, counters, countersCodec, type Intent } from './counters.ts';
import { clockOf, FaultyEventStore, SharedLog, SkippingEventStore } from './faulty-store.ts';
import { followLog } from './follower.ts';
import { InvariantViolated, Invariants, type Acknowledged } from './invariants.ts';
import { LeaseTable } from './lease-table.ts';
import { ProjectionTable } from './projection-table.ts';
import { SimulatedProcess, Timeline } from './virtual-time.ts';

const topics = topicNames('rectrail');
const ttlMs = 900;
const pace = { checkpointEveryMs: 150, reachedEveryMs: 2_000, finishMs: 1_000, backoffMs: 50 };
const servers = 2;
const clients = 3;
const intentsEach = 6;
/** A client tries so often before it gives up. */
const attemptsMax = 4;
const clientPatienceMs = 4_000;
/** A run whose clients do not come to an end by then hangs; the same for catching up once nothing fails, ms. */
const faultyMsMax = 400_000;
const calmMsMax = 30_000;
/** Nothing that was sent while things failed arrives later, ms. */
const lateMsMax = 8_000;
const lastIntent = 'last';

/** What was met in a run, so that a simulation in which nothing happens is seen. */
export interface Met {
  events: number;
  acknowledged: number;
  /** Intents of which nobody was told whether they are there. */
  givenUp: number;
  /** Asked again, since no answer came. */
  retried: number;
  /** Answered as carried out before. */
  repeated: number;
  /** Commands that were worked more than once. */
  conflicts: number;
  kills: number;
  stops: number;
  /** Transactions of the projection. */
  batches: number;
  /** Of the relay's lease. */
  terms: number;
  /** Moves of the relay's checkpoint while things failed. */
  moves: number;
  messagesRepeated: number;
}

export interface Run {
  readonly seed: number;
  readonly violation: string | null;
  readonly steps: number;
  readonly trace: string;
  readonly lines: readonly string[];
  readonly met: Met;
}

/** A server in one of its lives. */
interface Life { readonly process: SimulatedProcess; readonly runner: CommandRunner; readonly end: AbortController }

/** Servers that share a log, a lease table, rows and a broker; clients; and what befalls them. */
class Simulation {
  readonly timeline: Timeline;
  readonly met: Met = { events: 0, acknowledged: 0, givenUp: 0, retried: 0, repeated: 0, conflicts: 0, kills: 0, stops: 0, batches: 0, terms: 0, moves: 0, messagesRepeated: 0 };
  readonly #random: Random;
  readonly #bug: Bug | null;
  readonly #log = new SharedLog();
  readonly #rows: ProjectionTable;
  readonly #broker = new Broker(topics.messages.issues);
  readonly #leases: LeaseTable;
  readonly #acknowledged: Acknowledged[] = [];
  readonly #invariants: Invariants;
  /** By server; null while it is down. */
  readonly #lives: (Life | null)[] = [];
  /** Where clients and whoever starts and ends servers run: never killed. */
  readonly #outside: SimulatedProcess;
  #clientsAtWork = 0;
  #broken: unknown = null;

  constructor(seed: number, bug: Bug | null) {
    this.#random = randomOf(seed);
    this.#bug = bug;
    this.timeline = new Timeline(this.#random);
    this.#outside = new SimulatedProcess('outside', this.timeline);
    this.#leases = new LeaseTable(this.timeline, bug);
    this.#rows = new ProjectionTable(this.timeline, bug);
    this.#invariants = new Invariants({ log: this.#log, rows: this.#rows, leases: this.#leases, relay: kafkaRelayName, broker: this.#broker, acknowledged: this.#acknowledged });
  }

  /** @throws InvariantViolated; whatever the composition itself breaks on. */
  async run(): Promise<void> {
    for (let server = 0; server < servers; server++) this.#start(server);
    this.#outside.enter(() => {
      for (let client = 0; client < clients; client++) this.#atWork(this.#client(client));
      for (let server = 0; server < servers; server++) this.#detached(this.#befall(server));
    });
    await this.#until(() => this.#clientsAtWork === 0, faultyMsMax);
    this.timeline.faulty = false;
    this.met.moves = this.#leases.moves.length;
    for (const [server, life] of this.#lives.entries()) {
      life?.process.resume();
      if (life?.end.signal.aborted === true) life.process.kill();
      if (life === null || life.end.signal.aborted) this.#start(server);
    }
    const calmAt = this.timeline.now;
    this.#outside.enter(() => { this.#atWork(this.#last()); });
    await this.#until(() => this.timeline.now - calmAt >= calmMsMax || (this.#clientsAtWork === 0 && this.#isCaughtUp()), calmMsMax + 10_000);
    this.#invariants.checkCaughtUp();
    if (this.#acknowledged.at(-1)?.intent !== lastIntent) throw new InvariantViolated('nothing fails any more, and a command is not acknowledged');
  }

  count(): Met {
    return {
      ...this.met, events: this.#log.events.length, acknowledged: this.#acknowledged.length, batches: this.#rows.commits, terms: this.#leases.terms,
      messagesRepeated: this.#broker.repeated,
    };
  }

  #isCaughtUp(): boolean {
    const head = this.#log.events.length;
    return this.#rows.checkpoint === head && this.#leases.checkpoint(kafkaRelayName) === head;
  }

  async #until(isOver: () => boolean, msMax: number): Promise<void> {
    const begun = this.timeline.now;
    while (!isOver()) {
      if (!(await this.timeline.step())) throw new InvariantViolated('nothing is planned any more, and the run has not ended');
      if (this.#broken !== null) throw this.#broken as Error;
      this.#invariants.check();
      if (this.timeline.now - begun > msMax) throw new InvariantViolated(`not at an end after ${msMax} ms`);
    }
  }

  #detached(work: Promise<unknown>): void {
    work.catch((error: unknown) => { this.#broken ??= error; });
  }

  #atWork(work: Promise<unknown>): void {
    this.#clientsAtWork += 1;
    this.#detached(work.then(() => { this.#clientsAtWork -= 1; }));
  }

  #start(server: number): void {
    const process = new SimulatedProcess(`server ${server + 1}`, this.timeline);
    this.timeline.tell(`${process.name} starts`);
    const store = new FaultyEventStore(process, this.#log, this.#bug);
    const runner = new CommandRunner({ store, codec: countersCodec(), clock: clockOf(this.timeline), cachedStreamPrefixes: ['tree-'] });
    const followed = this.#bug === 'follower skips on restart' ? new SkippingEventStore(process, this.#log, null) : store;
    const end = new AbortController();
    const { signal } = end;
    process.enter(() => {
      const onStopped = (cause: unknown): void => { this.#broken ??= new Error('the projection stands stopped', { cause }); };
      this.#detached(followLog({ process, store: followed, table: this.#rows, signal, onStopped }));
      this.#detached(this.#relay(process, store, signal));
    });
    this.#lives[server] = { process, runner, end };
  }

  async #relay(process: SimulatedProcess, store: FaultyEventStore, signal: AbortSignal): Promise<void> {
    const database = this.#leases.of(process);
    let leadership: Leadership | null = null;
    // Comes to rest by itself: a failure takes as long as an answer is waited for.
    while (leadership === null) leadership = await openLeadership(database, { ttlMs }).catch(() => null);
    const observer = { onSent: () => undefined, onFailure: () => undefined, onRecovery: () => undefined };
    const openPublisher = (mayWrite: () => boolean): Promise<ReturnType<Broker['publisher']>> => Promise.resolve(this.#broker.publisher(process, mayWrite));
    await runKafkaRelay({ feed: feedOf(store), leadership, audience: 'internal', topics, openPublisher, observer, pace }, signal);
  }

  /** Killed, stopped for a while, or asked to end, again and again; a server that is down comes back. */
  async #befall(server: number): Promise<void> {
    for (;;) {
      await sleep(this.#random.int(500, 8_000));
      const life = this.#lives[server];
      if (!this.#mayFail() || life === null || life === undefined) return;
      const kind = this.#random.pick(['kill', 'kill', 'stop', 'stop', 'end'] as const);
      if (kind === 'stop') {
        this.met.stops += 1;
        life.process.stop();
        await sleep(this.#random.int(100, 4_000));
        life.process.resume();
        continue;
      }
      if (kind === 'end') {
        life.end.abort();
        await sleep(this.#random.int(100, 2_000));
        if (!this.#mayFail()) return;
      }
      this.met.kills += 1;
      life.process.kill();
      this.#lives[server] = null;
      await sleep(this.#random.int(0, 3_000));
      // Who made everything calm has started it.
      if (this.#mayFail()) this.#start(server);
    }
  }

  #mayFail(): boolean {
    return this.timeline.faulty;
  }

  async #client(client: number): Promise<void> {
    for (let n = 1; n <= intentsEach; n++) {
      const adds = Array.from({ length: this.#random.int(1, 3) }, () => ({ to: this.#random.pick(counters), by: this.#random.int(1, 9) }));
      await this.#pursue({ id: `${client + 1}.${n}`, adds: adds.filter(({ to }, index) => adds.findIndex((other) => other.to === to) === index) });
      await sleep(this.#random.int(0, 800));
    }
  }

  /** Once everything that was on its way has arrived: a move of the checkpoint that came late may have set it back until there is something new to tell. */
  async #last(): Promise<void> {
    await sleep(lateMsMax);
    await this.#pursue({ id: lastIntent, adds: counters.map((to) => ({ to, by: 1 })) });
  }

  /** The same command until it is acknowledged or surely refused; given up after some attempts. */
  async #pursue(intent: Intent): Promise<void> {
    let commandId = this.#random.uuid() as CommandId;
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const outcome = await this.#ask(intent, commandId);
      if (outcome !== null) {
        if (outcome.repeated) this.met.repeated += 1;
        this.#acknowledged.push({ intent: intent.id, last: outcome.position ?? 0, sums: outcome.result });
        this.timeline.tell(`intent ${intent.id} acknowledged at ${outcome.position ?? 0}`);
        return;
      }
      this.met.retried += 1;
      if (this.#bug === 'event doubled on unknown outcome') commandId = this.#random.uuid() as CommandId;
      await sleep(this.#random.int(0, 500));
    }
    this.met.givenUp += 1;
  }

  /** Null where the command failed or was not answered. */
  async #ask(intent: Intent, commandId: CommandId): Promise<UnitOutcome<readonly number[]> | null> {
    const life = this.#random.pick(this.#lives);
    if (life?.process.isRunning !== true) return null;
    const runs = { count: 0 };
    const asked = life.process.enter(() => life.runner.run({ commandId, correlationId: intent.id, fingerprint: intent.id }, (unit) => {
      runs.count += 1;
      return carryOut(intent, unit);
    }));
    const answered = asked.catch(() => null).finally(() => { if (runs.count > 1) this.met.conflicts += 1; });
    return Promise.race([answered, sleep(clientPatienceMs).then(() => null)]);
  }
}

/** One seed, one run: the same at every call. Needs the virtual timers. */
export const simulate = async (seed: number, bug: Bug | null = null): Promise<Run> => {
  const simulation = new Simulation(seed, bug);
  const { timeline } = simulation;
  const violation = await simulation.run().then(() => null, (error: unknown) => {
    if (error instanceof InvariantViolated) return error.message;
    throw new Error(`seed ${seed} broke the simulation itself:\n${timeline.lines.join('\n')}`, { cause: error });
  });
  return { seed, violation, steps: timeline.steps, trace: timeline.trace, lines: timeline.lines, met: simulation.count() };
};
