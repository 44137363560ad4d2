import { closedLoop, type LoopOptions, type LoopResult } from '../closed-loop.ts';
import { serve } from '../process.ts';
import { KeepAliveConnection, type Response } from './keep-alive.ts';

/** A server, and what it is asked in turn; the first requests are not measured. */
export interface Target { readonly url: string; readonly token: string; readonly paths: readonly string[]; readonly warmUp: number }

export interface DigestedAnswer { readonly ms: number; readonly digest: string }

const asked = async (connection: KeepAliveConnection, path: string): Promise<Response> => {
  const response = await connection.get(path);
  if (response.status < 200 || response.status > 299) throw new Error(`GET ${path} was answered ${response.status}: ${response.body.toString().slice(0, 500)}`);
  return response;
};

const methods = {
  /** One request at a time: one of the first target, one of the second, …, and again. Answers milliseconds by target. */
  alternate: async (targets: readonly Target[]): Promise<readonly Float64Array[]> => {
    const connections = await Promise.all(targets.map(({ url, token }) => KeepAliveConnection.open(url, token)));
    const latencies = targets.map(({ paths, warmUp }) => new Float64Array(Math.max(0, paths.length - warmUp)));
    const rounds = Math.max(...targets.map(({ paths }) => paths.length));
    for (let round = 0; round < rounds; round++) {
      for (const [i, { paths, warmUp }] of targets.entries()) {
        const [connection, path, samples] = [connections[i], paths[round], latencies[i]];
        if (connection === undefined || path === undefined || samples === undefined) continue;
        const began = performance.now();
        await asked(connection, path);
        if (round >= warmUp) samples[round - warmUp] = performance.now() - began;
      }
    }
    for (const connection of connections) connection.close();
    return latencies;
  },

  body: async ({ url, token, path }: { url: string; token: string; path: string }): Promise<string> => {
    const connection = await KeepAliveConnection.open(url, token);
    const { body } = await asked(connection, path);
    connection.close();
    return body.toString();
  },

  /** One request at a time: of each its milliseconds and the digest of its answer. */
  digests: async ({ url, token, paths }: { url: string; token: string; paths: readonly string[] }): Promise<readonly DigestedAnswer[]> => {
    const connection = await KeepAliveConnection.open(url, token);
    const answers: DigestedAnswer[] = [];
    for (const path of paths) {
      const began = performance.now();
      const { body } = await asked(connection, path);
      answers.push({ ms: performance.now() - began, digest: (JSON.parse(body.toString()) as { digest: string }).digest });
    }
    connection.close();
    return answers;
  },

  /** As many callers as connections, each with its turn of the paths. */
  load: async ({ url, token, paths, loop }: { url: string; token: string; paths: readonly string[]; loop: LoopOptions }): Promise<LoopResult> => {
    const connections = await Promise.all(Array.from({ length: loop.callers }, () => KeepAliveConnection.open(url, token)));
    let next = 0;
    const result = await closedLoop(async (caller) => {
      const connection = connections[caller];
      if (connection === undefined) throw new RangeError(`no connection ${caller}`);
      await asked(connection, paths[next++ % paths.length] ?? '/');
      return 1;
    }, loop);
    for (const connection of connections) connection.close();
    return result;
  },
};

export type ClientMethods = typeof methods;

serve(methods);
