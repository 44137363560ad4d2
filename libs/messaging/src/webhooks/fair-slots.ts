/** From this time of an attempt on its receiver counts as slow, until it answers faster again, ms. */
const slowFromMs = 2_000;

/** `go`: whether it goes as one of the slow. `asked`: which in the order of asking. */
interface Waiting { readonly asked: number; readonly go: (asSlow: boolean) => void }

interface Receiver {
  readonly name: string;
  /** In the order of asking. */
  readonly waiting: Set<Waiting>;
  underWay: number;
  isSlow: boolean;
  /** Where it waits for its turn; null where nobody waits for it, or it has its half. */
  turns: Set<Receiver> | null;
}

const firstOf = <T>(set: ReadonlySet<T> | undefined): T | undefined => set?.values().next().value;

/**
 * Who may send, of many that want to: at most half of the slots for one receiver, at most half for all that answered slowly the last time together, and then whoever has the fewest
 * under way; those that have as many take turns. So neither one slow receiver with many subscriptions nor many slow ones hold up the others, while a lone one still gets half.
 * What a slot costs grows with the slots, not with those who wait.
 */
export class FairSlots {
  readonly #half: number;
  #free: number;
  #slowUnderWay = 0;
  #asked = 0;
  /** Those that wait, are sent to, or are slow. */
  readonly #receivers = new Map<string, Receiver>();
  /** By how many are under way to them. */
  readonly #prompt: readonly Set<Receiver>[];
  readonly #slow: readonly Set<Receiver>[];

  constructor(slots: number) {
    this.#free = slots;
    this.#half = Math.max(1, Math.floor(slots / 2));
    const turns = (): readonly Set<Receiver>[] => Array.from({ length: this.#half }, () => new Set<Receiver>());
    [this.#prompt, this.#slow] = [turns(), turns()];
  }

  /** Resolves, with what gives the slot back, once the receiver may be sent to. @throws what the signal aborts with, while it waits. */
  async take(name: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const waiting: Waiting = { asked: this.#asked++, go: resolve };
    const receiver = this.#receiverOf(name);
    const leave = (): void => {
      if (!receiver.waiting.delete(waiting)) return;
      if (receiver.waiting.size === 0) this.#place(receiver);
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', leave, { once: true });
    receiver.waiting.add(waiting);
    if (receiver.waiting.size === 1) this.#place(receiver);
    this.#admit();
    const asSlow = await promise.finally(() => { signal.removeEventListener('abort', leave); });
    const began = performance.now();
    return () => { this.#give(receiver, { asSlow, isSlow: performance.now() - began >= slowFromMs }); };
  }

  #receiverOf(name: string): Receiver {
    const known = this.#receivers.get(name);
    if (known !== undefined) return known;
    const receiver: Receiver = { name, waiting: new Set(), underWay: 0, isSlow: false, turns: null };
    this.#receivers.set(name, receiver);
    return receiver;
  }

  /** At the end of those that have as many under way; nothing is kept of one that nobody asks for and that is prompt. */
  #place(receiver: Receiver): void {
    receiver.turns?.delete(receiver);
    const turns = receiver.isSlow ? this.#slow : this.#prompt;
    receiver.turns = receiver.waiting.size === 0 ? null : turns[receiver.underWay]?.add(receiver) ?? null;
    if (receiver.waiting.size === 0 && receiver.underWay === 0 && !receiver.isSlow) this.#receivers.delete(receiver.name);
  }

  #admit(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const waiting = firstOf(next.waiting);
      if (waiting === undefined) return;
      next.waiting.delete(waiting);
      next.underWay += 1;
      this.#free -= 1;
      if (next.isSlow) this.#slowUnderWay += 1;
      this.#place(next);
      waiting.go(next.isSlow);
    }
  }

  #next(): Receiver | undefined {
    if (this.#free === 0) return undefined;
    for (const [underWay, turns] of this.#prompt.entries()) {
      const prompt = firstOf(turns);
      const slow = this.#slowUnderWay >= this.#half ? undefined : firstOf(this.#slow[underWay]);
      if (prompt === undefined || slow === undefined) {
        if (prompt !== undefined || slow !== undefined) return prompt ?? slow;
      } else return (firstOf(slow.waiting)?.asked ?? 0) < (firstOf(prompt.waiting)?.asked ?? 0) ? slow : prompt;
    }
    return undefined;
  }

  #give(receiver: Receiver, { asSlow, isSlow }: { readonly asSlow: boolean; readonly isSlow: boolean }): void {
    this.#free += 1;
    if (asSlow) this.#slowUnderWay -= 1;
    receiver.underWay -= 1;
    receiver.isSlow = isSlow;
    this.#place(receiver);
    this.#admit();
  }
}
