import type { Arrays } from './arrays.js';
import { layout as L } from './layout.js';
import { noWrite, Producer, type Write, type WriteMany } from './producer.js';
import type { RingMemory } from './ring-memory.js';
import { publishedWithin } from './ring-producer.js';
import { closedProducer } from './seat.js';
import { Staging } from './staging.js';
import { checked, type View, type ViewClass } from './view.js';

const CHECKED = checked;

/**
 * One of several producers: stages events in memory of its own and claims slots at the flush, in
 * one native call, so that nobody waits behind a thread that is busy: only a claim that was asked for stays open.
 */
export class MultiProducer<E extends object> extends Producer<E> {
  readonly #event: View;
  readonly #stride: number;
  /** @internal */
  protected override readonly slots: Staging;

  constructor(memory: RingMemory, makeViewOf: (arrays: Arrays) => ViewClass<View>) {
    super(memory, () => makeViewOf(memory.arrays));
    this.#stride = memory.stride;
    const bytes = this.flushAt * memory.stride;
    const end = () => (this.next + 1) | 0;
    this.slots = new Staging(memory, this.seat, bytes, end, () => this.flush());
    this.#event = new (makeViewOf(this.slots.arrays))();
    this.#event.$at = -1;
  }

  /** @internal */
  protected override get next(): number {
    return Atomics.load(this.memory.words, L.CLAIM_CELL);
  }

  override tryPublish<A = undefined>(write: Write<E, A>, argument?: A): boolean {
    if (typeof write !== 'function') throw noWrite(write);
    if (this.#full()) return false;
    const staged = this.#begin();
    try {
      write(this.#event as unknown as E, argument as A);
    } catch (error) {
      this.#refuse(error);
    }
    this.#accepted(staged);
    return true;
  }

  /** @internal */
  protected override tryPublishSome<A>(
    n: number,
    from: number,
    write: WriteMany<E, A>,
    argument: A,
  ): number {
    for (let i = 0; i < n; i++) {
      if (this.#full()) return i;
      const staged = this.#begin();
      try {
        write(this.#event as unknown as E, from + i, argument);
      } catch (error) {
        this.#refuse(error);
      }
      this.#accepted(staged);
    }
    return n;
  }

  /** True when no more can be staged, and none of it flushed. */
  #full(): boolean {
    const staging = this.slots;
    if (staging.staged < this.flushAt) return false;
    if (this.closed) throw closedProducer();
    this.flush();
    return staging.staged === this.flushAt;
  }

  /** Refuses a closed ring before the first event of a flush. How many are staged before the one that begins. */
  #begin(): number {
    const { staged } = this.slots;
    this.#event.$at = staged * this.#stride;
    if (staged > 0 && !this.closed) return staged;
    this.checkOpen();
    this.seat.announce(1, 0);
    return staged;
  }

  /** The event that was begun is not accepted. */
  #refuse(error: unknown): never {
    this.#event.$at = -1;
    if (this.seat.open) this.seat.withdraw(this.slots.staged);
    throw error;
  }

  #accepted(before: number): void {
    if (CHECKED) this.#event.$at = -1;
    // What was flushed meanwhile has moved, or is not there any more.
    const staging = this.slots;
    if (staging.staged !== before || this.closed) this.#refuse(this.movedWithin());
    staging.accept(1);
    this.stage();
    if (staging.staged === this.flushAt) this.flush();
  }

  /** @internal The view lies where the next event is staged from before its write until that was accepted, or refused. */
  protected override checkWriting(): void {
    if (this.#event.$at === this.slots.staged * this.#stride) throw publishedWithin();
  }

  override flush(): void {
    const staging = this.slots;
    const { staged } = staging;
    super.flush();
    // Nobody writes where the next event is staged now.
    if (staging.staged !== staged && this.#event.$at === staging.staged * this.#stride) {
      this.#event.$at = -1;
    }
  }
}
