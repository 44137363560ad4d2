import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer, type RunningServer } from '@rectrail/server';
import { readConfiguration } from '@rectrail/platform';
import { createTestDatabase } from '@rectrail/platform/testing';

/** Answers are read as a foreign client reads them: untyped JSON. */
export type Json = any;

export interface Reply { readonly status: number; readonly headers: Headers; readonly body: Json }

export interface TestServer {
  /** Another one after a restart. */
  readonly url: string;
  readonly databaseUrl: string;
  readonly token: string;
  /** `path` below /api/v1; a body is sent as JSON, a string as it is. */
  call(method: string, path: string, options?: { body?: unknown; headers?: Record<string, string>; token?: string | null }): Promise<Reply>;
  get(path: string, token?: string): Promise<Json>;
  post(path: string, body: unknown, token?: string): Promise<Json>;
  importLedger(name: string, query?: string): Promise<Json>;
  makeToken(org: string | null, role: string, subject: string): Promise<string>;
  /** Stops the server and starts it anew on the same database. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

const expectOk = (reply: Reply, what: string): Json => {
  if (reply.status >= 300) throw new Error(`${what}: ${reply.status} ${JSON.stringify(reply.body)}`);
  return reply.body;
};

/** A whole server on a database of its own, called over real HTTP. */
export const startTestServer = async (settings: Record<string, string> = {}): Promise<TestServer> => {
  const database = await createTestDatabase();
  const dataDir = await mkdtemp(join(tmpdir(), 'rectrail-e2e-'));
  const start = (): Promise<RunningServer> =>
    startServer(readConfiguration({ DATABASE_URL: database.url, RECTRAIL_DATA_DIR: dataDir, RECTRAIL_PORT: '0', RECTRAIL_LOG_LEVEL: 'silent', ...settings }));
  let server = await start();
  const admin = server.adminTokenFile === null ? '' : (await readFile(server.adminTokenFile, 'utf8')).trim();

  const call: TestServer['call'] = async (method, path, options = {}) => {
    const token = options.token === undefined ? admin : options.token;
    const text = typeof options.body === 'string' || options.body === undefined ? options.body : JSON.stringify(options.body);
    const reply = await fetch(`${server.url}${/^\/(health|openapi|asyncapi|problems|schemas)/.test(path) || (path === '/metrics' && method === 'GET') ? '' : '/api/v1'}${path}`, {
      method,
      headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...(text === undefined ? {} : { 'content-type': 'application/json' }), ...options.headers },
      ...(text === undefined ? {} : { body: text }),
    });
    const raw = await reply.text();
    const isJson = (reply.headers.get('content-type') ?? '').includes('json') && !(reply.headers.get('content-type') ?? '').includes('ndjson');
    return { status: reply.status, headers: reply.headers, body: isJson && raw !== '' ? (JSON.parse(raw)) : raw };
  };

  return {
    get url() { return server.url; },
    databaseUrl: database.url,
    token: admin,
    call,
    get: async (path, token) => expectOk(await call('GET', path, token === undefined ? {} : { token }), `GET ${path}`),
    post: async (path, body, token) => expectOk(await call('POST', path, token === undefined ? { body } : { body, token }), `POST ${path}`),
    importLedger: async (name, query = '') => {
      const body = await readFile(join(import.meta.dirname, '../../samples', name), 'utf8');
      return expectOk(await call('POST', `/imports${query}`, { body, headers: { 'content-type': 'application/x-ndjson' } }), `import of ${name}`);
    },
    makeToken: async (org, role, subject) => String((expectOk(await call('POST', '/tokens', { body: { ...(org === null ? {} : { org }), role, subject } }), 'token')).token),
    restart: async () => {
      await server.close();
      server = await start();
    },
    close: async () => {
      await server.close();
      await database.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
};
