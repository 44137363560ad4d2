import type { StreamId } from '@rectrail/kernel';
import { messageOf, recordText, type Broker } from './broker.ts';
import { countedIn } from './counters.ts';
import type { SharedLog } from './faulty-store.ts';
import type { LeaseTable } from './lease-table.ts';
import { foldRows, type ProjectionTable } from './projection-table.ts';

/** What a client was told: the intent is at `last`, and its counters stand at `sums`. */
export interface Acknowledged { readonly intent: string; readonly last: number; readonly sums: readonly number[] }

export interface Observed {
  readonly log: SharedLog;
  readonly rows: ProjectionTable;
  readonly leases: LeaseTable;
  /** Name of the relay's lease. */
  readonly relay: string;
  readonly broker: Broker;
  readonly acknowledged: readonly Acknowledged[];
}

export class InvariantViolated extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InvariantViolated';
  }
}

const insist = (holds: boolean, message: () => string): void => {
  if (!holds) throw new InvariantViolated(message());
};

/** Looks after each step at what that step added; what is there already cannot change unseen, since every list only grows. */
export class Invariants {
  readonly #observed: Observed;
  readonly #source: string;
  readonly #sums = new Map<StreamId, { version: number; sum: number }>();
  readonly #intents = new Map<string, { last: number; readonly sums: number[] }>();
  #events = 0;
  #acknowledged = 0;
  #commits = 0;
  #consumed = 0;
  #moves = 0;
  #recordedAt = '';

  constructor(observed: Observed) {
    this.#observed = observed;
    const { logId, epoch } = observed.log.identity;
    this.#source = `urn:rectrail:${logId}:${epoch}`;
  }

  /** @throws InvariantViolated */
  check(): void {
    this.#checkLog();
    this.#checkAcknowledged();
    this.#checkRows();
    this.#checkConsumer();
    this.#checkMoves();
  }

  /** Once nothing fails any more and time has passed: everybody is where the log is. @throws InvariantViolated */
  checkCaughtUp(): void {
    const { log, rows, leases, relay, broker } = this.#observed;
    const head = log.events.length;
    insist(rows.checkpoint === head, () => `the follower stands at ${rows.checkpoint}, the log at ${head}`);
    insist(leases.checkpoint(relay) === head, () => `the relay stands at ${leases.checkpoint(relay)}, the log at ${head}`);
    insist(broker.consumed.length === head, () => `the consumer has ${broker.consumed.length} messages, the log ${head} events`);
  }

  /** Gap-free positions and versions; each intent whole and once; each event decided on the one before it. */
  #checkLog(): void {
    const { events } = this.#observed.log;
    for (; this.#events < events.length; this.#events++) {
      const event = events[this.#events]!;
      const { intent, part, parts, by, after } = countedIn(event);
      const before = this.#sums.get(event.streamId) ?? { version: 0, sum: 0 };
      const where = `event ${event.position} (${event.streamId} version ${event.streamVersion}, intent ${intent} ${part}/${parts})`;
      insist(event.position === this.#events + 1, () => `${where} stands in place ${this.#events + 1}`);
      insist(event.streamVersion === before.version + 1, () => `${where} follows version ${before.version}`);
      insist(event.recordedAt >= this.#recordedAt, () => `${where} is recorded before the event before it`);
      insist(after === before.sum + by, () => `${where} rests on ${after - by}, the stream stands at ${before.sum}`);
      const known = this.#intents.get(intent) ?? { last: event.position - 1, sums: [] };
      insist(known.sums.length === part - 1 && known.last === event.position - 1, () => `${where} is there twice or not with its others`);
      known.sums.push(after);
      this.#intents.set(intent, { ...known, last: event.position });
      this.#sums.set(event.streamId, { version: event.streamVersion, sum: after });
      this.#recordedAt = event.recordedAt;
      const isWhole = part === parts || events[this.#events + 1] !== undefined;
      insist(isWhole, () => `${where} is without its others`);
    }
  }

  #checkAcknowledged(): void {
    const { acknowledged } = this.#observed;
    for (; this.#acknowledged < acknowledged.length; this.#acknowledged++) {
      const { intent, last, sums } = acknowledged[this.#acknowledged]!;
      const found = this.#intents.get(intent);
      insist(found?.last === last, () => `intent ${intent} was acknowledged at ${last} and is at ${found?.last ?? 'no position'}`);
      insist(String(found?.sums) === String(sums), () => `intent ${intent} was acknowledged with ${String(sums)} and made ${String(found?.sums)}`);
    }
  }

  #checkRows(): void {
    const { rows, log } = this.#observed;
    if (rows.commits === this.#commits) return;
    this.#commits = rows.commits;
    const expected = [...foldRows(log.events.slice(0, rows.checkpoint))];
    const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);
    const [found, folded] = [[...rows.rows], expected].map((list) => JSON.stringify(list.toSorted(byName)));
    insist(found === folded, () => `the rows at checkpoint ${rows.checkpoint} are ${found}, a fold gives ${folded}`);
  }

  /** What the consumer has by (source, sequence) is the beginning of the log, message by message. */
  #checkConsumer(): void {
    const { broker: { consumed }, log } = this.#observed;
    for (; this.#consumed < consumed.length; this.#consumed++) {
      const event = log.events[this.#consumed];
      const expected = event === undefined ? 'nothing' : recordText(messageOf(event), this.#source);
      insist(consumed[this.#consumed] === expected, () => `message ${this.#consumed + 1} of the consumer is ${consumed[this.#consumed]}, the log has ${expected}`);
    }
  }

  /** Whoever moved the checkpoint was leader at that instant, and everything up to it had been taken by the broker. */
  #checkMoves(): void {
    const { leases: { moves }, broker } = this.#observed;
    for (; this.#moves < moves.length; this.#moves++) {
      const { by, led, to } = moves[this.#moves]!;
      insist(by === led, () => `the holder of term ${by} moved the checkpoint to ${to} in term ${led}`);
      insist(to <= broker.consumed.length, () => `the checkpoint was moved to ${to}, the broker has taken ${broker.consumed.length}`);
    }
  }
}
