/** Fewer events than this at a look are few: the journey of a cache line takes as long as writing about as many. */
const FEW = 128;
/** More are plenty, and the wait can be shorter. */
const PLENTY = 512;
/** So few that a wait which brought no more than this was in vain, unless it brought more than the one before. */
const IN_VAIN = 8;
/** The shortest and the longest wait, in milliseconds: what an event waits at most because of this is 1.6 us. */
const LEAST = 0.0001;
const MOST = 0.0016;

/**
 * @internal Lets batches grow: a consumer right behind its producer takes the cursor's cache line from it at every look,
 * so one that finds few events lets some time pass before the next look. `crates/ring/src/typed/gather.rs` tells more.
 */
export class Gather {
  readonly #few: number;
  readonly #plenty: number;
  #time = 0;
  #last = 0;

  /** For a ring of so many slots: of a small one an eighth is enough, so that its producer is not held up. */
  constructor(capacity: number) {
    this.#few = Math.min(FEW, capacity >> 3);
    this.#plenty = Math.min(PLENTY, capacity >> 1);
  }

  /** The next look is due: waits if it had better be later. */
  wait(): void {
    if (this.#time < LEAST) return;
    const until = performance.now() + this.#time;
    while (performance.now() < until);
  }

  /** A look found `n` events. */
  found(n: number): void {
    if (n <= 0) {
      this.#time /= 4;
      return;
    }
    const inVain = n < IN_VAIN && n <= this.#last && this.#time >= LEAST;
    this.#last = n;
    if (inVain) this.#time = 0;
    else if (n < this.#few) this.#time = Math.min(Math.max(this.#time * 2, LEAST), MOST);
    else if (n > this.#plenty) this.#time /= 2;
  }
}
