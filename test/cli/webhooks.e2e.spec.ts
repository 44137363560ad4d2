// Goal: an operator does with `rectrail webhooks` what docs/how-to/webhooks.md says, in both languages.
// Method: the built binary as a process of its own, against a server whose webhooks go to a receiver of this spec.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isValidV1, startWebhookReceiver, type WebhookReceiver } from '@rectrail/messaging/testing';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startTestServer, type TestServer } from '../support/api.ts';

const binary = join(import.meta.dirname, '../../apps/cli/bin/rectrail.mjs');
let server: TestServer;
let receiver: WebhookReceiver;

beforeAll(async () => {
  server = await startTestServer({ RECTRAIL_WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8' });
  receiver = await startWebhookReceiver();
  await server.post('/organisations', { code: 'JT', name: '某市交通运输局', level: 'bureau', parent: null });
});
afterAll(async () => {
  await server.close();
  await receiver.close();
});

const webhooks = async (...args: readonly string[]): Promise<string> => {
  const { stdout } = await promisify(execFile)(process.execPath, [binary, '--lang', 'en', 'webhooks', ...args], { env: { ...process.env, NODE_OPTIONS: '', RECTRAIL_URL: server.url, RECTRAIL_TOKEN: server.token } });
  return stdout.trimEnd();
};
const until = async (holds: () => boolean): Promise<void> => { while (!holds()) await sleep(20); };

describe('rectrail webhooks', () => {
  it('makes a subscription, shows its secret once, and what became of each message', async () => {
    expect(await webhooks('list')).toBe('there are no subscriptions');
    const shown = await webhooks('create', '--endpoint', `${receiver.url}/hook`, '--audience', 'internal', '--noun', 'organisations,plans', '--after', '0');
    const [, id = ''] = /^id: (\S+)$/m.exec(shown) ?? [];
    expect(shown).toContain('selects: internal facts too; organisations,plans');
    const [, secret = ''] = /^v1: (whsec_\S+)$/m.exec(await webhooks('reveal-secret', id)) ?? [];
    await expect(webhooks('reveal-secret', id)).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('shown') as unknown });
    await until(() => receiver.received.length === 1);
    expect(isValidV1(receiver.received[0]!, secret)).toBe(true);
    const { sequence } = receiver.received[0]!.event;
    expect(await webhooks('ping', id)).toMatch(/rectrail\.webhook\.ping\.v1 \(test\) +1 +delivered +204/);
    while (!/organisation\.registered\.v1 +1 +delivered/.test(await webhooks('deliveries', id))) await sleep(50);
    expect(await webhooks('redeliver', id, '--position', String(Number(sequence)))).toContain('(by hand)');
    expect(await webhooks('replay', id, '--from', '0')).toContain('state: active');
    await until(() => receiver.received.filter(({ event }) => event.sequence === sequence).length === 3);
    expect(await webhooks('pause', id)).toContain('state: paused');
    expect(await webhooks('resume', id)).toContain('state: active');
    expect((await webhooks('rotate', id)).match(/whpk_/g)).toHaveLength(2);
    expect(await webhooks('show', id, '--lang', 'zh')).toMatch(/推送地址：http.*\n.*推送中/);
    expect(await webhooks('list')).toContain(id);
    expect(await webhooks('delete', id)).toBe(id);
    expect(JSON.parse(await webhooks('list', '--json'))).toEqual([]);
  });

  it('takes no position that is none', async () => {
    await expect(webhooks('replay', 'x', '--from', '-1')).rejects.toMatchObject({ code: 2 });
  });
});
