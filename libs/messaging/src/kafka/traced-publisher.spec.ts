import { noTracing, type SpanStart, type Tracing } from '@rectrail/platform';
import { describe, expect, it } from '@jest/globals';
import type { OutgoingRecord } from './publisher.ts';
import { tracedPublisher } from './traced-publisher.ts';

// Goal: a record carries the trace of its event, and the span of its sending ends with it. Method: a publisher that takes or fails, a tracing that remembers.
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const record = (correlationId: string): OutgoingRecord =>
  ({ topic: 'rectrail.issues', key: 'issues/1', value: '{}', headers: { ce_id: '0198f3d2-0000-8abc-9def-000000000000', ce_correlationid: correlationId, ce_type: 'x' } });

const publishing = (tracing: Tracing, failure?: Error): { readonly sent: OutgoingRecord[]; readonly send: (records: readonly OutgoingRecord[]) => Promise<void> } => {
  const sent: OutgoingRecord[] = [];
  const take = (records: readonly OutgoingRecord[]): Promise<void> => {
    sent.push(...records);
    return failure === undefined ? Promise.resolve() : Promise.reject(failure);
  };
  const publisher = tracedPublisher({ send: take, close: () => Promise.resolve() }, tracing);
  return { sent, send: (records) => publisher.send(records) };
};

describe('a traced publisher', () => {
  it('passes on the trace that came in, though none is recorded, and touches nothing else', async () => {
    const { sent, send } = publishing(noTracing);
    const [plain, bare] = [record('by-hand'), { ...record(traceId), headers: { 'ce_id': 'reached-1' } }];
    await send([record(traceId), plain, bare]);
    expect(sent[0]).toEqual({ ...record(traceId), headers: { ...record(traceId).headers, traceparent: expect.stringMatching(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`)) } });
    expect([sent[1], sent[2]]).toEqual([plain, bare]);
  });

  it('ends each span with what the sending came to', async () => {
    const ends: unknown[] = [];
    const starts: Omit<SpanStart, 'kind'>[] = [];
    const tracing: Tracing = { ...noTracing, isOn: true, sending: (_message, start) => { starts.push(start); return { traceparent: 'tp', end: (error) => { ends.push(error); } }; } };
    await publishing(tracing).send([record(traceId)]);
    const failure = new Error('no broker');
    await expect(publishing(tracing, failure).send([record(traceId)])).rejects.toBe(failure);
    expect(ends).toEqual([undefined, failure]);
    expect(starts[0]).toMatchObject({ name: 'send rectrail.issues', attributes: { 'messaging.system': 'kafka', 'messaging.destination.name': 'rectrail.issues' } });
  });
});
