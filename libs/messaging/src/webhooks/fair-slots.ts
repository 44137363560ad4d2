/** From this time of an attempt on its receiver counts as slow, until it answers faster again, ms. */
const slowFromMs = 2_000;

/** `go`: whether it goes as one of the slow. */
interface Waiting { readonly receiver: string; readonly go: (asSlow: boolean) => void }

/**
 * Who may send, of many that want to: at most half of the slots for one receiver, at most half for all that answered slowly the last time together, and then whoever has the fewest
 * under way, the longest waiting first. So neither one slow receiver with many subscriptions nor many slow ones hold up the others, while a lone one still gets half.
 */
export class FairSlots {
  readonly #half: number;
  #free: number;
  #slowUnderWay = 0;
  readonly #underWay = new Map<string, number>();
  readonly #slow = new Set<string>();
  readonly #waiting: Waiting[] = [];

  constructor(slots: number) {
    this.#free = slots;
    this.#half = Math.max(1, Math.floor(slots / 2));
  }

  /** Resolves, with what gives the slot back, once the receiver may be sent to. @throws what the signal aborts with, while it waits. */
  async take(receiver: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const waiting: Waiting = { receiver, go: resolve };
    const leave = (): void => {
      const at = this.#waiting.indexOf(waiting);
      if (at < 0) return;
      this.#waiting.splice(at, 1);
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', leave, { once: true });
    this.#waiting.push(waiting);
    this.#admit();
    const asSlow = await promise.finally(() => { signal.removeEventListener('abort', leave); });
    const began = performance.now();
    return () => { this.#give(receiver, { asSlow, isSlow: performance.now() - began >= slowFromMs }); };
  }

  #admit(): void {
    for (let next = this.#next(); next !== null; next = this.#next()) {
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#free -= 1;
      this.#underWay.set(next.receiver, this.#of(next.receiver) + 1);
      const asSlow = this.#slow.has(next.receiver);
      if (asSlow) this.#slowUnderWay += 1;
      next.go(asSlow);
    }
  }

  #next(): Waiting | null {
    if (this.#free === 0) return null;
    let best: Waiting | null = null;
    for (const one of this.#waiting) {
      const isFull = this.#of(one.receiver) >= this.#half || (this.#slow.has(one.receiver) && this.#slowUnderWay >= this.#half);
      if (!isFull && (best === null || this.#of(one.receiver) < this.#of(best.receiver))) best = one;
    }
    return best;
  }

  #give(receiver: string, { asSlow, isSlow }: { readonly asSlow: boolean; readonly isSlow: boolean }): void {
    this.#free += 1;
    if (asSlow) this.#slowUnderWay -= 1;
    const left = this.#of(receiver) - 1;
    if (left === 0) this.#underWay.delete(receiver);
    else this.#underWay.set(receiver, left);
    if (isSlow) this.#slow.add(receiver);
    else this.#slow.delete(receiver);
    this.#admit();
  }

  #of(receiver: string): number {
    return this.#underWay.get(receiver) ?? 0;
  }
}
