import { MillraceError } from '../errors.js';
import { binding } from '../native/binding.js';
import { closeSource, environment, keep, letGo, openSource } from '../park/environment.js';
import { Forgotten } from '../park/forgotten.js';
import { Arrays } from './arrays.js';
import { cellsOf, producerCell } from './cells.js';
import { layout as L, type Wait, waits } from './layout.js';
import { callNative } from './native-error.js';
import { OpenedSeats } from './opened.js';
import { failedError, failRing, ringFailure } from './ring-failure.js';
import { flushStaged } from './staged.js';

/** What this thread has of a ring, without the objects that use it: so it can be given back when they are forgotten. */
interface Attachment {
  readonly memory: SharedArrayBuffer;
  /** What native code knows it by. */
  readonly handle: number;
  /** Sources of the doorbell that were opened for it. */
  readonly sources: Set<number>;
}

/**
 * @internal A ring's memory as one thread has it: attached, so that native threads may use it too.
 *
 * The memory is kept alive until {@link detach}, or until nobody refers to this object any more.
 */
export class RingMemory {
  readonly memory: SharedArrayBuffer;
  readonly words: Int32Array;
  readonly arrays: Arrays;
  /** What native code knows this attachment by. */
  readonly handle: number;
  readonly capacity: number;
  readonly mask: number;
  readonly stride: number;
  /** Byte offset of the first slot. */
  readonly slots: number;
  readonly multi: boolean;
  /** Word of the first stamp of a multi-producer ring: a stamp a slot, behind them a count a slot. */
  readonly stamps: number;
  /** Whether consumers of this ring sleep, so that who publishes must look for them. */
  readonly sleeps: boolean;
  /** Whether waiting worker threads look a while before they sleep. */
  readonly spins: boolean;
  readonly maxProducers: number;
  #attached = true;
  readonly #attachment: Attachment;
  /** What this thread has open, to be closed by {@link detach}. */
  readonly opened: OpenedSeats;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.arrays = new Arrays(memory);
    this.words = this.arrays.i32;
    this.handle = callNative('the ring of this handle', () =>
      binding.attachRing(environment, this.words),
    );
    this.#attachment = { memory, handle: this.handle, sources: new Set() };
    keep(this.#attachment);
    this.opened = new OpenedSeats(this.words);
    forgotten.watch(this, this.#attachment);
    const word = (index: number) => this.words[index] as number;
    this.capacity = word(L.HEADER_CAPACITY);
    this.mask = this.capacity - 1;
    this.stride = word(L.HEADER_STRIDE);
    this.slots = word(L.HEADER_SLOTS);
    this.multi = word(L.HEADER_MULTI) === 1;
    this.stamps = word(L.HEADER_STAMPS) >> 2;
    this.maxProducers = word(L.HEADER_MAX_PRODUCERS);
    const wait = waits[word(L.HEADER_WAIT)] as Wait;
    this.sleeps = wait === 'block' || wait === 'adaptive';
    this.spins = wait !== 'block';
  }

  /** The sequence furthest behind among cells; where it was found is left in {@link slowestCell}. */
  slowest(cells: readonly number[]): number {
    const { words } = this;
    let cell = cells[0] as number;
    let value = Atomics.load(words, cell);
    for (let i = 1; i < cells.length; i++) {
      const other = Atomics.load(words, cells[i] as number);
      if (((other - value) | 0) < 0) {
        value = other;
        cell = cells[i] as number;
      }
    }
    this.slowestCell = cell;
    return value;
  }
  slowestCell = 0;

  /** Bits of the stages that hold the producers back, as they were last, and their cells. */
  #sinks = 0;
  #sinkCells: readonly number[] = [];

  /**
   * The sequence of the stage furthest behind of those that hold the producers back. Stages join and leave meanwhile;
   * crates/ring/src/join.rs tells why the bits are looked at again behind the sequences, and why those of the graph's
   * stages, which have the lower seats, come first.
   */
  slowestSink(): number {
    const { words } = this;
    for (;;) {
      const sinks = Atomics.load(words, L.HEADER_SINKS);
      if (sinks !== this.#sinks) {
        this.#sinks = sinks;
        this.#sinkCells = cellsOf(sinks);
      }
      const sequence = this.slowest(this.#sinkCells);
      if (Atomics.load(words, L.HEADER_SINKS) === sinks) return sequence;
    }
  }

  /** Wakes everyone who waits, to look at what changed beside a sequence. */
  wakeAll(): void {
    if (this.#attached) this.#wake(0xffffffff, 0xffffffff);
  }

  /**
   * A function that brings a sequence, which only this thread advances, to a value, and wakes who waits for it. It
   * closes over all it needs: see `slotView`.
   *
   * @param counters The cell of who does it.
   * @param sleeps Whether anybody may wait for it asleep.
   */
  advancer(cell: number, counters: number, sleeps = true): (value: number) => void {
    const { words } = this;
    // Who waits for room waits for a stage.
    const isCursor = cell === L.CURSOR_CELL;
    return (value) => {
      if (value >>> 0 < (words[cell] as number) >>> 0) (words[cell + L.CELL_WRAPS] as number)++;
      Atomics.store(words, cell, value);
      if (!sleeps) return;
      if (
        Atomics.load(words, cell + L.CELL_CONSUMERS) === 0 &&
        (isCursor || Atomics.load(words, cell + L.CELL_PRODUCERS) === 0)
      ) {
        (words[counters + L.CELL_ELIDED] as number)++;
      } else this.#wakeSleepers(cell, counters);
    };
  }

  #wakeSleepers(cell: number, counters: number): void {
    const { words } = this;
    (words[counters + L.CELL_MADE] as number)++;
    const consumers = Atomics.exchange(words, cell + L.CELL_CONSUMERS, 0);
    const producers = Atomics.exchange(words, cell + L.CELL_PRODUCERS, 0);
    this.#wake(consumers >>> 0, producers >>> 0);
  }

  #wake(consumers: number, producers: number): void {
    callNative('waking who waits for a ring', () =>
      binding.wake(this.handle, consumers, producers),
    );
  }

  /** `OPEN`, `CLOSING` or `FAILED`. */
  get state(): number {
    return Atomics.load(this.words, L.HEADER_STATE);
  }

  /**
   * True when a stage that stands at `next`, where nothing is ready, will get nothing more: all that was accepted has
   * come, or a consumer failed, and stages behind it would wait for ever.
   */
  ended(next: number): boolean {
    const { state } = this;
    if (state === L.OPEN) return false;
    if (state === L.FAILED) return true;
    if (Atomics.load(this.words, L.HEADER_SETTLED) === 0 || this.staged(next)) return false;
    const claimed = this.multi ? Atomics.load(this.words, L.CLAIM_CELL) : next;
    return Atomics.load(this.words, L.CURSOR_CELL) === next && claimed === next;
  }

  /** True while a producer of any thread holds events that it accepted and did not flush, behind `cursor`. */
  staged(cursor: number): boolean {
    const first = producerCell(this.words, 0) + L.CELL_STAGED;
    if (!this.multi) return ((Atomics.load(this.words, first) - cursor) | 0) > 0;
    for (let producer = 0; producer < this.maxProducers; producer++) {
      if (Atomics.load(this.words, first + producer * L.CELL_WORDS) !== 0) return true;
    }
    return false;
  }

  /** Throws when the ring takes no more events. */
  checkOpen(): void {
    if (this.state === L.OPEN) return;
    throw this.closedError();
  }

  /** Why the ring takes no more events. */
  closedError(): MillraceError {
    if (this.state === L.FAILED) {
      return failedError(this.#attached ? ringFailure(this.memory, this.handle) : undefined);
    }
    return new MillraceError('ERR_MILLRACE_CLOSED', 'this ring is closed and takes no more events');
  }

  /** An exact number from a wrapping sequence and how often it wrapped, of a cell that nobody else brings on meanwhile. */
  exact(cell: number, value: number): number {
    const wraps = this.words[cell + L.CELL_WRAPS] as number;
    return wraps * 2 ** 32 + (value >>> 0);
  }

  /**
   * The exact number of a sequence that any thread brings on; `| 0` makes the sequence of it. Its wraps are counted beside
   * it: looked at again until they stand still. As in `crates/ring/src/sequence.rs`, for the few instructions between the
   * two it is 2^32 too much, or too little where workers share the stage.
   */
  position(cell: number): number {
    const { words } = this;
    for (;;) {
      const wraps = Atomics.load(words, cell + L.CELL_WRAPS);
      const value = Atomics.load(words, cell);
      if (Atomics.load(words, cell + L.CELL_WRAPS) === wraps)
        return wraps * 2 ** 32 + (value >>> 0);
    }
  }

  /** Ends the ring because a stage failed: all who come upon it are told the stage and the cause. */
  fail(stage: string, cause: unknown): void {
    if (this.#attached) failRing(this.memory, this.handle, { stage, cause });
  }

  /** Ends the ring: it takes nothing more, what was accepted is consumed. */
  close(): void {
    this.checkAttached();
    flushStaged();
    callNative('closing a ring', () => binding.closeRing(this.handle));
  }

  get attached(): boolean {
    return this.#attached;
  }

  /** Throws when this thread has let go of the ring. */
  checkAttached(): void {
    if (this.#attached) return;
    throw new MillraceError('ERR_MILLRACE_CLOSED', 'this thread has detached from the ring');
  }

  /** A source of the doorbell that ends with this attachment. */
  openSource(): number {
    this.checkAttached();
    const source = openSource();
    this.#attachment.sources.add(source);
    return source;
  }

  closeSource(source: number): void {
    if (this.#attachment.sources.delete(source)) closeSource(source);
  }

  /** Lets go of the memory in this thread, and closes what this thread has open on it. */
  detach(): void {
    if (!this.#attached) return;
    this.opened.close();
    this.#attached = false;
    forgotten.unwatch(this);
    giveBack(this.#attachment);
  }
}

function giveBack(attachment: Attachment): void {
  binding.detachRing(attachment.handle);
  for (const source of attachment.sources) closeSource(source);
  // Who still waits with one of them closes it, too: by then it may be another's.
  attachment.sources.clear();
  letGo(attachment);
}

const forgotten = new Forgotten<Attachment>(
  'a ring was collected without close() or detach()',
  (attachment) => {
    giveBack(attachment);
    return new Int32Array(attachment.memory)[L.HEADER_STATE] === L.OPEN;
  },
);
