// Goal: what leaves a server besides its answers, its log and its traces, holds no name, no text of a user, no token and no value of a statement; a trace goes from the request
// into the event. Method: a whole server on its embedded PostgreSQL, everything logged, driven rightly and wrongly with marked words; then the words are looked for.
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { createLogger, readConfiguration } from '@rectrail/platform';
import { startServer, type RunningServer } from '@rectrail/server';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Json } from '../support/api.ts';
import { startTraceCollector, type TraceCollector } from '../support/trace-collector.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
/** A different one for each place, so that a finding says where it came from. */
const mark = (place: string): string => `标记-${place}-王小明`;
const phone = '13912345678';

describe('a server that is looked at', () => {
  const lines: string[] = [];
  const secrets = new Set<string>([phone]);
  let dataDir: string;
  let server: RunningServer;
  let collector: TraceCollector;
  let admin: string;

  const marked = (place: string): string => {
    secrets.add(mark(place));
    return mark(place);
  };
  interface Called { readonly body?: unknown; readonly headers?: Record<string, string>; readonly token?: string }
  const call = async (method: string, path: string, { body, headers = {}, token = admin }: Called = {}): Promise<Json> => {
    const answer = await fetch(`${server.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: answer.headers.get('content-type')?.includes('json') === true ? JSON.parse(text) : text };
  };

  beforeAll(async () => {
    collector = await startTraceCollector();
    dataDir = await mkdtemp(join(tmpdir(), 'rectrail-observed-'));
    // As root the embedded PostgreSQL runs as another user.
    await chmod(dataDir, 0o755);
    const stream = new Writable({ write: (chunk: Buffer, _encoding, done) => { lines.push(chunk.toString()); done(); } });
    server = await startServer(readConfiguration({ RECTRAIL_DATA_DIR: dataDir, RECTRAIL_PORT: '0', RECTRAIL_TRACES_URL: collector.url }), createLogger({ level: 'trace', stream }));
    admin = (await readFile(server.adminTokenFile ?? '', 'utf8')).trim();
    secrets.add(admin.split('_').slice(2).join('_'));
    secrets.add((await readFile(join(dataDir, 'postgres-password'), 'utf8')).trim());
  });
  afterAll(async () => {
    collector.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  it('is driven rightly and wrongly', async () => {
    const organisation = (code: string, name: string): object => ({ code, name, level: 'bureau', parent: null });
    const made = await call('POST', '/api/v1/organisations', {
      body: organisation('OB-1', marked('name')),
      headers: { 'idempotency-key': marked('key').replaceAll(/[^\x20-\x7e]/g, 'x'), 'traceparent': `00-${traceId}-00f067aa0ba902b7-01` },
    });
    expect([made.status, made.headers.get('x-correlation-id')]).toEqual([201, traceId]);
    const issued = await call('POST', '/api/v1/tokens', { body: { org: 'OB-1', role: 'leader', subject: marked('subject') } });
    secrets.add(String(issued.body.token).split('_').slice(2).join('_'));
    const wrong = [
      await call('POST', '/api/v1/organisations', { body: `{"name": ${marked('no-json')}` }),
      await call('POST', '/api/v1/organisations', { body: organisation('OB-2', `${marked('phone')} ${phone}`) }),
      await call('POST', '/api/v1/organisations', { body: { ...organisation('OB-3', '某局'), [marked('field')]: 1 } }),
      await call('POST', '/api/v1/organisations', { body: organisation('OB-1', marked('again')), token: String(issued.body.token) }),
      await call('POST', '/api/v1/organisations', { body: {}, token: `rct_${'0'.repeat(24)}_${'S'.repeat(43)}` }),
      await call('GET', `/api/v1/${encodeURIComponent(marked('path'))}`),
      await call('GET', `/api/v1/issues?q=${encodeURIComponent(marked('query'))}&limit=x`),
      await call('GET', `/api/v1/issues/${encodeURIComponent(marked('id'))}`),
      await call('GET', `/api/v1/issues?cursor=${encodeURIComponent(marked('cursor'))}`),
      await call('POST', '/api/v1/imports', { body: `{"kind":"report","title":"${marked('ledger')}"}\n`, headers: { 'content-type': 'application/x-ndjson' } }),
    ];
    expect(wrong.map(({ status }) => Number(status)).filter((status) => status < 400 || status >= 500)).toEqual([]);
    expect((await call('GET', '/api/v1/organisations', { headers: { 'x-correlation-id': phone } })).headers.get('x-correlation-id')).not.toBe(phone);
    expect((await call('GET', `/api/v1/issues?q=${encodeURIComponent(marked('search'))}`)).status).toBe(200);

    const messages: readonly Json[] = (await call('GET', '/api/v1/feed?noun=organisations')).body.messages;
    expect(messages.filter(({ correlationid }) => correlationid === traceId)).toHaveLength(1);
  });

  it('tells none of it in its log and its traces, in which the trace is whole', async () => {
    // Spans leave in batches; a stop sends what is left.
    await server.close();
    const log = lines.join('');
    expect(log).toContain('"route":"/api/v1/organisations"');
    for (const secret of secrets) expect([secret, lines.find((line) => line.includes(secret))]).toEqual([secret, undefined]);
    for (const secret of secrets) expect([secret, collector.text().includes(secret)]).toEqual([secret, false]);
    expect(collector.chainOf(traceId, 'append')).toEqual(['append', 'RegisterOrganisation', 'POST /api/v1/organisations']);
  });
});
