import { createPublicKey, verify } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { CloudEvent } from '../cloud-event.ts';

export interface ReceivedWebhook {
  readonly id: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly event: CloudEvent;
}

/** What a receiver answers; `cut`: it closes the connection without a word. */
export type ReceiverAnswer = number | 'cut' | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string };

export interface WebhookReceiver {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** Everything that came, whatever was answered. */
  readonly received: readonly ReceivedWebhook[];
  /** How it answers from now on; at first 204. */
  answer: (received: ReceivedWebhook) => ReceiverAnswer | Promise<ReceiverAnswer>;
  close(): Promise<void>;
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
};

const answerWith = (response: ServerResponse, answer: ReceiverAnswer): void => {
  if (answer === 'cut') response.destroy();
  else if (typeof answer === 'number') response.writeHead(answer).end();
  else response.writeHead(answer.status, answer.headers).end(answer.body);
};

/** A receiver over real HTTP, on a port of its own. */
export const startWebhookReceiver = async (): Promise<WebhookReceiver> => {
  const received: ReceivedWebhook[] = [];
  const server = createServer((request, response) => {
    const take = async (): Promise<void> => {
      const body = await bodyOf(request);
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      // What is no JSON fails the test that sent it.
      const webhook = { id: headers['webhook-id'] ?? '', path: request.url ?? '', headers, body, event: JSON.parse(body) as CloudEvent };
      received.push(webhook);
      answerWith(response, await receiver.answer(webhook));
    };
    take().catch(() => { response.destroy(); });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const receiver: WebhookReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer: () => 204,
    close: () => new Promise((resolve) => {
      server.close(() => { resolve(); });
      server.closeAllConnections();
    }),
  };
  return receiver;
};

/** Of an Ed25519 public key in SPKI, before its 32 bytes (RFC 8410). */
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');

/** How many of the Ed25519 signatures hold, by nothing but the specification. */
export const validV1a = ({ headers, body }: Pick<ReceivedWebhook, 'headers' | 'body'>, publicKey: string): number => {
  const key = createPublicKey({ key: Buffer.concat([spkiPrefix, Buffer.from(publicKey.replace('whpk_', ''), 'base64')]), format: 'der', type: 'spki' });
  const signed = Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`);
  return (headers['webhook-signature'] ?? '').split(' ').map((one) => one.split(',')).filter(([version, signature = '']) => version === 'v1a' && verify(null, signed, key, Buffer.from(signature, 'base64'))).length;
};

/** Whether the library of Standard Webhooks takes it as signed by this secret. */
export const isValidV1 = ({ headers, body }: Pick<ReceivedWebhook, 'headers' | 'body'>, secret: string): boolean => {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
};
