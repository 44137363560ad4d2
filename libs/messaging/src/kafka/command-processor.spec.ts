import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CommandsUnavailable, type CommandGateway, type CommandRequest } from './command-gateway.ts';
import { CommandProcessor, type ProcessedRecord } from './command-processor.ts';
import { deadLetterHeader, type ReceivedRecord } from './command-records.ts';
import { batches, recordBytes } from './records.ts';

// Goal: every record comes to one reply or one dead letter, in order per key, and no token leaves with a dead letter. Method: a gateway that answers, fails and forgets as told.
const token = `rct_${'0'.repeat(24)}_${'s'.repeat(43)}`;
const headers = { Authorization: `Bearer ${token}`, 'idempotency-key': Buffer.from('k1'), 'correlation-id': 'c1' };
const record = (over: Partial<ReceivedRecord> = {}): ReceivedRecord =>
  ({ topic: 'rectrail.commands', partition: 1, offset: '7', timestamp: '1700000000000', key: Buffer.from('issue-1'), value: Buffer.from('{"path":"/issues"}'), headers, ...over });

const answering: CommandGateway = { answer: ({ correlationId }) => Promise.resolve({ correlationId: correlationId ?? 'made', status: 200, outcome: { id: 'x' } }) };
const processorOf = (gateway: CommandGateway, failures: unknown[] = []): CommandProcessor => new CommandProcessor({
  gateway, repliesTopic: 'rectrail.replies', deadLettersTopic: 'rectrail.dead-letters', bytesMax: 1_000, retryMs: 1,
  nowMs: () => 0, onFailure: (error, _place, willRetry) => { failures.push([error, willRetry]); },
});
const never = new AbortController().signal;
const one = async (over: Partial<ReceivedRecord>, gateway = answering): Promise<ProcessedRecord> => (await processorOf(gateway).process([record(over)], never))[0]!;

