import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serverEvents, type ServerEvent } from './event-stream.ts';

/** Where the server is and with which token to speak to it. */
export interface Connection {
  readonly server: string;
  readonly token: string;
}

/** Where the request or the ledger is wrong. */
export interface ProblemPlace {
  readonly line?: number;
  readonly key?: string;
  readonly pointer?: string;
  readonly parameter?: string;
  readonly header?: string;
  readonly code?: string;
  readonly detail: string;
}

/** An RFC 9457 problem as the server answers it. */
export interface Problem {
  readonly title: string;
  readonly titleZh?: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly correlationId?: string;
  readonly errors?: readonly ProblemPlace[];
  readonly events?: readonly { readonly type: string; readonly eventId: string; readonly stream?: string }[];
}

/** The server refused the request. */
export class ProblemAnswer extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(`${problem.code}: ${problem.detail}`);
    this.name = 'ProblemAnswer';
    this.problem = problem;
  }
}

/** The command line cannot do what it was asked, before or beside any answer of the server. */
export class UsageError extends Error {
  readonly messageZh: string;

  constructor(message: string, messageZh: string) {
    super(message);
    this.name = 'UsageError';
    this.messageZh = messageZh;
  }
}

export type Query = Readonly<Record<string, string | undefined>>;

const ledgerMediaType = 'application/x-ndjson';

const isProblem = (value: unknown): value is Problem => typeof value === 'object' && value !== null && 'code' in value && 'title' in value;

/** The token of the option or the environment, else the administrator's that the first start wrote into the data directory. */
export const findToken = async (given: string | undefined, dataDir: string): Promise<string> => {
  if (given !== undefined) return given;
  const file = join(dataDir, 'admin-token');
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(
      `no token: ${file} cannot be read (${why}). Potential solutions: start the server once, name its directory with --data-dir, or give --token or RECTRAIL_TOKEN`,
      `没有令牌：无法读取 ${file}（${why}）。可先启动一次服务，或用 --data-dir 指明其数据目录，或用 --token、RECTRAIL_TOKEN 提供令牌`,
    );
  }
};

/** Speaks to `/api/v1` of a server. Every answer that is no success becomes a `ProblemAnswer`. */
export class ApiClient {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async get<T>(path: string, query: Query = {}): Promise<T> {
    return ApiClient.#answer<T>(await this.#send('GET', path, query));
  }

  /** An answer that is no JSON. */
  async bytes(path: string, query: Query = {}): Promise<Buffer> {
    const response = await this.#send('GET', path, query);
    if (!response.ok) await ApiClient.#answer(response);
    return Buffer.from(await response.arrayBuffer());
  }

  async text(path: string, query: Query = {}): Promise<string> {
    return (await this.bytes(path, query)).toString('utf8');
  }

  /** `ifMatch`: the version of the resource's stream that was seen. */
  async post<T>(path: string, body: unknown, query: Query = {}, ifMatch: number | null = null): Promise<T> {
    const headers = { 'Content-Type': 'application/json', ...(ifMatch !== null && { 'If-Match': `"${ifMatch}"` }) };
    return ApiClient.#answer<T>(await this.#send('POST', path, query, { body: JSON.stringify(body), headers }));
  }

  async delete<T>(path: string, query: Query = {}): Promise<T> {
    return ApiClient.#answer<T>(await this.#send('DELETE', path, query));
  }

  /** Sends a ledger and reads lines until the last one, which holds the result or the problem. */
  async importLedger<T, P>(ledger: Uint8Array<ArrayBuffer>, query: Query, onProgress: (progress: P) => void): Promise<T> {
    const response = await this.#send('POST', '/imports', query, { body: ledger, headers: { 'Content-Type': ledgerMediaType, 'Accept': ledgerMediaType } });
    if (!response.ok || response.body === null) return ApiClient.#answer<T>(response);
    let rest = '';
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines.filter((one) => one !== '')) {
        // The server's own lines: {progress}, {result} or {problem}.
        const message = JSON.parse(line) as { readonly progress?: P; readonly result?: T; readonly problem?: Problem };
        if (message.progress !== undefined) onProgress(message.progress);
        if (message.problem !== undefined) throw new ProblemAnswer(message.problem);
        if (message.result !== undefined) return message.result;
      }
    }
    throw new UsageError(
      'the server broke off without a result. Potential solutions: rectrail imports says whether the import was stored', '服务端中断，没有返回结果。可用 rectrail imports 查看是否已导入',
    );
  }

  /** Server-sent events as they come, those behind the one with the id `after`; an `end` where nothing follows it. @throws ProblemAnswer for an event `problem`. */
  async* events(path: string, query: Query, after: string | null): AsyncGenerator<ServerEvent> {
    const response = await this.#send('GET', path, query, { headers: { Accept: 'text/event-stream', ...(after !== null && { 'Last-Event-ID': after }) } });
    if (response.status === 204) {
      yield { id: null, name: 'end', data: { reason: 'complete' } };
      return;
    }
    if (!response.ok || response.body === null) {
      await ApiClient.#answer(response);
      return;
    }
    for await (const event of serverEvents(response.body.pipeThrough(new TextDecoderStream()))) {
      // The server's own events; this client is released together with it.
      if (event.name === 'problem') throw new ProblemAnswer(event.data as Problem);
      yield event;
    }
  }

  async #send(method: string, path: string, query: Query, init: RequestInit = {}): Promise<Response> {
    const url = this.#url(path);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
    const headers = { ...(init.headers as Record<string, string> | undefined), Authorization: `Bearer ${this.#connection.token}` };
    try {
      return await fetch(url, { ...init, method, headers });
    } catch (cause) {
      const { server } = this.#connection;
      throw new UsageError(
        `no server answers at ${server} (${reasonOf(cause)}). Potential solutions: rectrail serve, or give --server or RECTRAIL_URL`,
        `${server} 没有服务应答（${reasonOf(cause)}）。可运行 rectrail serve，或用 --server、RECTRAIL_URL 指明地址`,
      );
    }
  }

  #url(path: string): URL {
    const { server } = this.#connection;
    if (!/^https?:/.test(server) || !URL.canParse(server)) throw new UsageError(`--server is an address like http://127.0.0.1:3000, not ${server}`, `--server 应为 http://127.0.0.1:3000 这样的地址，而不是 ${server}`);
    return new URL(`/api/v1${path}`, server);
  }

  static async #answer<T>(response: Response): Promise<T> {
    const text = await response.text();
    const body = ApiClient.#parsed(text);
    // The server's OpenAPI document describes each answer; this client is released together with it.
    if (response.ok) return body as T;
    if (isProblem(body)) throw new ProblemAnswer(body);
    throw new UsageError(`the server answered ${response.status} ${response.statusText} and no problem: is it Rectrail?`, `服务端应答 ${response.status} ${response.statusText}，却未说明问题：它是 Rectrail 吗？`);
  }

  static #parsed(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      // No JSON: whoever asks tells what that means.
      return null;
    }
  }
}

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
};
