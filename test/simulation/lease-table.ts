import type { Database, SqlResult } from '@rectrail/platform';
import { position, type Position } from '@rectrail/kernel';
import type { Bug } from './bugs.ts';
import type { SimulatedProcess, Timeline } from './virtual-time.ts';

interface Lease { epoch: number; expiresAt: number }
/** A checkpoint that was moved: by the holder of which term, and who led at that instant. */
export interface Move { readonly by: number; readonly led: number; readonly to: Position }

const none: SqlResult<never> = { rows: [], rowCount: 0 };
const one = (row: object = {}): SqlResult<object> => ({ rows: [row], rowCount: 1 });

type Statement = (name: string, ...values: number[]) => SqlResult<object>;

/** Plays PostgreSQL to the statements of `openLeadership`, so that its own code runs; it refuses a statement that it does not know. */
export class LeaseTable {
  readonly moves: Move[] = [];
  readonly #leases = new Map<string, Lease>();
  readonly #checkpoints = new Map<string, Position>();
  readonly #timeline: Timeline;
  readonly #bug: Bug | null;
  readonly #statements: readonly (readonly [RegExp, Statement])[];

  constructor(timeline: Timeline, bug: Bug | null) {
    this.#timeline = timeline;
    this.#bug = bug;
    this.#statements = [
      [/pg_advisory_xact_lock|create schema/, () => none],
      [/insert into rectrail_followers\.lease/, (name, _holder, ttlMs) => this.#acquire(name, ttlMs)],
      [/set expires_at = '-infinity'/, (name, epoch) => this.#extend(name, epoch, -Infinity)],
      [/update rectrail_followers\.lease set expires_at/, (name, epoch, ttlMs) => this.#extend(name, epoch, timeline.now + ttlMs)],
      [/insert into rectrail_followers\.checkpoint[^]*epoch = \$2 and expires_at > clock_timestamp\(\) for update/, (name, epoch, to) => this.#move(name, epoch, to)],
      [/^select position::float8 as position from rectrail_followers\.checkpoint/, (name) => {
        const at = this.#checkpoints.get(name);
        return at === undefined ? none : one({ position: at });
      }],
    ];
  }

  get terms(): number { return Math.max(0, ...[...this.#leases.values()].map(({ epoch }) => epoch)); }

  checkpoint(name: string): Position { return this.#checkpoints.get(name) ?? position(0); }

  /** As one process reaches it. */
  of(process: SimulatedProcess): Database {
    const query = (sql: string, values: readonly unknown[] = []): Promise<SqlResult<never>> => process.call(
      `lease ${sql.trim().slice(0, 6)} ${values.filter((value) => typeof value === 'number').join(' ')}`,
      // The rows are of the shape that the statement selects.
      () => this.#run(sql, values) as SqlResult<never>,
      { failure: () => new Error('Connection terminated') },
    );
    return {
      url: 'postgres://simulated', query, transaction: (work) => work(query), close: () => Promise.resolve(),
      listen: () => { throw new Error('the lease table tells nobody'); },
    };
  }

  #run(sql: string, values: readonly unknown[]): SqlResult<object> {
    const statement = this.#statements.find(([pattern]) => pattern.test(sql.trim()))?.[1];
    if (statement === undefined) throw new Error(`the simulated lease table does not know this statement: ${sql}`);
    return statement(String(values[0]), ...values.slice(1).map(Number));
  }

  #acquire(name: string, ttlMs: number): SqlResult<object> {
    const held = this.#leases.get(name);
    if (held !== undefined && held.expiresAt >= this.#timeline.now) return none;
    const epoch = (held?.epoch ?? 0) + 1;
    this.#leases.set(name, { epoch, expiresAt: this.#timeline.now + ttlMs });
    return one({ epoch });
  }

  #extend(name: string, epoch: number, expiresAt: number): SqlResult<object> {
    const held = this.#leases.get(name);
    if (held?.epoch !== epoch) return none;
    held.expiresAt = expiresAt;
    return one();
  }

  #move(name: string, epoch: number, to: number): SqlResult<object> {
    const held = this.#leases.get(name);
    const isHeld = held !== undefined && held.epoch === epoch && held.expiresAt > this.#timeline.now;
    if (!isHeld && this.#bug !== 'stale leader writes') return none;
    this.#checkpoints.set(name, position(to));
    this.moves.push({ by: epoch, led: held?.epoch ?? 0, to: position(to) });
    return one();
  }
}
