// Goal: Kurrent's client brings a server's answers to the port unchanged, bytes, errors and ends of connections among them. Method: the contract of the port
// and one store, through the client over gRPC, against the fake server behind the protocol.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { freshStream, readToEnd, requestOf, saidBy } from '@rectrail/event-store/testing';
import { KurrentClientLog } from './kurrent-client-log.ts';
import { FakeKurrentServer } from './testing/fake-kurrent-server.ts';
import { serveOverGrpc } from './testing/grpc-stand-in.ts';
import { describeKurrentLog } from './testing/kurrent-log-contract.ts';
import { contractSubject } from './testing/subject.ts';

describeKurrentLog('client over gRPC', async () => {
  const fake = new FakeKurrentServer();
  const served = await serveOverGrpc(fake);
  return { log: KurrentClientLog.connect(served.url), appendBytesMax: fake.appendBytesMax, stop: () => { served.stop(); } };
});

describe('the client', () => {
  let fake: FakeKurrentServer;
  let served: Awaited<ReturnType<typeof serveOverGrpc>>;
  let log: KurrentClientLog;
  beforeEach(async () => {
    fake = new FakeKurrentServer();
    served = await serveOverGrpc(fake);
    log = KurrentClientLog.connect(served.url);
  });
  afterEach(async () => {
    await log.close();
    served.stop();
  });

  const record = { stream: 'a', eventId: crypto.randomUUID(), type: 'Said', data: Buffer.from('x') };

  it('tells what was refused, what was not sent and what is not known apart', async () => {
    fake.faults.push('after-write');
    await expect(log.append([record], [{ stream: 'a', revision: 'none' }])).rejects.toMatchObject({ code: 'outcome-unknown' });
    await expect(log.append([{ ...record, eventId: crypto.randomUUID() }], [{ stream: 'a', revision: 'none' }])).rejects.toMatchObject({ code: 'check-failed' });
    await expect(log.append([{ ...record, stream: 'a b' }], [])).rejects.toMatchObject({ code: 'refused' });
    served.stop();
    await sleep(50);
    await expect(log.append([record], [])).rejects.toMatchObject({ code: expect.stringMatching(/^(unavailable|outcome-unknown)$/) });
    await expect(log.append([record], [])).rejects.toMatchObject({ code: 'unavailable' });
    await expect(log.readStream('a', 0, 1)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(log.readAll({ count: 1 })).rejects.toMatchObject({ code: 'unavailable' });
    await expect(KurrentClientLog.connect(served.url).server()).rejects.toMatchObject({ code: 'unavailable' });
  });

  it.each([
    ['FAILED_PRECONDITION', 'The server is not the leader node and cannot handle the request.', 'unavailable'], ['PERMISSION_DENIED', 'Access denied.', 'unavailable'],
    ['UNAUTHENTICATED', 'Who are you?', 'unavailable'], ['RESOURCE_EXHAUSTED', 'Received message exceeds the maximum configured message size.', 'too-large'],
    // As grpc-js tells of a stream that was reset to calm it, which the server may have carried out.
    ['RESOURCE_EXHAUSTED', 'Bandwidth exhausted or memory limit exceeded', 'outcome-unknown'],
    ['UNAVAILABLE', 'the connection broke', 'outcome-unknown'], ['DEADLINE_EXCEEDED', 'Operation timed out', 'outcome-unknown'], ['INTERNAL', 'completed in error', 'outcome-unknown'],
  ] as const)('takes %s (%s) of an append for %s, and goes on', async (status, message, code) => {
    served.refuseAppend(status, message);
    await expect(log.append([record], [])).rejects.toMatchObject({ code });
    await log.append([record], []);
    expect(fake.records.filter(({ stream }) => stream === 'a')).toHaveLength(1);
  });

  it('tells a server that is away while it reads from one that refuses the place', async () => {
    await log.append([record, { ...record, eventId: crypto.randomUUID() }], []);
    const [first] = await log.readAll({ count: 1, filter: { streamPattern: '^a$' } });
    await expect(log.readAll({ from: { commit: first!.position.commit + 1n, prepare: first!.position.prepare + 1n }, count: 1 })).rejects.toMatchObject({ code: 'refused' });
    fake.isDown = true;
    await expect(log.readStream('a', 0, 1)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(log.readAll({ count: 1 })).rejects.toMatchObject({ code: 'unavailable' });
    await expect(log.truncation('a')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('reads settings and deletions of streams', async () => {
    await log.append([record], []);
    fake.truncate('a', { maxCount: 3, maxAge: 60 });
    expect(await log.truncation('a')).toEqual({ maxCount: 3, maxAge: 60 });
    expect((await log.readAll({ count: 10, filter: { typePrefixes: ['$metadata', '$streamDeleted'] } })).map((r) => r.stream)).toEqual(['$$a']);
    fake.delete('a');
    const deleted = { code: 'stream-deleted', message: expect.stringContaining('a') };
    await expect(log.readStream('a', 0, 1)).rejects.toMatchObject(deleted);
    await expect(log.truncation('a')).rejects.toMatchObject(deleted);
    await expect(log.append([record], [{ stream: 'a', revision: 0 }])).rejects.toMatchObject(deleted);
    await expect(log.append([{ ...record, stream: 'b' }], [{ stream: 'a', revision: 0 }])).rejects.toMatchObject(deleted);
  });

  it('ends a subscription with an error when the connection breaks', async () => {
    const { signal } = new AbortController();
    const follow = async (): Promise<void> => {
      for await (const batch of log.follow({ after: null, filter: { streamPattern: '^a' }, signal })) if (batch.length > 0) served.stop();
    };
    const following = follow();
    await log.append([record], []);
    await expect(following).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('shows no password of a connection string that it cannot read', () => {
    expect(() => KurrentClientLog.connect('kurrentdb://me:secret@:bad?x')).toThrow(expect.objectContaining({ message: expect.not.stringContaining('secret') }));
  });

  it('carries a store, from the first event through a restart', async () => {
    const subject = await contractSubject(() => KurrentClientLog.connect(served.url));
    const stream = freshStream();
    await subject.store.append(requestOf([{ stream, expected: 'none', says: ['立行立改', '{"a":1}'] }, { stream: freshStream(), says: ['x'.repeat(100_000)] }]));
    await Promise.all(Array.from({ length: 20 }, (_, i) => subject.store.append(requestOf([{ stream, says: [`${i}`] }]))));
    expect(saidBy((await subject.store.readStream(stream)).events)).toEqual(['立行立改', '{"a":1}', ...Array.from({ length: 20 }, (_, i) => `${i}`)]);
    const again = await subject.another();
    expect(await readToEnd(again)).toEqual(await readToEnd(subject.store));
    await again.close();
    await subject.dispose();
  });
});
