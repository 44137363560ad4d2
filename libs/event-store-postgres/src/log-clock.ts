import { uptime } from 'node:os';
import { instantOfMs, type Instant } from '@rectrail/kernel';
import { EventStoreError } from '@rectrail/event-store';
import type pg from 'pg';
import { clockLeapMsMax } from './log-clock-schema.ts';
import { unavailable } from './postgres-errors.ts';
import { answersWithin, connect, type SessionOptions } from './sessions.ts';

/** How the database's clock stands to what this process expects of it. `jumped`: appends are refused until it is right again or somebody vouches for it. */
export interface ClockStanding {
  readonly state: 'steady' | 'jumped';
  readonly now: Instant;
  /** Beyond what was expected; less than 0 where it is behind, which hinders nobody. */
  readonly aheadSeconds: number;
}

/** A time that was taken for right, and the steady clock of this process at that moment, both ms. */
interface Anchor { readonly ms: number; readonly uptimeMs: number; readonly confirmed: number }
/** `isNewest`: nothing was recorded after it. */
interface Mark { readonly kind: 'vouched' | 'jumped' | 'confirmed'; readonly atMs: number; readonly expectedMs: number; readonly isNewest: boolean }
/** `mark`: the newest one. `confirmed`: number of the newest word of an operator, and the time that it confirmed; 0 where there is none. */
interface Reading { readonly nowMs: number; readonly mark: Mark | null; readonly confirmed: number; readonly confirmedMs: number }
interface Assessment extends Reading { readonly expectedMs: number }

/** Of this process, ms: the time of day, and a clock that goes on while process or machine are stopped and that nobody can set. */
export interface ProcessClocks { now(): number; uptime(): number }

const systemClocks: ProcessClocks = { now: () => Date.now(), uptime: () => uptime() * 1_000 };

export interface LogClockOptions {
  readonly schema: string;
  readonly session: SessionOptions;
  readonly pool: pg.Pool;
  readonly clocks?: ProcessClocks | undefined;
}

/** A busy log tells its time so often that reading the system's own would cost. */
const anchorMs = 1_000;

/**
 * Vouches for the database's clock where the newest event is too old to tell: it has gone on as the steady clock of this process has. What it finds lies in
 * `clock_marks`, so that a process that starts anew does not take a clock for right that another has found to have leapt.
 */
export class LogClock {
  readonly #options: LogClockOptions;
  readonly #clocks: ProcessClocks;
  #anchor: Anchor = { ms: 0, uptimeMs: 0, confirmed: 0 };
  #nextAnchorMs = 0;
  #asking: Promise<void> | null = null;

  /** @throws EventStoreError `event-store-unavailable`. */
  static async open(options: LogClockOptions): Promise<LogClock> {
    const clock = new LogClock(options);
    await clock.#begin();
    return clock;
  }

  private constructor(options: LogClockOptions) {
    this.#options = options;
    this.#clocks = options.clocks ?? systemClocks;
  }

