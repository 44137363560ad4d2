import { setTimeout as sleep } from 'node:timers/promises';
import { streamId, streamVersion, type Instant, type StreamVersion } from '@rectrail/kernel';
import { canonicalJson, deriveEventId, hasCode, newCommandId, type AppendResult } from '@rectrail/event-store';
import { PostgresEventStore } from '../postgres-event-store.ts';

// A writer in a process of its own, for specs that race or kill it. It prints one line of JSON for each acknowledged append.

interface Task {
  readonly url: string;
  readonly writer: string;
  readonly streams: readonly string[];
  readonly callers: number;
  readonly appends: number;
  readonly events: number;
  /** It appends for so long at most, and rests for up to `pauseMsMax` before each append. */
  readonly forMs: number;
  readonly pauseMsMax: number;
  readonly largeAppendTimeoutMs: number;
  readonly largeAppendIdleMs: number;
}

const task = JSON.parse(process.argv[2] ?? '') as Task;
const store = await PostgresEventStore.open({ connectionString: task.url, largeAppendTimeoutMs: task.largeAppendTimeoutMs, largeAppendIdleMs: task.largeAppendIdleMs });

/** With the exact version, read anew after each conflict, as a command runner does. */
const append = async (name: string, says: readonly string[]): Promise<AppendResult> => {
  const stream = streamId(name);
  let expectedVersion: StreamVersion = streamVersion(0);
  for (;;) {
    const commandId = newCommandId(new Date().toISOString() as Instant);
    const events = says.map((text, i) => {
      const eventId = deriveEventId(commandId, i);
      return { eventId, type: 'Said', content: canonicalJson({ eventId, data: { text }, type: 'Said' }) };
    });
    try {
      return await store.append({ commandId, entries: [{ streamId: stream, expectedVersion, events }] });
    } catch (error) {
      if (!hasCode(error, 'stream-version-conflict')) throw error;
      expectedVersion = (await store.readStream(stream, { limit: 1, direction: 'backwards' })).version;
    }
  }
};

process.stdout.write('"ready"\n');
const endsAt = performance.now() + task.forMs;
await Promise.all(Array.from({ length: task.callers }, async (_, caller) => {
  for (let i = 0; i < task.appends && performance.now() < endsAt; i++) {
    if (task.pauseMsMax > 0) await sleep(Math.random() * task.pauseMsMax);
    const name = task.streams[(i + caller) % task.streams.length] ?? '';
    const says = Array.from({ length: task.events }, (__, e) => `${task.writer}.${caller}.${i}.${e}`);
    const { first, last, versions } = await append(name, says);
    process.stdout.write(`${JSON.stringify({ said: says, first, last, version: versions.get(streamId(name)) })}\n`);
  }
}));
await store.close();
