import { MillraceError } from '../errors.js';
import { binding } from '../native/binding.js';
import type { Cancel } from '../operation.js';
import { blockUntil } from '../park/blocking.js';
import { environment, holdLoop, listenToSource, releaseLoop } from '../park/environment.js';
import { cellsOf, stageCell } from './cells.js';
import { Gather } from './gather.js';
import type { Stage } from './graph.js';
import { type Guest, takeSeat } from './join.js';
import { layout as L } from './layout.js';
import { callNative } from './native-error.js';
import type { RingMemory } from './ring-memory.js';
import { Skips } from './skips.js';
import { flushStaged } from './staged.js';

/** Whom a waker wakes when it is no source: the thread that sets it. */
const THIS_THREAD = -1;

/** Looks of an event loop before it sleeps: about 10 us at most. */
const MOST_SPINS = 1024;
const LEAST_SPINS = 16;

/** What a second wait beside another gets. */
export function waitedFor(): MillraceError {
  return new MillraceError(
    'ERR_MILLRACE_INVALID_ARGUMENT',
    'this consumer is waited for already, or at work in run() or into(); take one batch at a time',
  );
}

/**
 * @internal A stage's place in the stream, as its one consumer has it: what is ready, what is released, and
 * how to wait. Knows sequences, not events. `WorkReader` is the same for one of many.
 *
 * The protocol of sleeping is the one of crates/park: arm, look again, sleep.
 */
export class StageReader {
  readonly memory: RingMemory;
  readonly stage: Stage;
  /** Which bit and cell are ours. */
  protected readonly seat: number;
  /** Next sequence that nobody was handed yet. */
  next: number;
  /** Next sequence that was not released yet. */
  released: number;
  /** Sequences before this are known to be ready. */
  limit: number;
  /** Multi-producer rings: what producers gave up. */
  readonly #skips: Skips | undefined;
  readonly #gather: Gather;
  #spins = LEAST_SPINS;
  protected readonly upstream: readonly number[];
  protected readonly cell: number;
  /** Brings this stage's sequence to a value, and wakes who waits for it. */
  readonly #advance: (sequence: number) => void;
  readonly #source: number;
  #waiter: (() => void) | undefined;
  #open = true;

