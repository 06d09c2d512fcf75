import { layout as L } from './layout.js';
import type { RingMemory } from './ring-memory.js';
import type { Seat } from './seat.js';
import type { Slots } from './slots.js';
import type { WritingView } from './writing-view.js';

/**
 * @internal Where the only producer of its ring stands, which writes in place: what it has written, announced and
 * published. A flush is one store.
 */
export class InPlace implements Slots {
  readonly #memory: RingMemory;
  readonly #seat: Seat;
  readonly #view: WritingView;
  readonly #flushAt: number;
  /** Brings the cursor to a sequence, and wakes who waits for it. */
  readonly #show: (sequence: number) => void;
  /** Consumers see slots before this. */
  #published: number;
  /** Sequences before this are free: what the slowest sink had consumed, and a ring's length more. */
  #free: number;

  /**
   * @param view Goes to what is written next; `$next` is the sequence behind what was written.
   * @param flushAt Slots after which it flushes by itself.
   */
  constructor(memory: RingMemory, seat: Seat, view: WritingView, flushAt: number) {
    this.#memory = memory;
    this.#seat = seat;
    this.#view = view;
    this.#flushAt = flushAt;
    this.#show = memory.advancer(L.CURSOR_CELL, seat.cell, memory.sleeps);
    this.#published = view.$next;
    this.#free = this.#published;
    view.$limit = this.#published;
  }

  get staged(): number {
    return this.#seat.open ? (this.#view.$next - this.#published) | 0 : 0;
  }

  /**
   * Has the next `n` slots free and announced, and sets the limit anew, behind them; false when the ring is full. What is
   * not written then is left to the flush to withdraw.
   */
  prepare(n: number): boolean {
    const memory = this.#memory;
    const next = this.#view.$next;
    if (((next - this.#published) | 0) >= this.#flushAt) this.flush();
    if (((this.#free - next) | 0) < n) {
      // What is staged must be seen for room to come.
      this.flush();
      if (!this.#hasRoom(next, n)) {
        memory.checkOpen();
        return false;
      }
    }
    if (next === this.#published) this.#seat.announce((next + n) | 0, next);
    else memory.checkOpen();
    const until = (this.#published + this.#flushAt - next) | 0;
    this.#view.$limit = (next + Math.max(n, Math.min(until, (this.#free - next) | 0))) | 0;
    return true;
  }

  #hasRoom(at: number, n: number): boolean {
    const memory = this.#memory;
    if (((this.#free - at) | 0) >= n) return true;
    this.#free = (memory.slowestSink() + memory.capacity) | 0;
    return ((this.#free - at) | 0) >= n;
  }

  /** What was prepared is not written: where nothing else is announced, what comes next may be shorter. */
  withdraw(): void {
    if (this.#view.$next === this.#published) this.flush();
  }

  flush(): void {
    if (!this.#seat.open) return;
    const next = this.#view.$next;
    // Otherwise nothing was accepted since the last flush, nor announced.
    if (next !== this.#published || this.#view.$limit !== next) this.#publish(next);
  }

  /** Makes everything before `next` visible. */
  #publish(next: number): void {
    if (next === this.#published || this.#memory.words[L.HEADER_STATE] === L.FAILED) {
      this.#seat.lose((next - this.#published) | 0);
      this.#moveTo(this.#published);
      this.#seat.withdraw(this.#published);
      return;
    }
    this.#published = next;
    this.#view.$limit = next;
    this.#show(next);
  }

  /** Everything before `sequence` is written and published, and nothing else is. */
  #moveTo(sequence: number): void {
    this.#view.$next = sequence;
    this.#published = sequence;
    this.#view.$limit = sequence;
  }

  /**
   * What is claimed is behind us, as if it were published: then nothing is there to be flushed, what comes next finds the
   * limit, and a write that has claimed finds that it is not where it was.
   */
  claim(n: number): number | undefined {
    const start = this.#published;
    if (!this.#hasRoom(start, n)) return undefined;
    const end = (start + n) | 0;
    this.#seat.announce(end, start);
    this.#seat.noteClaim(start, n);
    this.#moveTo(end);
    return start;
  }

  /** Nobody claims behind us: what is given up is claimed again. */
  endClaim(start: number, n: number, used: number): void {
    Atomics.add(this.#memory.words, L.HEADER_ABORTED, n - used);
    this.#moveTo(start);
    // In this order: a thread that ends in between has lost what it used.
    this.#view.$next = (start + used) | 0;
    this.#seat.noteClaim(0, 0);
    if (used > 0) this.flush();
    // What was announced beyond it will not come.
    if (used < n) this.#seat.withdraw(this.#published);
  }

  /** Also for a write that goes on the word of the cell is somebody else's. */
  leave(): void {
    Object.defineProperty(this.#view, '$next', { value: Number.NaN });
  }
}
