import { randomUUID } from 'node:crypto';
import { Wake } from '@rectrail/event-store';
import {
  isAfter, KurrentLogError, type FollowLogOptions, type KurrentLog, type LogFilter, type LogPosition, type LogRecord, type ReadLogOptions, type RecordToAppend, type ServerFacts,
  type StreamCheck, type Truncation,
} from '../kurrent-log.ts';

/** What happens to the next appends, in their order: lost on the way, or answered by a connection that broke. */
export type Fault = 'before-write' | 'after-write';

type Decision = 'ok' | 'repeated' | 'failed' | 'deleted';

const matches = (record: LogRecord, filter: LogFilter | undefined): boolean => {
  if (filter === undefined) return true;
  return 'streamPattern' in filter ? new RegExp(filter.streamPattern).test(record.stream) : filter.typePrefixes.some((prefix) => record.type.startsWith(prefix));
};

/** What records cost beside their data and type, as the server's source counts them: one property. */
const propertyBytes = 40;

/**
 * A KurrentDB server as its documentation and source describe it (26.1): positions with gaps, events of the system among ours, one write for an append over
 * streams, checks before it, repeated events told by their ids, a limit of size, truncation and deletion; and what goes wrong between it and its clients.
 * A client is `connect()`.
 */
export class FakeKurrentServer {
  readonly records: LogRecord[] = [];
  readonly faults: Fault[] = [];
  appendBytesMax = 1 << 20;
  version = '26.1.0';
  /** Ends every subscription and fails reads and writes while set. */
  isDown = false;
  /** Between an append and its answer, so that appends of several clients overlap, ms; 0 answers in the same turn. */
  latencyMs = 0;
  readonly #wake = new Wake();
  readonly #truncations = new Map<string, Truncation>();
  readonly #deleted = new Set<string>();
  readonly #streams = new Map<string, LogRecord[]>();
  #place = 0n;
  #clockMs = Date.now();

