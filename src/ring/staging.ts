import { binding } from '../native/binding.js';
import { Arrays } from './arrays.js';
import { callNative } from './native-error.js';
import type { RingMemory } from './ring-memory.js';
import type { Seat } from './seat.js';
import type { Slots } from './slots.js';

/** What native code answers when it publishes or claims nothing. */
export const FULL = -1;

/**
 * @internal What one of several producers has accepted and not published, in memory of its own. It is published in one
 * native call, as far as there is room, so that nobody waits behind a thread that is busy.
 */
export class Staging implements Slots {
  readonly arrays: Arrays;
  staged = 0;
  readonly #memory: RingMemory;
  readonly #seat: Seat;
  readonly #end: () => number;
  readonly #retry: () => void;

  /**
   * @param bytes Of the memory.
   * @param end Tells where a claim of the first that is staged would end.
   * @param retry Called when there is room for what a full ring did not take.
   */
  constructor(memory: RingMemory, seat: Seat, bytes: number, end: () => number, retry: () => void) {
    this.arrays = new Arrays(new ArrayBuffer(Math.ceil(bytes / 8) * 8));
    this.#memory = memory;
    this.#seat = seat;
    this.#end = end;
    this.#retry = retry;
  }

  /** Accepts `n` slots more, which are written behind the others. */
  accept(n: number): void {
    this.staged += n;
    this.#seat.noteStaged(this.staged);
  }

  /** What there is no room for is published later. */
  flush(): void {
    if (this.staged === 0 || !this.#seat.open) return;
    const published = callNative('this flush', () =>
      binding.publishCopied(this.#memory.handle, this.#seat.index, this.arrays.u8, this.staged),
    );
    if (published < FULL) {
      this.#seat.lose(this.staged);
      this.#drop(this.staged);
    } else if (published > 0) this.#drop(published);
    if (this.staged > 0) this.#seat.flushLater(this.#end, this.#retry);
  }

  claim(n: number): number | undefined {
    const { handle } = this.#memory;
    const start = callNative('this claim', () => binding.claim(handle, this.#seat.index, n));
    if (start === FULL) return undefined;
    if (start < FULL) throw this.#memory.closedError();
    return start | 0;
  }

  endClaim(_start: number, _n: number, used: number): void {
    const { handle } = this.#memory;
    callNative('this claim', () => binding.commitClaim(handle, this.#seat.index, used));
  }

  /** What was announced besides will not come, and is not lost. */
  leave(): void {
    this.#seat.noteStaged(this.staged);
  }

  /** Takes the first slots out. */
  #drop(count: number): void {
    const words = this.#memory.stride >> 2;
    const { i32 } = this.arrays;
    if (count < this.staged) i32.copyWithin(0, count * words, this.staged * words);
    this.staged -= count;
    this.#seat.withdraw(this.staged);
  }
}
