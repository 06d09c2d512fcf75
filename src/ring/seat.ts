import { MillraceError } from '../errors.js';
import { binding } from '../native/binding.js';
import { type Cancel, type WaitOptions, wait } from '../operation.js';
import { environment, listenToSource } from '../park/environment.js';
import { LoopHold } from '../park/loop-hold.js';
import { producerCell } from './cells.js';
import { layout as L } from './layout.js';
import { nativeError } from './native-error.js';
import type { RingMemory } from './ring-memory.js';

/** Whether a thread that closes a ring can fence all others of this process. */
const fenced = binding.fencesOthers();

/** What a producer waits for, for messages. */
export const ROOM = 'room in the ring';

/** @internal A producer's seat in a ring: its bit, its cell, and how it waits for room. */
export class Seat {
  readonly memory: RingMemory;
  readonly index: number;
  /** Word of this producer's cell. */
  readonly cell: number;
  readonly #source: number;
  readonly #waiters = new Set<() => void>();
  /** What waits for room. */
  readonly hold = new LoopHold();
  #open = true;

  constructor(memory: RingMemory) {
    this.memory = memory;
    this.#source = memory.openSource();
    try {
      this.index = binding.takeProducer(environment, memory.handle);
    } catch (error) {
      memory.closeSource(this.#source);
      throw nativeError(error, memory.multi ? 'the last producer seat' : 'the single producer');
    }
    this.cell = producerCell(memory.words, this.index);
    binding.setProducerWaker(environment, memory.handle, this.index, this.#source);
    // A function that closes over all it needs: see `slotView`.
    const { words } = memory;
    const word = this.cell + L.CELL_STAGED;
    // Who closes the ring fences this thread where it can: `crates/ring/src/claim.rs` tells how. V8 keeps accesses of
    // typed arrays in their order, and takes these into the caller, as it does not with Atomics.
    this.announce = fenced
      ? (staged, nothing) => {
          words[word] = staged;
          if (words[L.HEADER_STATE] !== L.OPEN) this.#refuse(nothing);
        }
      : (staged, nothing) => {
          Atomics.store(words, word, staged);
          if (Atomics.load(words, L.HEADER_STATE) !== L.OPEN) this.#refuse(nothing);
        };
  }

  #refuse(nothing: number): never {
    this.withdraw(nothing);
    throw this.memory.closedError();
  }

  #wakeAll(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  get open(): boolean {
    return this.#open;
  }

  /** Notes how many events were accepted and not flushed, for who counts what is lost with this thread. */
  noteStaged(staged: number): void {
    this.memory.words[this.cell + L.CELL_STAGED] = staged;
  }

  /** The same of a single producer: the sequence behind what was written. */
  noteWritten(sequence: number): void {
    this.memory.words[this.cell + L.CELL_VALUE] = sequence;
  }

  /** Notes what a single producer has claimed, for who counts what it leaves; of `length` 0 nothing. */
  noteClaim(start: number, length: number): void {
    const { words } = this.memory;
    words[this.cell + L.CELL_CLAIM_START] = start;
    words[this.cell + L.CELL_CLAIM_LENGTH] = length;
  }

  /**
   * Notes what is about to be accepted, before any of it was: a close that comes later sees the note, and waits.
   *
   * @param staged The number of events; of a single producer the sequence behind them.
   * @param nothing What was noted before.
   * @throws When the ring was closed before.
   */
  readonly announce: (staged: number, nothing: number) => void;

  /** Notes less than before: who waits for a closed ring to end looks again. */
  withdraw(staged: number): void {
    Atomics.store(this.memory.words, this.cell + L.CELL_STAGED, staged);
    if (this.memory.state !== L.OPEN) this.memory.wakeAll();
  }

  /** Events, or places of a byte ring, that were accepted will never be seen. */
  lose(count: number): void {
    Atomics.add(this.memory.words, L.HEADER_LOST, count);
  }

  /**
   * Waits on the event loop until a claim that ends before `end()` fits, or the ring is closed.
   *
   * @param end Tells the sequence anew at each look: another producer may have been faster.
   * @param whileClosing Whether to go on waiting on a closed ring: for events that it has accepted.
   */
  room(end: () => number, options?: WaitOptions, whileClosing = false): Promise<void> {
    return wait(options, (resolve, reject) => this.await(end, resolve, reject, whileClosing), ROOM);
  }

  /** The same with callbacks, and a way to take it back. */
  await(
    end: () => number,
    resolve: () => void,
    reject: (error: Error) => void,
    whileClosing = false,
  ): Cancel | undefined {
    const { memory } = this;
    const last = whileClosing ? L.CLOSING : L.OPEN;
    const over = () => memory.state > last || !this.#open;
    const settle = () => {
      if (!this.#open) reject(closedProducer());
      else if (over()) reject(memory.closedError());
      else resolve();
    };
    if (this.#arm(end, over)) {
      settle();
      return undefined;
    }
    const stop = () => {
      this.#waiters.delete(waiter);
      if (this.#waiters.size === 0) listenToSource(this.#source, undefined);
      this.hold.release();
    };
    const waiter = () => {
      if (!this.#waiters.has(waiter) || !this.#arm(end, over)) return;
      stop();
      settle();
    };
    this.#waiters.add(waiter);
    listenToSource(this.#source, () => this.#wakeAll());
    this.hold.hold();
    return stop;
  }

  /** True when there is room or never will be; otherwise who makes room will wake us. */
  #arm(end: () => number, isOver: () => boolean): boolean {
    const { memory } = this;
    const { words, capacity } = memory;
    const bit = 1 << this.index;
    for (;;) {
      memory.slowestSink();
      const cell = memory.slowestCell;
      Atomics.or(words, cell + L.CELL_PRODUCERS, bit);
      if (isOver()) return true;
      // The bit stays: another wait of this producer may need it, and if not it costs one idle wake.
      if (((end() - memory.slowestSink()) | 0) <= capacity) return true;
      // Only who holds us back will wake us.
      if (memory.slowestCell === cell) return false;
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.memory.attached) binding.leaveProducer(this.memory.handle, this.index);
    this.#wakeAll();
    this.memory.closeSource(this.#source);
  }
}

/** What is asked of a producer that is closed. */
export function closedProducer(): MillraceError {
  return new MillraceError('ERR_MILLRACE_CLOSED', 'this producer is closed');
}