  constructor(memory: RingMemory, stage: Stage | Guest) {
    this.memory = memory;
    this.#skips = memory.multi ? new Skips(memory) : undefined;
    this.#gather = new Gather(memory.capacity);
    this.upstream = cellsOf(stage.upstream);
    this.#source = memory.openSource();
    try {
      [this.stage, this.seat] = this.takeSeat(stage);
    } catch (error) {
      memory.closeSource(this.#source);
      throw error;
    }
    this.cell = stageCell(this.seat);
    this.#advance = memory.advancer(this.cell, this.cell);
    this.released = Atomics.load(memory.words, this.cell);
    this.next = this.released;
    this.limit = this.released;
    binding.setConsumerWaker(environment, memory.handle, this.seat, this.#source);
  }

  /** Takes a seat, or throws; the stage as it is then. */
  protected takeSeat(stage: Stage | Guest): [Stage, number] {
    const taken = callNative(`stage '${stage.name}'`, () => takeSeat(this.memory, stage));
    return [taken, taken.index];
  }

  /**
   * Sequences behind one another that are ready and were not handed out. What producers gave up before them is passed
   * over, and released where nothing before it is held back.
   */
  available(): number {
    if (this.limit === this.next) {
      this.#gather.wait();
      this.limit = this.memory.slowest(this.upstream);
      this.#gather.found((this.limit - this.next) | 0);
      if (this.#skips !== undefined && this.limit !== this.next) this.#clip(this.#skips);
    }
    return (this.limit - this.next) | 0;
  }

  /** Passes over what was given up, and ends what is ready where more was. */
  #clip(skips: Skips): void {
    if (skips.quiet(this.released)) return;
    const { next, limit } = this;
    this.next = skips.behind(next, limit);
    this.limit = skips.before(this.next, limit);
    if (this.released === next && this.next !== next) {
      this.released = this.next;
      this.#advance(this.next);
    }
  }

  /** The same, about to be handed out: `most` at a time. */
  take(_most: number): number {
    return this.available();
  }

  /** What was handed out and not released comes again. */
  handBack(): void {
    this.next = this.released;
    this.limit = this.released;
  }

  /** What this stage has got: everything before it. */
  protected get position(): number {
    return this.next;
  }

  /** True when a cell of {@link upstream} holds us back, and advancing it will wake us. */
  protected waitsFor(cell: number): boolean {
    return ((Atomics.load(this.memory.words, cell) - this.next) | 0) <= 0;
  }

  /** Has who advances a cell wake us. */
  protected armOn(cell: number, bit: number): void {
    Atomics.or(this.memory.words, cell + L.CELL_CONSUMERS, bit);
  }

  /** True when there will be nothing more. */
  get ended(): boolean {
    if (!this.#open) return true;
    // Looked at again: who failed the ring may have released events since.
    return this.available() === 0 && this.memory.ended(this.next) && this.available() === 0;
  }

  /** Throws when this consumer was closed. */
  checkOpen(): void {
    if (this.#open) return;
    throw new MillraceError(
      'ERR_MILLRACE_CLOSED',
      `the consumer of stage '${this.stage.name}' is closed`,
    );
  }

  /** Throws when this stage ended before it had got all that was published, because the ring failed. */
  checkWhole(): void {
    const { memory } = this;
    if (memory.state !== L.FAILED || Atomics.load(memory.words, L.CURSOR_CELL) === this.position)
      return;
    throw memory.closedError();
  }

  get open(): boolean {
    return this.#open;
  }

  /**
   * Releases everything before `sequence`: stages behind may have it, producers may overwrite it. Never goes back: what
   * an iteration has passed may be less than what was released early. With it goes what was given up behind it and passed
   * over: nobody else would release that.
   */
  release(sequence: number): void {
    // What was given up may have been released by itself since this was asked for.
    if (((sequence - this.released) | 0) <= 0) return;
    const skips = sequence === this.next ? undefined : this.#skips;
    const held = skips === undefined || skips.quiet(this.released);
    this.released = held ? sequence : skips.behind(sequence, this.next);
    (this.memory.words[this.cell + L.CELL_BATCHES] as number)++;
    this.#advance(this.released);
  }

  /** The exact number of a sequence that is not behind what was released. */
  exact(sequence: number): number {
    const { memory, released } = this;
    return memory.exact(this.cell, released) + ((sequence - released) | 0);
  }

  /** Looks whether something is ready or all is over; if not, whoever changes that will wake us. */
  #look(arm: boolean): boolean {
    if (this.available() > 0 || this.ended) return true;
    if (!arm) return false;
    const { words } = this.memory;
    const bit = 1 << this.seat;
    for (;;) {
      this.memory.slowest(this.upstream);
      const cell = this.memory.slowestCell;
      this.armOn(cell, bit);
      const found = this.available() > 0 || this.ended;
      // Only a cell that still holds us back will wake us: another may have become the slowest.
      if (!found && this.waitsFor(cell)) {
        (words[this.cell + L.CELL_WAITS] as number)++;
        return false;
      }
      Atomics.and(words, cell + L.CELL_CONSUMERS, ~bit);
      if (found) return true;
    }
  }

  /**
   * Looks a while for events that are on their way. A sleep costs the publisher a wake, which takes longer than this;
   * the budget halves each time it was spent in vain, so that an idle stage spends none to speak of.
   */
  #spin(): boolean {
    for (let looks = this.#spins; looks > 0; looks--) {
      if (this.available() > 0) {
        this.#spins = MOST_SPINS;
        return true;
      }
    }
    this.#spins = Math.max(LEAST_SPINS, this.#spins >> 1);
    return false;
  }

  /** True when something is ready, or so soon that a sleep would be wasted. Flushes first, as every wait does. */
  soon(): boolean {
    flushStaged();
    return this.available() > 0 || (this.memory.spins && this.#spin());
  }

  /** Sleeps on the event loop until something is ready or all is over; false when it was so already. */
  ready(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#checkWait();
      let slept = false;
      this.#sleep(() => resolve(slept));
      slept = true;
    });
  }

  /** Looks a while and then sleeps, with a callback, and a way to take it back. */
  await(resolve: () => void): Cancel | undefined {
    this.#checkWait();
    if (!this.soon()) return this.#sleep(resolve);
    resolve();
    return undefined;
  }

  #checkWait(): void {
    if (!this.memory.sleeps) {
      throw new MillraceError(
        'ERR_MILLRACE_INVALID_ARGUMENT',
        "a ring that waits by 'yield' or 'spin' cannot wake an event loop; use 'adaptive' or 'block', or run()",
      );
    }
    if (this.#waiter) throw waitedFor();
  }

  #sleep(resolve: () => void): Cancel | undefined {
    flushStaged();
    const look = () => {
      if (!this.#look(true)) return;
      end();
      resolve();
    };
    const end = () => {
      this.#waiter = undefined;
      listenToSource(this.#source, undefined);
      if (this.#referenced) releaseLoop();
    };
    if (this.#look(true)) {
      resolve();
      return undefined;
    }
    this.#waiter = look;
    listenToSource(this.#source, look);
    if (this.#referenced) holdLoop();
    return end;
  }

  /**
   * Has `callback` called once when something is ready or all is over, and does not hold the event loop. True when it
   * is so already: then it is not called.
   */
  arm(callback: () => void): boolean {
    if (this.#look(true)) return true;
    const ready = () => {
      this.#waiter = undefined;
      listenToSource(this.#source, undefined);
      callback();
    };
    this.#waiter = ready;
    listenToSource(this.#source, ready);
    return false;
  }

  /** Blocks this worker until something is ready or all is over: false when `until` came first. */
  block(until = Infinity): boolean {
    flushStaged();
    return blockUntil(this.memory.spins, this.memory.sleeps, (arm) => this.#look(arm), until);
  }

  /** Runs `work`, in which {@link block} may be called, with this thread as who is woken. Only where it may block. */
  whileBlocking(work: () => void): void {
    // Its event loop would not be woken any more.
    if (this.#waiter) throw waitedFor();
    const { handle } = this.memory;
    binding.setConsumerWaker(environment, handle, this.seat, THIS_THREAD);
    try {
      work();
    } finally {
      if (this.#open) {
        binding.setConsumerWaker(environment, handle, this.seat, this.#source);
      }
    }
  }

  /** Has who waits look again. */
  protected wakeWaiter(): void {
    this.#waiter?.();
  }

  #referenced = true;

  /** Whether waiting for events keeps the event loop alive. */
  reference(value: boolean): void {
    if (value === this.#referenced) return;
    this.#referenced = value;
    if (!this.#waiter) return;
    if (value) holdLoop();
    else releaseLoop();
  }

  /** Lets another open the stage, which gets what was not released; a stage that joined leaves. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    const { memory, seat } = this;
    try {
      if (memory.attached) {
        callNative(`leaving stage '${this.stage.name}'`, () =>
          binding.leaveStage(memory.handle, seat),
        );
      }
    } finally {
      this.#waiter?.();
      memory.closeSource(this.#source);
    }
  }
}
