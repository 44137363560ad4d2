import type { StoredEvent } from '@rectrail/event-store';
import { position, type Position, type StreamId } from '@rectrail/kernel';
import type { ProjectionDatabase, Transaction } from '@rectrail/projections';
import type { Bug } from './bugs.ts';
import { countedIn } from './counters.ts';
import type { SimulatedProcess, Timer, Timeline } from './virtual-time.ts';

/** Of one counter: what it comes to, and the positions that made it so. */
export interface Row { readonly sum: number; readonly made: readonly Position[] }
export type Rows = ReadonlyMap<StreamId, Row>;

export const foldRows = (events: readonly StoredEvent[]): Rows => {
  const rows = new Map<StreamId, Row>();
  for (const event of events) {
    const row = rows.get(event.streamId) ?? { sum: 0, made: [] };
    rows.set(event.streamId, { sum: row.sum + countedIn(event).by, made: [...row.made, event.position] });
  }
  return rows;
};

/** What one commit shows together. */
interface State { rows: Rows; readonly checkpoint: { version: number; definition: string; tables: readonly string[]; position: Position } | null }
interface Opened { state: State; isOver: boolean; isLocked: boolean; idle: Timer | null }
type Result = readonly Record<string, unknown>[];

/** As the server ends a transaction of whom nothing is heard: a killed or stopped process holds the checkpoint no longer than that, ms. */
const idleMsMax = 3_000;
const away = { failure: (): Error => new Error('Connection terminated') };

/** Plays PostgreSQL to the statements of a `ProjectionRunner` with one projection: the lock on its checkpoint, transactions that show all or nothing. */
export class ProjectionTable {
  commits = 0;
  #state: State = { rows: new Map(), checkpoint: null };
  #holder: Opened | null = null;
  #waiting: (() => void)[] = [];
  readonly #timeline: Timeline;
  readonly #bug: Bug | null;

  constructor(timeline: Timeline, bug: Bug | null) {
    this.#timeline = timeline;
    this.#bug = bug;
  }

  get rows(): Rows { return this.#state.rows; }
  get checkpoint(): Position { return this.#state.checkpoint?.position ?? position(0); }

  /** As one process reaches it. */
  of(process: SimulatedProcess): ProjectionDatabase {
    const query: Transaction['query'] = async <Row>(sql: string, params: readonly unknown[] = []) =>
      // The rows are of the shape that the statement selects.
      await process.call('rows read', () => this.#run({ state: this.#state, isOver: false, isLocked: false, idle: null }, sql, params), away) as readonly Row[];
    const transaction: ProjectionDatabase['transaction'] = async (work) => {
      const opened: Opened = { state: this.#state, isOver: false, isLocked: false, idle: null };
      const inside: Transaction = {
        query: async <Row>(sql: string, params: readonly unknown[] = []) =>
          await process.call(`rows ${sql.trim().slice(0, 6)} ${typeof params[2] === 'number' ? params[2] : ''}`, () => this.#inside(opened, sql, params), away) as readonly Row[],
        copy: () => Promise.reject(new Error('the simulated table takes no COPY')),
      };
      try {
        const result = await work(inside);
        await process.call('rows commit', () => { this.#commit(opened); }, away);
        return result;
      } catch (error) {
        process.call('rows rollback', () => { this.#end(opened); }, away).catch(() => undefined);
        throw error;
      }
    };
    return { query, transaction, session: (work) => work({ query, transaction }) };
  }

  async #inside(opened: Opened, sql: string, params: readonly unknown[]): Promise<Result> {
    if (/for update/.test(sql)) await this.#lock(opened);
    if (opened.isOver) throw away.failure();
    opened.idle?.cancel();
    opened.idle = this.#timeline.after(idleMsMax, () => { this.#end(opened); });
    return this.#run(opened, sql, params);
  }

  async #lock(opened: Opened): Promise<void> {
    while (this.#holder !== null && this.#holder !== opened && !opened.isOver) await new Promise<void>((resolve) => { this.#waiting.push(resolve); });
    if (opened.isOver || this.#holder === opened) return;
    this.#holder = opened;
    // What was committed while it waited is seen.
    opened.state = { rows: this.#state.rows, checkpoint: this.#state.checkpoint && { ...this.#state.checkpoint } };
    opened.isLocked = true;
  }

  #commit(opened: Opened): void {
    if (opened.isOver) throw away.failure();
    if (opened.isLocked) {
      this.#state = opened.state;
      this.commits += 1;
    }
    this.#end(opened);
  }

  #end(opened: Opened): void {
    opened.idle?.cancel();
    opened.isOver = true;
    if (this.#holder === opened) this.#holder = null;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #run(opened: Opened, sql: string, params: readonly unknown[]): Result {
    const { checkpoint } = opened.state;
    const text = sql.trim();
    if (/^select name, generation, version/.test(text)) return checkpoint === null || params[1] === 'next' ? [] : [selected(checkpoint)];
    if (/^insert into \w+\.projection_checkpoint .*on conflict do nothing$/s.test(text)) {
      this.#state = { ...this.#state, checkpoint: this.#state.checkpoint ?? { version: 0, definition: '', tables: [], position: position(0) } };
    } else if (/^update \w+\.projection_checkpoint c\s+set version/.test(text) && checkpoint !== null) {
      Object.assign(checkpoint, { version: params[1], definition: params[2], tables: params[3] });
    } else if (/^update \w+\.projection_checkpoint set position = \$3/.test(text) && checkpoint !== null) {
      checkpoint.position = position(Math.max(checkpoint.position, Number(params[2])));
      if (this.#bug === 'checkpoint before rows') this.#showCheckpoint(checkpoint);
    } else if (/^insert into \w+\.counter /.test(text)) {
      opened.state.rows = new Map(opened.state.rows).set(params[0] as StreamId, JSON.parse(String(params[1])) as Row);
    } else if (!/^(create table|alter table)/.test(text)) {
      throw new Error(`the simulated table does not know this statement: ${sql}`);
    }
    return [];
  }

  #showCheckpoint(checkpoint: NonNullable<State['checkpoint']>): void {
    this.#state = { ...this.#state, checkpoint: { ...checkpoint } };
    this.commits += 1;
  }
}

const selected = ({ version, definition, tables, position: at }: NonNullable<State['checkpoint']>): Record<string, unknown> => ({
  name: 'counters', generation: 'live', version, definition, tables, position: String(at), skips: [], failure_position: null, failure_reason: null,
  phase: null, target: null, started_at: null, paused: false, swapped_at: null, skips_now: [],
});
