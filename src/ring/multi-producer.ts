import { binding } from '../native/binding.js';
import { Arrays } from './arrays.js';
import { layout as L } from './layout.js';
import { FLUSH_AT, Producer, type Write, type WriteMany } from './producer.js';
import type { RingMemory } from './ring-memory.js';
import type { View, ViewClass } from './view.js';

/** What native code answers when it publishes nothing. */
const FULL = -1;

/**
 * One of several producers: stages events in memory of its own and claims slots at the flush, in
 * one native call. So nobody ever waits behind a claim of a thread that is busy, or was terminated.
 */
export class MultiProducer<E extends object> extends Producer<E> {
  readonly #event: View;
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #stride: number;
  #staged = 0;

  constructor(memory: RingMemory, stages: number, makeViewOf: (arrays: Arrays) => ViewClass<View>) {
    super(memory, stages);
    const bytes = Math.ceil((FLUSH_AT * memory.stride) / 8) * 8;
    const arrays = new Arrays(new ArrayBuffer(bytes));
    this.#event = new (makeViewOf(arrays))();
    this.#bytes = arrays.u8;
    this.#words = arrays.i32;
    this.#stride = memory.stride;
  }

  get staged(): number {
    return this.#staged;
  }

  protected override end(n: number): number {
    return (Atomics.load(this.memory.words, L.CLAIM_CELL) + n) | 0;
  }

  override tryPublish<A = undefined>(write: Write<E, A>, argument?: A): boolean {
    if (this.#staged === FLUSH_AT) {
      this.flush();
      if (this.#staged === FLUSH_AT) return false;
    }
    this.#begin();
    this.#event.$at = this.#staged * this.#stride;
    write(this.#event as unknown as E, argument as A);
    this.#accepted();
    return true;
  }

  protected override tryPublishSome<A>(
    n: number,
    from: number,
    write: WriteMany<E, A>,
    argument: A,
  ): number {
    for (let i = 0; i < n; i++) {
      if (this.#staged === FLUSH_AT) {
        this.flush();
        if (this.#staged === FLUSH_AT) return i;
      }
      this.#begin();
      this.#event.$at = this.#staged * this.#stride;
      write(this.#event as unknown as E, from + i, argument);
      this.#accepted();
    }
    return n;
  }

  /** Refuses a closed ring before the first event of a flush. */
  #begin(): void {
    if (this.#staged === 0) this.checkOpen();
  }

  #accepted(): void {
    this.#staged += 1;
    this.seat.noteStaged(this.#staged);
    this.stage();
    if (this.#staged === FLUSH_AT) this.flush();
  }

  override flush(): void {
    if (this.#staged === 0 || !this.seat.open) return;
    const { handle } = this.memory;
    const published = binding.publishCopied(handle, this.seat.index, this.#bytes, this.#staged);
    if (published < FULL) {
      this.#drop(this.#staged);
      throw this.memory.closedError();
    }
    if (published > 0) this.#drop(published);
    if (this.#staged > 0) this.#flushLater();
  }

  /** Takes the first events out of the staging memory. */
  #drop(count: number): void {
    const words = this.#stride >> 2;
    if (count < this.#staged) this.#words.copyWithin(0, count * words, this.#staged * words);
    this.#staged -= count;
    this.seat.noteStaged(this.#staged);
  }

  #retrying = false;

  /** The ring is full: what was accepted goes in when there is room, whether or not more is published. */
  #flushLater(): void {
    if (this.#retrying) return;
    this.#retrying = true;
    const again = () => {
      this.#retrying = false;
      if (this.#staged > 0) this.flush();
    };
    this.seat
      .room(() => this.end(1))
      .then(again, () => {
        this.#retrying = false;
      });
  }
}
