const pauseMs = 15_000;

export const durationText = (seconds: number): string => (seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`);

/** Tells now and then how far a long piece of work has come, and what is left of it at that pace. */
export class Progress {
  readonly #what: string;
  readonly #began = performance.now();
  #told = performance.now();

  constructor(what: string) {
    this.#what = what;
  }

  at(done: number, of: number): void {
    const now = performance.now();
    if (now - this.#told < pauseMs || done === 0) return;
    this.#told = now;
    const leftSeconds = ((now - this.#began) / 1_000) * (of - done) / done;
    process.stdout.write(`  … ${this.#what}: ${done.toLocaleString('en')} of ${of.toLocaleString('en')}, about ${durationText(leftSeconds)} left\n`);
  }
}