  /** An append was given this time. */
  seen(recordedMs: number): void {
    if (performance.now() < this.#nextAnchorMs) return;
    this.#nextAnchorMs = performance.now() + anchorMs;
    const { ms, confirmed } = this.#anchor;
    const uptimeMs = this.#clocks.uptime();
    // A log that is ahead of its clock, which was set back, tells no time.
    if (Math.abs(recordedMs - this.#expectedMs(uptimeMs)) <= clockLeapMsMax) this.#anchor = { ms: Math.max(recordedMs, ms), uptimeMs, confirmed };
  }

  /**
   * After `clock-jumped` from an append: returns where the clock is right and the append may be sent again; those that ask at the same time share one answer.
   * @throws EventStoreError `clock-jumped`.
   */
  vouch(): Promise<void> {
    this.#asking ??= this.#vouch().finally(() => { this.#asking = null; });
    return this.#asking;
  }

  async standing(): Promise<ClockStanding> {
    const { nowMs, expectedMs } = await this.#assess();
    return { state: nowMs > expectedMs + clockLeapMsMax ? 'jumped' : 'steady', now: instantOfMs(nowMs), aheadSeconds: Math.round((nowMs - expectedMs) / 1_000) };
  }

  /** Somebody has looked and says that the clock is right as it is: every process takes it from here on. */
  async confirm({ by, reason }: { readonly by: string; readonly reason: string }): Promise<Instant> {
    const { nowMs, expectedMs } = await this.#assess();
    await this.#note('confirmed', { nowMs, expectedMs }, { by, reason });
    return instantOfMs(nowMs);
  }

  async #begin(): Promise<void> {
    const { nowMs, mark, confirmed } = await this.#read();
    const isStillAhead = mark?.kind === 'jumped' && mark.isNewest && nowMs >= mark.atMs - clockLeapMsMax;
    // Of two clocks that differ the earlier one: what it stamps can be put right by waiting.
    this.#anchor = { ms: isStillAhead ? mark.expectedMs : Math.min(nowMs, this.#clocks.now()), uptimeMs: this.#clocks.uptime(), confirmed };
  }

  #expectedMs(uptimeMs: number): number {
    return this.#anchor.ms + (uptimeMs - this.#anchor.uptimeMs);
  }

  async #vouch(): Promise<void> {
    const { nowMs, expectedMs, mark, confirmed } = await this.#assess();
    if (nowMs <= expectedMs + clockLeapMsMax) {
      await this.#note('vouched', { nowMs, expectedMs });
      this.#anchor = { ms: nowMs, uptimeMs: this.#clocks.uptime(), confirmed };
      return;
    }
    if (mark?.kind !== 'jumped' || !mark.isNewest) await this.#note('jumped', { nowMs, expectedMs });
    throw new EventStoreError('clock-jumped', [
      `the clock of the database says ${instantOfMs(nowMs)}, ${Math.round((nowMs - expectedMs) / 1_000)} s beyond what is expected: nothing is recorded at such a time.`,
      'Potential solutions: put the clock right, then it goes on by itself; or confirm it (docs/runbooks/clock-jumped.md)',
    ].join(' '));
  }

  async #assess(): Promise<Assessment> {
    const reading = await this.#read();
    const { nowMs, confirmed, confirmedMs } = reading;
    const uptimeMs = this.#clocks.uptime();
    if (confirmed > this.#anchor.confirmed) {
      // It was said since the anchor was laid, so no more has passed after it than after that: what goes beyond is another leap.
      const atMost = Math.max(confirmedMs + (uptimeMs - this.#anchor.uptimeMs), this.#expectedMs(uptimeMs));
      this.#anchor = { ms: Math.min(nowMs, atMost), uptimeMs, confirmed };
    }
    return { ...reading, expectedMs: Math.round(this.#expectedMs(uptimeMs)) };
  }

  async #read(): Promise<Reading> {
    const { schema, pool } = this.#options;
    try {
      const { rows: [row] } = await pool.query<[number, number | null, number | null, Mark['kind'] | null, number, number, boolean]>({
        rowMode: 'array',
        text: `
          select ${schema}.now_ms(), c.mark_no, c.at_ms, m.kind, m.at_ms, m.expected_ms, m.head = coalesce((select position from ${schema}.events order by position desc limit 1), 0)
          from (select) one
          left join lateral (select * from ${schema}.clock_marks where kind = 'confirmed' order by mark_no desc limit 1) c on true
          left join lateral (select * from ${schema}.clock_marks order by mark_no desc limit 1) m on true`,
      });
      if (row === undefined) throw new Error('the clock of the database gives no time');
      const [nowMs, confirmed, confirmedMs, kind, atMs, expectedMs, isNewest] = row;
      return { nowMs, confirmed: confirmed ?? 0, confirmedMs: confirmedMs ?? 0, mark: kind === null ? null : { kind, atMs, expectedMs, isNewest } };
    } catch (cause) {
      throw unavailable(cause);
    }
  }

  async #note(kind: Mark['kind'], { nowMs, expectedMs }: Pick<Assessment, 'nowMs' | 'expectedMs'>, said?: { readonly by: string; readonly reason: string }): Promise<void> {
    const { schema, session } = this.#options;
    const client = await connect(session, ['synchronous_commit = on'], answersWithin(session)).catch((cause: unknown) => { throw unavailable(cause); });
    try {
      await client.query(`
        insert into ${schema}.clock_marks (kind, at_ms, expected_ms, head, said_by, reason)
        select $1, $2, $3, coalesce((select position from ${schema}.events order by position desc limit 1), 0), $4, $5`, [kind, nowMs, expectedMs, said?.by ?? null, said?.reason ?? null]);
    } catch (cause) {
      throw unavailable(cause);
    } finally {
      await client.end();
    }
  }
}
