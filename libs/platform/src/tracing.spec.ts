import { describe, expect, it } from '@jest/globals';
import { commandSpanId, inSpan, isTraceId, noTracing, parseTraceparent, traceparentOf, traceOfMessage } from './tracing.ts';

// Goal: W3C trace context is read and written as the standard says, and a trace goes through an event. Method: examples of the standard, and what it tells to ignore.
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const header = `00-${traceId}-00f067aa0ba902b7-01`;

describe('trace context', () => {
  it('is read and written', () => {
    expect(parseTraceparent(header)).toEqual({ traceId, spanId: '00f067aa0ba902b7', sampled: true });
    expect(traceparentOf(parseTraceparent(header)!)).toBe(header);
    expect(parseTraceparent(header.replace(/01$/, '02'))?.sampled).toBe(false);
    expect(parseTraceparent(`01${header.slice(2)}-more`)?.traceId).toBe(traceId);
  });

  it.each([undefined, '', 'x', `ff${header.slice(2)}`, `${header}-more`, header.toUpperCase(), header.replace(traceId, '0'.repeat(32)), header.replace('00f067aa0ba902b7', '0'.repeat(16)), `${header}0`, ` ${header}`])(
    'is ignored where it is none: %p', (given) => { expect(parseTraceparent(given)).toBeNull(); });

  it('goes through an event by its correlation id, and continues the span of the command', () => {
    const [commandId, eventId] = ['0198f3d2-0000-7000-8000-000000000000', '0198f3d2-0000-8abc-9def-000000000000'];
    expect(traceOfMessage({ id: eventId, correlationId: traceId })).toEqual({ traceId, spanId: commandSpanId(traceId, commandId), sampled: true });
    expect(traceOfMessage({ id: eventId, correlationId: commandId })).toBeNull();
    expect([isTraceId(traceId), isTraceId('0'.repeat(32)), isTraceId(commandId)]).toEqual([true, false, false]);
  });

  it('that is off records nothing, but passes on what came in', async () => {
    expect(noTracing.sending({ id: '0198f3d2-0000-8abc-9def-000000000000', correlationId: traceId }, { name: 'send' }).traceparent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
    expect(noTracing.sending({ id: 'x', correlationId: 'y' }, { name: 'send' }).traceparent).toBeNull();
    expect(noTracing.begin({ name: 'a', kind: 'server', parent: parseTraceparent(header) }).traceparent).toBe(header);
    expect(await inSpan(noTracing, () => { throw new Error('nobody asks'); }, () => Promise.resolve(7))).toBe(7);
  });
});