describe('a command record', () => {
  it('is answered under the key and the correlation of the request', async () => {
    expect(await one({ headers: { ...headers, traceparent: 'tp' } })).toEqual({
      outcome: 'accepted',
      send: {
        topic: 'rectrail.replies', key: Buffer.from('issue-1'), value: '{"status":200,"outcome":{"id":"x"}}',
        headers: { 'content-type': 'application/json; charset=utf-8', 'correlation-id': 'c1', 'idempotency-key': 'k1', traceparent: 'tp' },
      },
    });
  });

  it('that is refused is answered with the problem', async () => {
    const refusing: CommandGateway = { answer: () => Promise.resolve({ correlationId: 'c', status: 409, problem: { code: 'issue-closed' } }) };
    expect(await one({}, refusing)).toMatchObject({ outcome: 'refused', send: { value: '{"status":409,"problem":{"code":"issue-closed"}}' } });
  });

  it('whose answer is larger than a record tells its position alone', async () => {
    const talking: CommandGateway = { answer: () => Promise.resolve({ correlationId: 'c', status: 200, outcome: { commandId: 'id', position: 9, results: 'x'.repeat(2_000_000) } }) };
    expect((await one({}, talking)).send.value).toBe('{"status":200,"outcome":{"commandId":"id","position":9,"truncated":true}}');
  });

  it('whose problem is larger than a record is answered without its places', async () => {
    const errors = Array.from({ length: 20_000 }, () => ({ pointer: '/body', detail: 'no such field in this command, nor in any other' }));
    const talking: CommandGateway = { answer: () => Promise.resolve({ correlationId: 'c', status: 400, problem: { code: 'validation-failed', status: 400, errors } }) };
    expect((await one({}, talking)).send.value).toBe('{"status":400,"problem":{"code":"validation-failed","status":400,"errors":[],"truncated":true}}');
  });

  it.each<[string, Partial<ReceivedRecord>]>([
    ['body-malformed', { value: null }],
    ['body-malformed', { value: Buffer.alloc(0) }],
    ['body-too-large', { value: Buffer.alloc(1_001) }],
    ['token-missing', { headers: { 'idempotency-key': 'k' } }],
    ['token-missing', { headers: { ...headers, Authorization: 'x'.repeat(501) } }],
    ['validation-failed', { headers: { authorization: 'Bearer x' } }],
    ['validation-failed', { headers: { ...headers, 'idempotency-key': 'x'.repeat(201) } }],
    ['validation-failed', { key: Buffer.alloc(1_001) }],
  ])('that is no request becomes a dead letter: %s', async (reason, over) => {
    const { outcome, send } = await one(over);
    expect([outcome, send.topic, send.headers[deadLetterHeader.reason]]).toEqual(['dead-lettered', 'rectrail.dead-letters', reason]);
  });

  it('keeps value, key, headers and place as a dead letter, but no token', async () => {
    const refusing: CommandGateway = { answer: () => Promise.resolve({ reason: 'validation-failed', detail: 'no command' }) };
    const { send } = await one({ value: Buffer.from(`{"token":"${token}","案":1}`), headers: { ...headers, 'X-Other': `my ${token}`, twice: ['a', 'b'] } }, refusing);
    expect(send).toEqual({
      topic: 'rectrail.dead-letters', key: Buffer.from('issue-1'), value: Buffer.from('{"token":"rct_removed","案":1}'),
      headers: {
        'idempotency-key': 'k1', 'correlation-id': 'c1', 'x-other': 'my rct_removed', twice: 'a',
        [deadLetterHeader.reason]: 'validation-failed', [deadLetterHeader.detail]: 'no command', [deadLetterHeader.topic]: 'rectrail.commands',
        [deadLetterHeader.partition]: '1', [deadLetterHeader.offset]: '7', [deadLetterHeader.at]: '1970-01-01T00:00:00.000Z',
      },
    });
  });

  it('makes nothing that a broker does not take, however large it is: what cannot be sent would come again for ever', async () => {
    const size = fc.constantFrom(1, 200, 1_001, 500_000, 1_000_000);
    const gatewayOf = (kind: string, bytes: number): CommandGateway => ({ answer: () => Promise.resolve(({
      outcome: { correlationId: 'c', status: 200, outcome: { text: '案'.repeat(bytes) } },
      problem: { correlationId: 'c', status: 400, problem: { code: 'validation-failed', errors: [{ detail: 'x'.repeat(2 * bytes) }] } },
      none: { reason: 'body-malformed', detail: '案'.repeat(500) },
    } as const)[kind as 'none']) });
    const sizes = fc.record({ key: size, value: size, header: size, trace: size });
    await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.constantFrom('outcome', 'problem', 'none'), sizes), { minLength: 1, maxLength: 6 }), async (given) => {
      const sent = await Promise.all(given.map(async ([kind, { key, value, header, trace }]) => {
        const processor = new CommandProcessor({ gateway: gatewayOf(kind, value), repliesTopic: 'r', deadLettersTopic: 'd', bytesMax: 1_048_576, nowMs: () => 0, onFailure: () => undefined });
        const many = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`x-${n}`, '案'.repeat(Math.min(header, 1_000))]));
        const large = record({ key: Buffer.alloc(key), value: Buffer.alloc(value, 'x'), headers: { ...headers, ...many, traceparent: 't'.repeat(trace) } });
        return (await processor.process([large], never))[0]!.send;
      }));
      // The default of a broker, less what a batch adds of its own.
      for (const batch of batches(sent)) expect(batch.reduce((sum, each) => sum + recordBytes(each), 0)).toBeLessThan(1_048_588 - 20_000);
    }), { numRuns: 30 });
  });

  it('waits for as long as the commands are away', async () => {
    let left = 8;
    const away: CommandGateway = { answer: (request) => (left-- > 0 ? Promise.reject(new CommandsUnavailable(new Error('no database'))) : answering.answer(request)) };
    const failures: unknown[] = [];
    const [done] = await processorOf(away, failures).process([record()], never);
    expect([done?.outcome, failures.length]).toEqual(['accepted', 8]);
  });

  it('at which the server fails again and again is put aside', async () => {
    const failures: unknown[] = [];
    const [done] = await processorOf({ answer: () => Promise.reject(new Error('secret')) }, failures).process([record()], never);
    expect(done).toMatchObject({ outcome: 'dead-lettered', send: { headers: { [deadLetterHeader.reason]: 'internal' } } });
    expect(JSON.stringify(done)).not.toContain('secret');
    expect([failures.length, failures.at(-1)]).toEqual([8, [new Error('secret'), false]]);
  });

  it('is left where it is once the consumer stops', async () => {
    const stopping = new AbortController();
    const away: CommandGateway = { answer: () => { stopping.abort(new Error('stopping')); return Promise.reject(new CommandsUnavailable(null)); } };
    await expect(processorOf(away).process([record()], stopping.signal)).rejects.toThrow();
  });
});

describe('command records', () => {
  it('keep their order per key, whatever else goes on beside them', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 2 })), { maxLength: 40 }), async (given) => {
      const running = new Set<string>();
      const order: string[] = [];
      const records = given.map(([key], offset) => record({ key: key === 0 ? null : Buffer.from(`k${key}`), offset: String(offset) }));
      const gateway: CommandGateway = {
        answer: async (request: CommandRequest) => {
          const offset = Number(request.place.offset);
          const key = records[offset]!.key?.toString();
          if (key !== undefined && running.has(key)) throw new Error('two of one key at once');
          if (key !== undefined) running.add(key);
          await sleep(given[offset]![1]);
          if (key !== undefined) running.delete(key);
          order.push(request.place.offset);
          return { correlationId: 'c', status: 200, outcome: request.place.offset };
        },
      };
      const processed = await processorOf(gateway).process(records, never);
      expect(processed.map(({ send }) => (JSON.parse(String(send.value)) as { outcome: string }).outcome)).toEqual(records.map(({ offset }) => offset));
      for (const key of ['k1', 'k2', 'k3', 'k4']) {
        const own = records.filter((one_) => one_.key?.toString() === key).map(({ offset }) => offset);
        expect(order.filter((offset) => own.includes(offset))).toEqual(own);
      }
    }), { numRuns: 40 });
  });
});
