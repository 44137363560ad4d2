import type { FastifyInstance } from 'fastify';
import { HttpProblem } from './http-problem.ts';

export const jsonMediaType = 'application/json';
export const ledgerMediaType = 'application/x-ndjson';
/** Lines of JSON have no registered media type; these three names for them are in use. */
export const ledgerMediaTypes: readonly string[] = [ledgerMediaType, 'application/ndjson', 'application/jsonl'];

/** Line and column (from 1) of an offset in a text. */
const placeOf = (text: string, offset: number): string => {
  const before = text.slice(0, offset).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
};

/** V8 names the offset for most faults; where it does not, the text ends too soon. */
const faultOf = (text: string, error: SyntaxError): string => {
  const offset = /at position (\d+)/.exec(error.message)?.[1];
  return offset === undefined ? `no JSON: ${error.message.split('"')[0]?.trim() ?? 'syntax error'}` : `no JSON at ${placeOf(text, Number(offset))}`;
};

/** Deeper than any body of ours, and shallow enough for every walk over it. */
const nestingMax = 64;

interface Fault { readonly pointer: string; readonly detail: string }

/** What a JSON text may hold and we cannot keep: RFC 7493 (I-JSON), and the key `__proto__`, which no field of ours has. */
const faultIn = (value: unknown, pointer: string, depth: number): Fault | null => {
  if (typeof value === 'string') return value.isWellFormed() ? null : { pointer, detail: 'half a surrogate pair' };
  if (typeof value === 'number') return Number.isFinite(value) ? null : { pointer, detail: 'a number that is too large' };
  if (typeof value !== 'object' || value === null) return null;
  if (depth === nestingMax) return { pointer, detail: `nested more than ${nestingMax} deep` };
  for (const [key, inner] of Object.entries(value)) {
    if (key === '__proto__') return { pointer, detail: 'the key "__proto__"' };
    if (!key.isWellFormed()) return { pointer, detail: 'half a surrogate pair in a key' };
    const fault = faultIn(inner, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, depth + 1);
    if (fault !== null) return fault;
  }
  return null;
};

/** @throws HttpProblem `body-malformed` with the place. An empty body is an empty object. */
export const parseJson = (bytes: Buffer): unknown => {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new HttpProblem('body-malformed', 'the body is not UTF-8', { errors: [{ pointer: '', detail: 'not UTF-8' }] });
  }
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const detail = error instanceof SyntaxError ? faultOf(text, error) : 'no JSON';
    throw new HttpProblem('body-malformed', `the body is ${detail}`, { errors: [{ pointer: '', detail }] });
  }
  const fault = faultIn(value, '', 0);
  if (fault !== null) throw new HttpProblem('body-malformed', `the body holds ${fault.detail}`, { errors: [fault] });
  return value;
};

/** JSON for commands, lines of JSON for imports, each within its own limit; every other media type is refused (415). */
export const registerBodyParsers = (fastify: FastifyInstance, limits: { readonly commandBodyBytesMax: number; readonly importBodyBytesMax: number }): void => {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(jsonMediaType, { parseAs: 'buffer', bodyLimit: limits.commandBodyBytesMax }, (_request, body: Buffer, done) => {
    try {
      done(null, parseJson(body));
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  });
  // A ledger is read by its importer, line by line, so that a fault is reported with its line.
  fastify.addContentTypeParser([...ledgerMediaTypes], { parseAs: 'buffer', bodyLimit: limits.importBodyBytesMax }, (_request, body: Buffer, done) => {
    done(null, body);
  });
};
