import { layout as L } from './layout.js';
import { FLUSH_AT, Producer, type Write, type WriteMany } from './producer.js';
import type { RingMemory } from './ring-memory.js';
import { checked, type View, type ViewClass } from './view.js';

/** The only producer of its ring: writes events in place, and a flush is one store. */
export class SingleProducer<E extends object> extends Producer<E> {
  readonly #event: View;
  readonly #words: Int32Array;
  /** Where native code finds how far we have written, to count what is lost if this thread ends. */
  readonly #written: number;
  readonly #slots: number;
  readonly #stride: number;
  readonly #mask: number;
  /** Next sequence to write; consumers see those before `#published`. */
  #next: number;
  #published: number;
  /** Sequences before this are free: what the slowest sink had consumed, and a ring's length more. */
  #free: number;
  /**
   * The next sequence before which more than writing has to be done: a flush, a look for room, for
   * a closed ring. So an event costs one comparison.
   */
  #limit: number;

  constructor(memory: RingMemory, stages: number, view: ViewClass<View>) {
    super(memory, stages);
    this.#event = new view();
    this.#words = memory.words;
    this.#written = this.seat.cell + L.CELL_STAGED;
    this.#slots = memory.slots;
    this.#stride = memory.stride;
    this.#mask = memory.mask;
    this.#next = Atomics.load(memory.words, L.CURSOR_CELL);
    this.#published = this.#next;
    this.#free = this.#next;
    this.#limit = this.#next;
  }

  get staged(): number {
    return (this.#next - this.#published) | 0;
  }

  /** @internal */
  protected override end(n: number): number {
    return (this.#next + n) | 0;
  }

  override tryPublish<A = undefined>(write: Write<E, A>, argument?: A): boolean {
    const next = this.#next;
    if (((this.#limit - next) | 0) <= 0 && !this.#prepare()) return false;
    const event = this.#event;
    event.$at = this.#slots + (next & this.#mask) * this.#stride;
    write(event as unknown as E, argument as A);
    if (checked) event.$at = -1;
    this.#next = (next + 1) | 0;
    this.#words[this.#written] = this.#next;
    return true;
  }

  /** @internal */
  protected override tryPublishSome<A>(
    n: number,
    from: number,
    write: WriteMany<E, A>,
    argument: A,
  ): number {
    const event = this.#event;
    for (let i = 0; i < n; i++) {
      const next = this.#next;
      if (((this.#limit - next) | 0) <= 0 && !this.#prepare()) return i;
      event.$at = this.#slots + (next & this.#mask) * this.#stride;
      write(event as unknown as E, from + i, argument);
      this.#next = (next + 1) | 0;
      this.#words[this.#written] = this.#next;
    }
    if (checked) event.$at = -1;
    return n;
  }

  /** Sets the limit anew; false when the ring is full. */
  #prepare(): boolean {
    this.checkOpen();
    if (this.staged >= FLUSH_AT) this.flush();
    if (((this.#free - this.#next) | 0) <= 0) {
      // What is staged must be seen for room to come.
      this.flush();
      this.#free = (this.memory.slowest(this.memory.sinks) + this.memory.capacity) | 0;
      if (((this.#free - this.#next) | 0) <= 0) return false;
    }
    this.stage();
    // A write that throws leaves the note to the flush.
    if (this.#next === this.#published) this.seat.announce((this.#next + 1) | 0, this.#next);
    const until = FLUSH_AT - this.staged;
    this.#limit = (this.#next + Math.min(until, (this.#free - this.#next) | 0)) | 0;
    return true;
  }

  override flush(): void {
    // Nothing was accepted since the last flush, nor announced.
    if (this.#next === this.#published && this.#limit === this.#published) return;
    const { memory } = this;
    if (this.#next === this.#published || memory.words[L.HEADER_STATE] === L.FAILED) {
      this.seat.lose(this.staged);
      this.#next = this.#published;
      this.#limit = this.#next;
      this.seat.withdraw(this.#next);
      return;
    }
    this.#published = this.#next;
    this.#limit = this.#next;
    memory.advance(L.CURSOR_CELL, this.#next);
    if (memory.sleeps) memory.wake(L.CURSOR_CELL, this.seat.cell);
  }
}
