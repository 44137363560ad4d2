import { AccessError, type AccessControl, type Principal } from '@rectrail/access';
import { EventStoreError, ExpectedVersionConflict } from '@rectrail/event-store';
import { position, streamId, streamVersion } from '@rectrail/kernel';
import type { CommandRequest } from '@rectrail/messaging';
import { createLogger, createMetrics, noTracing } from '@rectrail/platform';
import { CommandRejected, type CommandIdentity, type CommandOutcome, type CommandService } from '@rectrail/tracking-app';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Claim, IdempotencyStore } from '../http/idempotency-store.ts';
import { WriteRequests } from '../http/write-request.ts';
import { createCommandGateway } from './command-gateway.ts';
import { recordSha256Of } from './replay-tickets.ts';

// Goal: what a record comes to: an answer, no request, another attempt, or a defect; and under which command id. Method: a command service that does as told, keys in memory.
const administrator: Principal = { tokenId: 'token-1', actor: { orgId: null, role: 'administrator', subject: 's-1', assurance: 'local-token' } };
const body = Buffer.from('{"path":"/organisations","body":{"code":"A"}}');
const request = (over: Partial<CommandRequest> = {}): CommandRequest => ({
  place: { topic: 'rectrail.commands', partition: 0, offset: '7' }, authorization: 'Bearer good', idempotencyKey: 'k', correlationId: null, traceparent: null, body, sentAtMs: 1_700_000_000_000, ...over,
});

describe('the gateway of commands from Kafka', () => {
  let identities: CommandIdentity[];
  let claims: Claim[];
  let failures: Error[];
  let isAway: boolean;
  beforeEach(() => { [identities, claims, failures, isAway] = [[], [], [], false]; });

  const outcome = ({ commandId }: CommandIdentity): CommandOutcome => ({
    commandId, dryRun: false, repeated: false, position: position(9), results: [{ id: 'x', created: true, stream: streamId('organisation-x'), streamVersion: 1, location: '/organisations/x' }],
  });
  const commands = {
    executeMessage: (_message: unknown, identity: CommandIdentity) => {
      const failure = failures.shift();
      if (failure !== undefined) return Promise.reject(failure);
      identities.push(identity);
      return Promise.resolve(outcome(identity));
    },
  } as unknown as CommandService;
  const keys: IdempotencyStore = { claim: (claim) => { claims.push(claim); return Promise.resolve({ outcome: 'claimed', commandId: claim.commandId }); }, release: () => Promise.resolve() };
  const access = {
    authenticate: (authorization) => (authorization === 'Bearer good' ? Promise.resolve(administrator) : Promise.reject(new AccessError('token-invalid', 'no'))),
    recall: (tokenId) => Promise.resolve({ ...administrator, tokenId }),
  } satisfies Partial<AccessControl> as unknown as AccessControl;
  const ticket = `Replay ${'t'.repeat(43)}`;
  const gateway = () => createCommandGateway({
    commands, access, metrics: createMetrics(), tracing: noTracing, logger: createLogger({ level: 'silent' }), writes: new WriteRequests(keys, { now: () => { throw new Error('the record says when'); } }),
    database: { query: () => (isAway ? Promise.reject(new Error('no connection')) : Promise.resolve({ rows: [], rowCount: 0 })) },
    tickets: {
      issue: () => Promise.reject(new Error('not here')), lastReplays: () => Promise.resolve(new Map()),
      redeem: (authorization, recordSha256) => Promise.resolve(authorization === ticket && recordSha256 === recordSha256Of('k', body) ? { letter: '0-1 of 5', letterAtMs: 5, recordSha256, tokenId: 'token-9' } : null),
    },
  });

  it('carries a command out as its sender, and answers as over HTTP', async () => {
    expect(await gateway().answer(request({ correlationId: 'c-1' }))).toEqual({
      correlationId: 'c-1', status: 201,
      outcome: { id: 'x', created: true, streamVersion: 1, location: '/api/v1/organisations/x', commandId: identities[0]?.commandId, position: 9, dryRun: false },
    });
    expect(identities[0]).toMatchObject({ actor: administrator.actor, correlationId: 'c-1', dryRun: false });
  });

  it('gives a record the same command at every delivery, and another record another one', async () => {
    const answers = [];
    for (const one of [request(), request(), request({ sentAtMs: 1_700_000_000_001 }), request({ idempotencyKey: 'k2' })]) answers.push(await gateway().answer(one));
    expect(answers[1]).toEqual(answers[0]);
    expect(new Set(identities.map(({ commandId }) => commandId)).size).toBe(3);
    expect(new Set(claims.map(({ keySha256 }) => keySha256)).size).toBe(2);
  });

  it('carries a replay out as whoever asked for it, once for its letter', async () => {
    await gateway().answer(request({ authorization: ticket }));
    await gateway().answer(request({ authorization: ticket, sentAtMs: 1, place: { topic: 't', partition: 1, offset: '9' } }));
    expect(identities[1]?.commandId).toBe(identities[0]?.commandId);
    expect(claims[0]).toEqual(claims[1]);
    expect(await gateway().answer(request({ authorization: ticket, idempotencyKey: 'k2' }))).toMatchObject({ status: 401, problem: { code: 'token-invalid' } });
  });

  it.each([
    ['{', 'body-malformed'], ['[]', 'validation-failed'], ['{}', 'validation-failed'], ['{"commands":[]}', 'validation-failed'], ['{"path":"/organisations","token":"x"}', 'validation-failed'], ['{"__proto__":1}', 'body-malformed'],
  ])('tells what is no request: %s', async (text, reason) => {
    expect(await gateway().answer(request({ body: Buffer.from(text) }))).toEqual({ reason, detail: expect.any(String) });
  });

  it('tells a sender who is known that there is no such command, and nobody else', async () => {
    const unknown = request({ body: Buffer.from('{"name":"Nothing"}') });
    expect(await gateway().answer(unknown)).toMatchObject({ status: 404, problem: { code: 'unknown-command' } });
    expect(await gateway().answer({ ...unknown, authorization: 'Bearer bad' })).toMatchObject({ status: 401, problem: { code: 'token-invalid' } });
  });

  it('answers a refusal', async () => {
    failures.push(new CommandRejected('org-code-taken', 'taken'));
    expect(await gateway().answer(request())).toMatchObject({ status: 409, problem: { code: 'org-code-taken', instance: '/api/v1/organisations' } });
  });

  it('outlasts others who are first, but not a version that the sender named', async () => {
    failures.push(...Array.from({ length: 5 }, () => new ExpectedVersionConflict(streamId('organisation-x'), streamVersion(1), streamVersion(2))));
    expect(await gateway().answer(request())).toMatchObject({ status: 201 });
    failures.push(new CommandRejected('stream-version-conflict', 'the resource is at version 4'));
    expect(await gateway().answer(request())).toMatchObject({ status: 412 });
  });

  it('asks for another attempt where the store or the database is away, and tells a defect as it is', async () => {
    failures.push(new EventStoreError('append-outcome-unknown', 'broken off'));
    await expect(gateway().answer(request())).rejects.toMatchObject({ code: 'commands-unavailable' });
    const defect = new Error('a defect');
    failures.push(defect);
    await expect(gateway().answer(request())).rejects.toBe(defect);
    isAway = true;
    failures.push(defect);
    await expect(gateway().answer(request())).rejects.toMatchObject({ code: 'commands-unavailable', cause: defect });
  });
});
