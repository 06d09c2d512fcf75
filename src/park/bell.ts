import { TURN } from './turn.js';

/** Words of the doorbell's memory: rung, summary, and 32 words of ready bits. */
const WORDS = 34;
/** Sources called between two looks at the clock, at most: then looking costs nothing. */
const LOOK_EVERY = 16;
/** Milliseconds between two looks after which the next comes behind a single source, whose work may be as long. */
const LONG = 0.5;

const microtask = Promise.resolve();

/**
 * The event loop's side of a doorbell, whose other side is crates/park/src/doorbell.rs: calls what was rung for.
 *
 * Sources are called in *rounds*. A round is what was rung for when it began, and the next one begins when all of it
 * was called: so a source that is always ready comes as often as any other.
 *
 * What a source starts runs mostly in microtasks, behind the call from native code; and Node makes such calls up to a
 * thousand times in one turn of its loop, for what was rung meanwhile. So neither is what has to be bounded, but the
 * loop's turn. After a few sources the microtask queue drains and the clock is looked at: behind each source while they
 * are slow, and behind twice as many each time while they are not. An immediate tells that the loop has had its turn. One
 * is asked for when the last was half of {@link TURN} ago, which keeps its cost down, and when it has not come after the
 * other half, the round waits for it. Rings meanwhile leave the bell rung, and so make no calls; the bell is looked at
 * when the round is over.
 */
export class Bell {
  /** What native code rings: see there for the order in which it does. */
  readonly words = new Int32Array(new SharedArrayBuffer(WORDS * 4));
  readonly #call: (source: number) => void;
  /** What is left of the round: words to be looked at, the one in hand, and the bits left of it. */
  #summary = 0;
  #word = 0;
  #bits = 0;
  /** Sources called since the last look at the clock, when that was, and how many make the next look due. */
  #called = 0;
  #looked = 0;
  #lookEvery = 1;
  /** The round goes on by itself. */
  #waiting = false;
  /** The bell was rung while the round waited. */
  #again = false;
  /** An immediate is on its way. */
  #marked = false;
  /** When it was asked for; otherwise when the last one came. */
  #since = 0;

  /** @param call Calls a source; must not throw. */
  constructor(call: (source: number) => void) {
    this.#call = call;
  }

  /** Called by native code when somebody has rung. */
  readonly answer = (): void => {
    if (this.#waiting || this.#turnIsOver()) {
      this.#again = true;
      return;
    }
    this.#begin();
    this.#goOn();
  };

  /** Begins a round. The words are taken in the opposite order of ringing, so that no ring is lost. */
  #begin(): void {
    Atomics.exchange(this.words, 0, 0);
    this.#summary = Atomics.exchange(this.words, 1, 0);
  }

  #goOn(): void {
    for (;;) {
      const source = this.#next();
      if (source >= 0) {
        this.#call(source);
        this.#called += 1;
        if (this.#called < this.#lookEvery || !this.#left) continue;
        this.#waiting = true;
        microtask.then(this.#whenDrained);
        return;
      }
      if (!this.#again) return;
      this.#again = false;
      this.#begin();
    }
  }

  get #left(): boolean {
    return this.#bits !== 0 || this.#summary !== 0 || this.#again;
  }

  /** The next source of the round; negative when it is over. */
  #next(): number {
    while (this.#bits === 0) {
      if (this.#summary === 0) return -1;
      this.#word = 31 - Math.clz32(this.#summary);
      this.#summary &= ~(1 << this.#word);
      this.#bits = Atomics.exchange(this.words, 2 + this.#word, 0);
    }
    const bit = 31 - Math.clz32(this.#bits);
    this.#bits &= ~(1 << bit);
    return this.#word * 32 + bit;
  }

  /** Ticks that are asked for in a microtask come when all microtasks have run. */
  readonly #whenDrained = (): void => process.nextTick(this.#resume);

  readonly #resume = (): void => {
    if (this.#turnIsOver()) return;
    this.#waiting = false;
    this.#goOn();
  };

  /** Whether the event loop comes first: then {@link #newTurn} goes on. */
  #turnIsOver(): boolean {
    if (this.#called < this.#lookEvery) return false;
    this.#called = 0;
    const now = performance.now();
    const slow = now - this.#looked > LONG;
    this.#lookEvery = slow ? 1 : Math.min(this.#lookEvery * 2, LOOK_EVERY);
    this.#looked = now;
    if (now - this.#since > TURN / 2) {
      if (this.#marked) {
        this.#waiting = true;
        return true;
      }
      this.#marked = true;
      this.#since = now;
      setImmediate(this.#newTurn);
    }
    return false;
  }

  /** The event loop has had its turn. */
  readonly #newTurn = (): void => {
    this.#marked = false;
    this.#since = performance.now();
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#goOn();
  };
}
