import { fork, type ChildProcess } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a process of the bench can be asked to do, by name; each takes at most one argument, which can be cloned as can what it answers. */
export type Methods = Readonly<Record<string, (argument: never) => unknown>>;

interface Question { readonly name: string; readonly argument: unknown }
type Answer = { readonly ok: true; readonly result: unknown } | { readonly ok: false; readonly error: string };

/** Milliseconds since 1970 with their fractions, by which processes of one machine are compared. */
export const wallMs = (): number => performance.timeOrigin + performance.now();

const running = new Set<ChildProcess>();

/** Ends all of them: what was being measured fails, and what it began is tidied up. */
export const killProcesses = (): void => { for (const child of running) child.kill('SIGKILL'); };

export const killedWithBench = (child: ChildProcess): ChildProcess => {
  running.add(child);
  return child.once('exit', () => { running.delete(child); });
};

/** Part of the bench in a process of its own, which does one thing at a time. */
export class BenchProcess<M extends Methods> {
  readonly #child: ChildProcess;

  /** `module`: the file that calls `serve`, seen from here, without its extension: compiled as this one is, or run as TypeScript with it. `options` are of Node. */
  constructor(module: string, options: readonly string[] = []) {
    this.#child = killedWithBench(fork(fileURLToPath(new URL(`./${module}${extname(import.meta.url)}`, import.meta.url)), { serialization: 'advanced', execArgv: [...process.execArgv, ...options] }));
  }

  ask<N extends keyof M & string>(name: N, ...[argument]: Parameters<M[N]>): Promise<Awaited<ReturnType<M[N]>>> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const gone = (): void => { reject(new Error(`a process of the bench ended before it answered "${name}"`)); };
      if (!child.connected) { gone(); return; }
      child.once('exit', gone);
      child.once('message', (answer: Answer) => {
        child.off('exit', gone);
        // What `serve` answers to this name.
        if (answer.ok) resolve(answer.result as Awaited<ReturnType<M[N]>>);
        else reject(new Error(answer.error));
      });
      child.send({ name, argument } satisfies Question);
    });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** The other side: called once by a module that is run as a process. */
export const serve = (methods: Methods): void => {
  const answer = (reply: Answer): void => { process.send?.(reply); };
  const carryOut = ({ name, argument }: Question): unknown => {
    const method = methods[name];
    if (method === undefined) throw new Error(`nobody here can "${name}"`);
    return method(argument as never);
  };
  process.on('message', (question: Question) => {
    new Promise((resolve) => { resolve(carryOut(question)); }).then(
      (result) => { answer({ ok: true, result }); },
      (error: unknown) => { answer({ ok: false, error: error instanceof Error ? error.stack ?? error.message : String(error) }); },
    );
  });
  process.on('disconnect', () => { process.exit(); });
};
