import type { ProblemPlace } from '@rectrail/platform';
import type { FastifyRequest } from 'fastify';

const has = (value: unknown, name: string): boolean => typeof value === 'object' && value !== null && Object.hasOwn(value, name);

/** Parameters of which a code may speak, where the request has them. */
const parametersOf = (code: string): readonly string[] => {
  if (code === 'position-unknown' || code === 'projection-behind') return ['atPosition', 'atLeast'];
  if (code.startsWith('cursor-')) return ['cursor'];
  if (code === 'unknown-tree') return ['tree'];
  return code.startsWith('unknown-') || code === 'outside-jurisdiction' || code === 'import-undone' ? ['org', 'policy'] : [];
};

/**
 * Where a refusal lies whose layer does not know the request: reads and the rules see an id, not that it stood in the path. Empty
 * where no part of the request is to blame, but the state of things.
 */
export const placesIn = (request: FastifyRequest, code: string, status: number, detail: string): readonly ProblemPlace[] => {
  // Who calls is what is wrong.
  if (status === 401 || code === 'administrator-only' || code === 'verifier-is-reporter') return [{ header: 'Authorization', detail }];
  if (status === 413) return [{ pointer: '', detail }];
  // What is asked for by the path goes before what narrows it.
  const inPath = (status === 404 || status === 403 || code === 'import-undone') && code !== 'route-not-found' && has(request.params, 'id');
  if (inPath) return [{ parameter: 'id', detail }];
  return parametersOf(code).filter((parameter) => has(request.query, parameter)).map((parameter) => ({ parameter, detail }));
};
