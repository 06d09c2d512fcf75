import { binding } from '../native/binding.js';
import { Arrays } from './arrays.js';
import { layout as L } from './layout.js';
import { callNative } from './native-error.js';
import { noWrite, Producer, type Write, type WriteMany } from './producer.js';
import type { RingMemory } from './ring-memory.js';
import { publishedWithin } from './ring-producer.js';
import { closedProducer } from './seat.js';
import { checked, type View, type ViewClass } from './view.js';

const CHECKED = checked;

/** What native code answers when it publishes or claims nothing. */
const FULL = -1;

/**
 * One of several producers: stages events in memory of its own and claims slots at the flush, in
 * one native call, so that nobody waits behind a thread that is busy: only a claim that was asked for stays open.
 */
export class MultiProducer<E extends object> extends Producer<E> {
  readonly #event: View;
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #stride: number;
  #staged = 0;

  constructor(memory: RingMemory, makeViewOf: (arrays: Arrays) => ViewClass<View>) {
    super(memory, () => makeViewOf(memory.arrays));
    const bytes = Math.ceil((this.flushAt * memory.stride) / 8) * 8;
    const arrays = new Arrays(new ArrayBuffer(bytes));
    this.#event = new (makeViewOf(arrays))();
    this.#event.$at = -1;
    this.#bytes = arrays.u8;
    this.#words = arrays.i32;
    this.#stride = memory.stride;
  }

  get staged(): number {
    return this.#staged;
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
    if (this.#staged < this.flushAt) return false;
    if (this.closed) throw closedProducer();
    this.flush();
    return this.#staged === this.flushAt;
  }

  /** Refuses a closed ring before the first event of a flush. How many are staged before the one that begins. */
  #begin(): number {
    const staged = this.#staged;
    this.#event.$at = staged * this.#stride;
    if (staged > 0 && !this.closed) return staged;
    this.checkOpen();
    this.seat.announce(1, 0);
    return staged;
  }

  /** The event that was begun is not accepted. */
  #refuse(error: unknown): never {
    this.#event.$at = -1;
    if (this.seat.open) this.seat.withdraw(this.#staged);
    throw error;
  }

  #accepted(before: number): void {
    if (CHECKED) this.#event.$at = -1;
    // What was flushed meanwhile has moved, or is not there any more.
    if (this.#staged !== before || this.closed) this.#refuse(this.movedWithin());
    this.#staged += 1;
    this.seat.noteStaged(this.#staged);
    this.stage();
    if (this.#staged === this.flushAt) this.flush();
  }

  /** @internal The view lies where the next event is staged from before its write until that was accepted, or refused. */
  protected override checkWriting(): void {
    if (this.#event.$at === this.#staged * this.#stride) throw publishedWithin();
  }

  /** @internal */
  protected override claimSlots(n: number): number | undefined {
    const { memory, seat } = this;
    const start = callNative('this claim', () => binding.claim(memory.handle, seat.index, n));
    if (start === FULL) return undefined;
    if (start < FULL) throw memory.closedError();
    return start | 0;
  }

  /** @internal */
  protected override endClaim(_start: number, _n: number, used: number): void {
    const { memory, seat } = this;
    callNative('this claim', () => binding.commitClaim(memory.handle, seat.index, used));
  }

  override flush(): void {
    if (this.#staged === 0 || !this.seat.open) return;
    const { handle } = this.memory;
    const published = callNative('this flush', () =>
      binding.publishCopied(handle, this.seat.index, this.#bytes, this.#staged),
    );
    if (published < FULL) {
      this.seat.lose(this.#staged);
      this.#drop(this.#staged);
    } else if (published > 0) this.#drop(published);
    if (this.#staged > 0) this.seat.flushLater(this.#behindNext, this.#flush);
    else if (this.closed) this.leaveSeat();
  }
  readonly #behindNext = () => (this.next + 1) | 0;
  readonly #flush = () => this.flush();

  /** Takes the first events out of the staging memory. */
  #drop(count: number): void {
    const words = this.#stride >> 2;
    if (count < this.#staged) this.#words.copyWithin(0, count * words, this.#staged * words);
    this.#staged -= count;
    // Nobody writes where the next event is staged now.
    if (this.#event.$at === this.#staged * this.#stride) this.#event.$at = -1;
    this.seat.withdraw(this.#staged);
  }
}
