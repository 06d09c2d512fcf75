import { binding } from '../native/binding.js';
import { type Cancel, type WaitOptions, wait } from '../operation.js';
import {
  closeSource,
  environment,
  holdLoop,
  openSource,
  releaseLoop,
} from '../park/environment.js';
import { layout as L } from './layout.js';
import { nativeError } from './native-error.js';
import { type RingMemory, stageCell } from './ring-memory.js';

/** A producer's seat in a ring: its bit, its cell, and how it waits for room. */
export class Seat {
  readonly memory: RingMemory;
  readonly index: number;
  /** Word of this producer's cell. */
  readonly cell: number;
  readonly #source: number;
  readonly #waiters = new Set<() => void>();
  #open = true;

  constructor(memory: RingMemory, stages: number) {
    this.memory = memory;
    try {
      this.index = binding.takeProducer(environment, memory.handle);
    } catch (error) {
      throw nativeError(error, memory.multi ? 'the last producer seat' : 'the single producer');
    }
    this.cell = stageCell(stages + this.index);
    this.#source = openSource(() => this.#wakeAll());
    binding.setProducerWaker(environment, memory.handle, this.index, this.#source);
  }

  #wakeAll(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  get open(): boolean {
    return this.#open;
  }

  /**
   * What is accepted and not flushed, for who counts it if this thread ends: how far has been
   * written on single-producer rings, how many events on others.
   */
  noteStaged(staged: number): void {
    this.memory.words[this.cell + L.CELL_STAGED] = staged;
  }

  /**
   * Waits on the event loop until a claim that ends before `end()` fits, or the ring is closed.
   *
   * @param end Tells the sequence anew at each look: another producer may have been faster.
   */
  room(end: () => number, options?: WaitOptions): Promise<void> {
    return wait(options, (resolve, reject) => this.await(end, resolve, reject), 'room in the ring');
  }

  /** The same with callbacks, and a way to take it back. */
  await(
    end: () => number,
    resolve: () => void,
    reject: (error: Error) => void,
  ): Cancel | undefined {
    const { memory } = this;
    const settle = () => {
      if (memory.state !== L.OPEN || !this.#open) reject(memory.closedError());
      else resolve();
    };
    if (this.#arm(end)) {
      settle();
      return undefined;
    }
    const stop = () => {
      this.#waiters.delete(waiter);
      releaseLoop();
    };
    const waiter = () => {
      if (!this.#arm(end)) return;
      stop();
      settle();
    };
    this.#waiters.add(waiter);
    holdLoop();
    return stop;
  }

  /** True when there is room or never will be; otherwise who makes room will wake us. */
  #arm(end: () => number): boolean {
    const { memory } = this;
    const { words, sinks, capacity } = memory;
    const bit = 1 << this.index;
    for (;;) {
      memory.slowest(sinks);
      const cell = memory.slowestCell;
      Atomics.or(words, cell + L.CELL_PRODUCERS, bit);
      const over = memory.state !== L.OPEN || !this.#open;
      // Only a sink that still holds us back will wake us.
      if (!over && ((end() - Atomics.load(words, cell)) | 0) > capacity) return false;
      // The bit stays: another wait of this producer may need it, and if not it costs one idle wake.
      if (over || ((end() - memory.slowest(sinks)) | 0) <= capacity) return true;
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.memory.attached) binding.leaveProducer(this.memory.handle, this.index);
    this.#wakeAll();
    closeSource(this.#source);
  }
}