  connect(): KurrentLog {
    const cut = new AbortController();
    return {
      server: () => this.#answer((): ServerFacts => ({ version: this.version, appendsRecords: Number.parseInt(this.version, 10) >= 26 })),
      append: (records, checks) => this.#append(records, checks),
      readStream: (stream, from, count) => this.#answer(() => this.#stream(stream).filter((r) => r.revision >= from).slice(0, count)),
      readAll: (options) => this.#answer(() => this.#all(options)),
      last: (filter) => this.#answer(() => this.records.findLast((record) => matches(record, filter)) ?? null),
      truncation: (stream) => this.#answer(() => {
        this.#assertNotDeleted(stream);
        return this.#truncations.get(stream) ?? null;
      }),
      follow: (options) => this.#follow({ ...options, signal: AbortSignal.any([options.signal, cut.signal]) }),
      close: () => { cut.abort(); return Promise.resolve(); },
    };
  }

  /** Ends the subscriptions that there are. */
  breakConnections(): void {
    this.isDown = true;
    this.#wake.notify();
    setImmediate(() => { this.isDown = false; });
  }

  /** As somebody else, or the system, writes. */
  write(stream: string, type: string, data = ''): void {
    this.#write({ stream, type, eventId: randomUUID(), data: Buffer.from(data, 'utf8') });
    this.#wake.notify();
  }

  truncate(stream: string, truncation: Truncation | null): void {
    if (truncation === null) this.#truncations.delete(stream);
    else this.#truncations.set(stream, truncation);
    this.write(`$$${stream}`, '$metadata', JSON.stringify(truncation ?? {}));
  }

  delete(stream: string): void {
    this.#deleted.add(stream);
    this.write(stream, '$streamDeleted');
  }

  /** Removes what lies after a place, as a restored backup does. */
  restoreTo(count: number): void {
    this.records.splice(count);
    this.#streams.clear();
    for (const record of this.records) this.#recordsOf(record.stream).push(record);
  }

  async #answer<T>(of: () => T): Promise<T> {
    await Promise.resolve();
    if (this.isDown) throw new KurrentLogError('unavailable', 'no connection');
    return of();
  }

  async #append(records: readonly RecordToAppend[], checks: readonly StreamCheck[]): Promise<void> {
    const fault = this.faults.shift();
    await this.#answer(() => undefined);
    if (fault === 'before-write') throw new KurrentLogError('outcome-unknown', 'the connection broke');
    this.#validate(records, checks);
    const expected = new Map(checks.map((c) => [c.stream.toLowerCase(), c.revision]));
    const streams = new Set([...records.map((r) => r.stream), ...checks.map((c) => c.stream)]);
    const decisions = [...streams].map((stream) => this.#decide(stream, expected.get(stream.toLowerCase()) ?? 'any', records.filter((r) => r.stream === stream).map((r) => r.eventId)));
    const gone = [...streams].find((_, i) => decisions[i] === 'deleted');
    if (gone !== undefined) this.#assertNotDeleted(gone);
    if (decisions.includes('failed') || (decisions.includes('repeated') && !decisions.every((d) => d === 'repeated'))) {
      throw new KurrentLogError('check-failed', `checks failed: ${[...streams].filter((_, i) => decisions[i] !== 'ok').join(', ')}`);
    }
    if (decisions.includes('ok')) for (const record of records) this.#write(record);
    // Statistics come between appends.
    this.write('$stats-127.0.0.1', '$statsCollected', '{}');
    if (this.latencyMs > 0) await new Promise((resolve) => { setTimeout(resolve, this.latencyMs); });
    if (fault === 'after-write') throw new KurrentLogError('outcome-unknown', 'the connection broke');
  }

  #validate(records: readonly RecordToAppend[], checks: readonly StreamCheck[]): void {
    const names = [...records, ...checks].map((r) => r.stream);
    const form = /^[a-zA-Z0-9_.-]+$/;
    const folded = (of: readonly string[]): number => new Set(of.map((name) => name.toLowerCase())).size;
    if (records.length === 0 || names.some((name) => !form.test(name)) || records.some((r) => !form.test(r.type))) throw new KurrentLogError('refused', 'invalid request');
    // The server would take names that differ in case for one stream, without a word.
    if (folded(names) !== new Set(names).size || folded(checks.map((c) => c.stream)) !== checks.length) throw new KurrentLogError('refused', 'a stream stands twice');
    const bytes = records.reduce((sum, { data, type }) => sum + data.byteLength + type.length + propertyBytes, 0);
    if (bytes > this.appendBytesMax) throw new KurrentLogError('too-large', `${bytes} bytes exceed ${this.appendBytesMax}`);
  }

  #decide(stream: string, expected: StreamCheck['revision'] | 'any', eventIds: readonly string[]): Decision {
    if (this.#deleted.has(stream)) return 'deleted';
    const there = this.#recordsOf(stream);
    const last = there.at(-1)?.revision ?? -1;
    const wanted = expected === 'none' ? -1 : expected;
    // The server remembers the ids of late events only; for `any` it may forget, for a revision it looks.
    if (wanted === 'any') return eventIds.length > 0 && eventIds.every((id) => there.some((r) => r.eventId === id)) ? 'repeated' : 'ok';
    if (wanted === last) return 'ok';
    const isRepeated = wanted < last && eventIds.length > 0 && eventIds.every((id, i) => there.some((r) => r.revision === wanted + 1 + i && r.eventId === id));
    return isRepeated ? 'repeated' : 'failed';
  }

  #write({ stream, eventId, type, data }: RecordToAppend): void {
    this.#place += BigInt(data.byteLength + 73);
    this.#clockMs = Math.max(this.#clockMs, Date.now());
    const there = this.#recordsOf(stream);
    const position = { commit: this.#place, prepare: this.#place };
    const record: LogRecord = { position, stream, revision: there.length, eventId, type, data: Uint8Array.from(data), createdMs: this.#clockMs };
    there.push(record);
    this.records.push(record);
  }

  #recordsOf(stream: string): LogRecord[] {
    const there = this.#streams.get(stream) ?? [];
    this.#streams.set(stream, there);
    return there;
  }

  #isVisible({ stream, revision, createdMs }: LogRecord, last: number): boolean {
    const { maxCount, maxAge, truncateBefore } = this.#truncations.get(stream) ?? {};
    return revision > last - (maxCount ?? Infinity) && revision >= Number(truncateBefore ?? 0) && createdMs >= Date.now() - (maxAge ?? Infinity) * 1_000;
  }

  /** Settings of a deleted stream are deleted with it. */
  #assertNotDeleted(name: string): void {
    const stream = name.replace(/^\$\$/, '');
    if (this.#deleted.has(stream)) throw new KurrentLogError('stream-deleted', `stream ${stream} is deleted`);
  }

  #stream(stream: string): readonly LogRecord[] {
    this.#assertNotDeleted(stream);
    const there = this.#recordsOf(stream);
    return there.filter((r) => this.#isVisible(r, there.at(-1)?.revision ?? -1));
  }

  #all({ from, count, filter }: ReadLogOptions): readonly LogRecord[] {
    const found: LogRecord[] = [];
    const start = from === undefined ? 0 : this.#indexOf(from);
    if (from !== undefined && start < this.records.length && this.records[start]?.position.commit !== from.commit) throw new KurrentLogError('refused', 'Trying to read from an invalid position.');
    for (let i = start; i < this.records.length && found.length < count; i++) {
      const record = this.records[i];
      if (record !== undefined && matches(record, filter)) found.push(record);
    }
    return found;
  }

  /** Of the first record that is not before the place. */
  #indexOf({ commit }: LogPosition): number {
    let [low, high] = [0, this.records.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.records[middle]?.position.commit ?? 0n) < commit) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  async *#follow({ after, filter, signal }: FollowLogOptions): AsyncGenerator<readonly LogRecord[], void, void> {
    let at = after;
    while (!signal.aborted) {
      const ticket = this.#wake.ticket;
      if (this.isDown) throw new KurrentLogError('unavailable', 'the server ended the subscription');
      const from: number = at === null ? 0 : this.#indexOf(at);
      const came: readonly LogRecord[] = this.records.slice(from, from + 11).filter((r) => at === null || isAfter(r.position, at));
      if (came.length === 0) {
        await this.#wake.wait(ticket, signal, 60_000);
        continue;
      }
      at = came.at(-1)?.position ?? at;
      const wanted = came.filter((r) => matches(r, filter));
      if (wanted.length > 0) yield wanted;
    }
  }
}
