import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace';
import { commandSpanId, inSpan, parseTraceparent, type Tracing } from '@rectrail/platform';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { openTracing } from './tracing.ts';

// Goal: spans lie in each other as the work does, in the trace that came in or that the event names, and tell no message. Method: an exporter in memory.
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const header = `00-${traceId}-00f067aa0ba902b7-01`;

describe('recorded traces', () => {
  let exporter: InMemorySpanExporter;
  let tracing: Tracing;
  beforeEach(() => {
    exporter = new InMemorySpanExporter();
    // A shutdown would empty it.
    exporter.shutdown = () => Promise.resolve();
    tracing = openTracing({ exporter, version: '0', sampledShare: 1 });
  });
  const spans = async (): Promise<ReadonlyMap<string, ReadableSpan>> => {
    await tracing.close();
    return new Map(exporter.getFinishedSpans().map((span) => [span.name, span]));
  };

  it('nest as the work does, also beside each other', async () => {
    await Promise.all(['a', 'b'].map((name) => inSpan(tracing, () => ({ name, kind: 'server' }), async () => {
      await sleep(1);
      await inSpan(tracing, () => ({ name: `${name} inner`, kind: 'internal' }), () => sleep(1));
    })));
    const found = await spans();
    for (const name of ['a', 'b']) {
      expect(found.get(`${name} inner`)?.parentSpanContext?.spanId).toBe(found.get(name)?.spanContext().spanId);
      expect(found.get(name)?.parentSpanContext).toBeUndefined();
    }
    expect(found.get('a')?.spanContext().traceId).not.toBe(found.get('b')?.spanContext().traceId);
  });

  it('continue the trace that came in, or begin the one that is named', async () => {
    tracing.begin({ name: 'continued', kind: 'server', parent: parseTraceparent(header), traceId: '1'.repeat(32) }).end();
    tracing.begin({ name: 'begun', kind: 'server', parent: null, traceId, spanId: 'a'.repeat(16) }).end();
    tracing.begin({ name: 'own', kind: 'server' }).end();
    const found = await spans();
    expect(found.get('continued')).toMatchObject({ parentSpanContext: { traceId, spanId: '00f067aa0ba902b7' } });
    expect(found.get('begun')?.spanContext()).toMatchObject({ traceId, spanId: 'a'.repeat(16) });
    expect(found.get('own')?.spanContext().traceId).not.toBe(traceId);
  });

  it('go on behind an event, in the span of its command; an event of no trace begins none', async () => {
    const eventId = '0198f3d2-0000-8abc-9def-000000000000';
    const sending = tracing.sending({ id: eventId, correlationId: traceId }, { name: 'send rectrail.issues' });
    expect(parseTraceparent(sending.traceparent ?? undefined)?.traceId).toBe(traceId);
    sending.end();
    expect(tracing.sending({ id: eventId, correlationId: 'by hand' }, { name: 'none' }).traceparent).toBeNull();
    const found = await spans();
    expect([...found.keys()]).toEqual(['send rectrail.issues']);
    expect(found.get('send rectrail.issues')).toMatchObject({ kind: 3, parentSpanContext: { traceId, spanId: commandSpanId(traceId, eventId) } });
  });

  it('tell an error by its code, not by its words', async () => {
    await expect(inSpan(tracing, () => ({ name: 'x', kind: 'internal' }), () => Promise.reject(Object.assign(new Error('王五 13900000000'), { code: 'issue-closed' })))).rejects.toThrow();
    const span = (await spans()).get('x');
    expect(span).toMatchObject({ attributes: { 'error.type': 'issue-closed' }, status: { code: 2 } });
    expect(JSON.stringify([span?.attributes, span?.events, span?.status])).not.toContain('王五');
  });

  it('are taken by their share, the same traces at every step', async () => {
    tracing = openTracing({ exporter, version: '0', sampledShare: 0.5 });
    const ids = Array.from({ length: 64 }, (_, i) => createHash('md5').update(String(i)).digest('hex'));
    for (const id of ids) {
      const begun = tracing.begin({ name: `begin ${id}`, kind: 'server', traceId: id });
      const sent = tracing.sending({ id: '0198f3d2-0000-8abc-9def-000000000000', correlationId: id }, { name: `send ${id}` });
      expect(sent.traceparent?.slice(-2)).toBe(begun.traceparent?.slice(-2));
      begun.end();
      sent.end();
    }
    const names = [...(await spans()).keys()];
    expect(names.length).toBeGreaterThan(0);
    expect(names.length).toBeLessThan(128);
  });
});
