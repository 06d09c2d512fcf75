import { MillraceError } from '../errors.js';
import { binding } from '../native/binding.js';
import { type Cancel, type WaitOptions, wait } from '../operation.js';
import { environment, listenToSource } from '../park/environment.js';
import { LoopHold } from '../park/loop-hold.js';
import { producerCell } from './cells.js';
import { layout as L } from './layout.js';
import { callNative } from './native-error.js';
import type { RingMemory } from './ring-memory.js';
import { retryNoMore, retryWhenFlushing } from './staged.js';

/** Whether a thread that closes a ring can fence all others of this process. */
const fenced = binding.fencesOthers();

/** What a producer waits for, for messages. */
export const ROOM = 'room in the ring';

/** Whom a waker wakes when it is no source: the thread that sets it. */
export const THIS_THREAD = -1;

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
    const what = memory.multi ? 'the last producer seat' : 'the single producer';
    try {
      this.index = callNative(what, () => binding.takeProducer(environment, memory.handle));
      this.#setWaker(this.#source);
    } catch (error) {
      memory.closeSource(this.#source);
      throw error;
    }
    this.cell = producerCell(memory.words, this.index);
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

  #setWaker(source: number): void {
    callNative('waiting for room', () =>
      binding.setProducerWaker(environment, this.memory.handle, this.index, source),
    );
  }

  /** Has everyone who waits look again. */
  retry(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  wakeThread(blocks: boolean): void {
    if (!this.#open) return;
    this.#setWaker(blocks ? THIS_THREAD : this.#source);
    // Who made room meanwhile has woken the other.
    this.retry();
  }

  get open(): boolean {
    return this.#open;
  }

  /** Notes how many events were accepted and not flushed, for who counts what is lost with this thread. */
  noteStaged(staged: number): void {
    this.memory.words[this.cell + L.CELL_STAGED] = staged;
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
   * @returns A way to take it back; undefined when it is over already.
   */
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
    listenToSource(this.#source, () => this.retry());
    this.hold.hold();
    return stop;
  }

  /**
   * Waits until `attempt` gives something. Each time that it does not there was no room; it is asked again when there is
   * some, which another may have taken by then.
   */
  whenRoom<T>(
    options: WaitOptions | undefined,
    end: () => number,
    attempt: () => T | undefined,
  ): Promise<T> {
    return wait<T>(
      options,
      (resolve, reject) => {
        let stop: Cancel | undefined;
        const again = () => {
          try {
            const result = attempt();
            if (result !== undefined) return resolve(result);
            // Undefined when there was room at once: then this was called again, and has set `stop` by itself.
            stop = this.await(end, again, reject) ?? stop;
          } catch (error) {
            reject(error);
          }
        };
        again();
        return (error) => stop?.(error);
      },
      ROOM,
    );
  }

  /** Calls `flush`, for what a full ring did not take, when there is room or never will be: also while this thread blocks. */
  flushLater(end: () => number, flush: () => void): void {
    if (this.#rest) return;
    this.#rest = true;
    retryWhenFlushing(this);
    const again = () => {
      this.#rest = false;
      retryNoMore(this);
      flush();
    };
    this.await(end, again, again, true);
  }
  #rest = false;

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
    const { memory, index } = this;
    try {
      if (memory.attached) {
        callNative('leaving a ring', () => binding.leaveProducer(memory.handle, index));
      }
    } finally {
      this.retry();
      memory.closeSource(this.#source);
    }
  }
}

/** What is asked of a producer that is closed. */
export function closedProducer(): MillraceError {
  return new MillraceError('ERR_MILLRACE_CLOSED', 'this producer is closed');
}
