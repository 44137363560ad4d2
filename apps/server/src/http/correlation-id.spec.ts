import { describe, expect, it } from '@jest/globals';
import { correlationIdOf } from './correlation-id.ts';

// Goal: an event's correlation id is the caller's, else that of the trace, else a new one, and never a telephone number. Method: what may be sent, with traces on and off.
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const uuid = '0198f3d2-1390-8123-8567-813912345678';
const of = (given: string | undefined, traceparent?: string, isOn = false): string => correlationIdOf({ given, traceparent, tracing: { isOn }, made: () => uuid });
const header = `00-${traceId}-00f067aa0ba902b7-01`;

describe('a correlation id', () => {
  it('is the one given', () => {
    for (const given of ['case-7', uuid, traceId]) expect([of(given), of(given, header), of(given, header, true)]).toEqual([given, given, given]);
  });

  it.each([undefined, '', '13912345678', 'a b', 'x'.repeat(65), '编号'])('is the trace, or a new one, where none may be taken over: %p', (given) => {
    expect([of(given), of(given, header), of(given, header, true), of(given, 'broken')]).toEqual([uuid, traceId, traceId, uuid]);
    expect(of(given, undefined, true)).toBe(uuid.replaceAll('-', ''));
  });
});
