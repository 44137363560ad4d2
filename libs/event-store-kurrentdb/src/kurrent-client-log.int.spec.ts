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

  it('reads settings and deletions of streams', async () => {
    await log.append([record], []);
    fake.truncate('a', { maxCount: 3, maxAge: 60 });
    expect(await log.truncation('a')).toEqual({ maxCount: 3, maxAge: 60 });
    expect((await log.readAll({ count: 10, filter: { typePrefixes: ['$metadata', '$streamDeleted'] } })).map((r) => r.stream)).toEqual(['$$a']);
    fake.delete('a');
    await expect(log.readStream('a', 0, 1)).rejects.toMatchObject({ code: 'stream-deleted' });
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
