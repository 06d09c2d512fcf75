/**
 * Fewer events than this at a look are few: two flushes of a producer that is left to itself. With fewer the next look
 * comes too early, and a step of a `for await` that has to wait costs 300 bytes of garbage.
 */
const FEW = 512;
/** More are plenty, and the wait can be shorter. */
const PLENTY = 2048;
/** So few that a wait which brought no more than this was in vain, unless it brought more than the one before. */
const IN_VAIN = 8;
/**
 * The shortest and the longest wait, in loads of a word, which take 5 to 7 ns each: what an event waits at most because
 * of this is about 2 us. Not by a clock: each time that is told is garbage, and to tell it takes 100 ns.
 */
const LEAST = 20;
const MOST = 320;

/**
 * @internal Lets batches grow: a consumer right behind its producer takes the cursor's cache line from it at every look,
 * so one that finds few events lets some time pass before the next look. `crates/ring/src/typed/gather.rs` tells more.
 */
export class Gather {
  readonly #few: number;
  readonly #plenty: number;
  /** A word that only this thread writes. */
  readonly #own = new Int32Array(1);
  #loads = 0;
  #last = 0;

  /** For a ring of so many slots: of a small one an eighth is enough, so that its producer is not held up. */
  constructor(capacity: number) {
    this.#few = Math.min(FEW, capacity >> 3);
    this.#plenty = Math.min(PLENTY, capacity >> 1);
  }

  /** The next look is due: waits if it had better be later. */
  wait(): void {
    for (let loads = this.#loads; loads > 0; loads--) Atomics.load(this.#own, 0);
  }

  /** A look found `n` events. */
  found(n: number): void {
    if (n <= 0) {
      this.#loads >>= 2;
      return;
    }
    const inVain = n < IN_VAIN && n <= this.#last && this.#loads >= LEAST;
    this.#last = n;
    if (inVain) this.#loads = 0;
    else if (n < this.#few) this.#loads = Math.min(Math.max(this.#loads * 2, LEAST), MOST);
    else if (n > this.#plenty) this.#loads >>= 1;
  }
}
