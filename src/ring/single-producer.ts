import { layout as L } from './layout.js';
import { noWrite, Producer, publishedWithin, type Write, type WriteMany } from './producer.js';
import type { RingMemory } from './ring-memory.js';
import { checked, type View, type ViewClass } from './view.js';
import { type WritingView, writeChecked, writingView } from './writing-view.js';

const CHECKED = checked;

/** The only producer of its ring: writes events in place, and a flush is one store. */
export class SingleProducer<E extends object> extends Producer<E> {
  /** The event to write next, and its sequence. */
  readonly #event: WritingView;
  /** Brings the cursor to a sequence, and wakes who waits for it. */
  readonly #show: (sequence: number) => void;
  /** Consumers see events before this. */
  #published: number;
  /** Sequences before this are free: what the slowest sink had consumed, and a ring's length more. */
  #free: number;
  /**
   * The next sequence before which more than writing has to be done: a flush, a look for room, for
   * a closed ring. So an event costs one comparison.
   */
  #limit: number;

  constructor(memory: RingMemory, view: ViewClass<View>) {
    super(memory, () => view);
    this.#event = new (writingView(view, memory, this.seat.cell + L.CELL_VALUE))();
    if (CHECKED) this.#event.$at = -1;
    this.#show = memory.advancer(L.CURSOR_CELL, this.seat.cell, memory.sleeps);
    this.#published = this.#event.$next;
    this.#free = this.#published;
    this.#limit = this.#published;
  }

  get staged(): number {
    return this.seat.open ? (this.#event.$next - this.#published) | 0 : 0;
  }

  /** @internal */
  protected override end(n: number): number {
    return (this.#event.$next + n) | 0;
  }

  override tryPublish<A = undefined>(write: Write<E, A>, argument?: A): boolean {
    // With each event this would cost a fifth of what a single event costs; without it V8 says the same.
    if (CHECKED && typeof write !== 'function') throw noWrite(write);
    const event = this.#event;
    const next = event.$next;
    if (((this.#limit - next) | 0) <= 0 && !this.#prepare(next)) return false;
    event.$to(next);
    if (CHECKED) writeChecked(event, write, event as unknown as E, argument as A);
    else write(event as unknown as E, argument as A);
    if (event.$next !== next) throw this.movedWithin();
    event.$next = (next + 1) | 0;
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
      const next = event.$next;
      if (((this.#limit - next) | 0) <= 0 && !this.#prepare(next)) return i;
      event.$to(next);
      if (CHECKED) writeChecked(event, write, event as unknown as E, from + i, argument);
      else write(event as unknown as E, from + i, argument);
      if (event.$next !== next) throw this.movedWithin();
      event.$next = (next + 1) | 0;
    }
    return n;
  }

  /** @internal */
  protected override checkWriting(): void {
    if (CHECKED && this.#event.$at >= 0) throw publishedWithin();
  }

  /**
   * @internal The claim is behind us, as if it were published: then nothing is there to be flushed, the next event finds
   * the limit, and a write that has claimed finds that it is not where it was.
   */
  protected override claimSlots(n: number): number | undefined {
    const { memory, seat } = this;
    const start = this.#published;
    if (((this.#free - start) | 0) < n) {
      this.#free = (memory.slowestSink() + memory.capacity) | 0;
      if (((this.#free - start) | 0) < n) return undefined;
    }
    const end = (start + n) | 0;
    seat.announce(end, start);
    seat.noteClaim(start, n);
    this.#moveTo(end);
    return start;
  }

  /** @internal Nobody claims behind this producer: what it gives up it claims again. */
  protected override endClaim(start: number, n: number, used: number): void {
    const { memory, seat } = this;
    Atomics.add(memory.words, L.HEADER_ABORTED, n - used);
    this.#moveTo(start);
    // In this order: a thread that ends in between has lost what it used.
    this.#event.$next = (start + used) | 0;
    seat.noteClaim(0, 0);
    if (used > 0) this.flush();
    // What was announced beyond it will not come.
    if (used < n) seat.withdraw(this.#published);
  }

  /** Everything before `sequence` is written and published, and nothing else. */
  #moveTo(sequence: number): void {
    this.#event.$next = sequence;
    this.#published = sequence;
    this.#limit = sequence;
  }

  override flush(): void {
    if (!this.seat.open) return;
    const next = this.#event.$next;
    // Otherwise nothing was accepted since the last flush, nor announced.
    if (next !== this.#published || this.#limit !== next) this.#publish(next);
  }

  /** @internal The word of the cell is somebody else's from now on, also for a write that goes on. */
  protected override leaveSeat(): void {
    Object.defineProperty(this.#event, '$next', { value: Number.NaN });
    super.leaveSeat();
  }

  /** Makes everything before `next` visible. */
  #publish(next: number): void {
    if (next === this.#published || this.memory.words[L.HEADER_STATE] === L.FAILED) {
      this.seat.lose((next - this.#published) | 0);
      this.#moveTo(this.#published);
      this.seat.withdraw(this.#published);
      return;
    }
    this.#published = next;
    this.#limit = next;
    this.#show(next);
  }

  /** Sets the limit anew; false when the ring is full. */
  #prepare(next: number): boolean {
    this.checkFree();
    if (((next - this.#published) | 0) >= this.flushAt) this.flush();
    if (((this.#free - next) | 0) <= 0) {
      // What is staged must be seen for room to come.
      this.flush();
      this.#free = (this.memory.slowestSink() + this.memory.capacity) | 0;
      if (((this.#free - next) | 0) <= 0) {
        this.memory.checkOpen();
        return false;
      }
    }
    this.stage();
    // A write that throws leaves the note to the flush.
    if (next === this.#published) this.seat.announce((next + 1) | 0, next);
    else this.memory.checkOpen();
    const until = (this.#published + this.flushAt - next) | 0;
    this.#limit = (next + Math.min(until, (this.#free - next) | 0)) | 0;
    return true;
  }
}
