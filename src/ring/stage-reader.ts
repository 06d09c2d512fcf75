import { MillraceError } from '../errors.js';
import { binding } from '../native/binding.js';
import type { Cancel } from '../operation.js';
import { blockUntil } from '../park/blocking.js';
import { environment, listenToSource } from '../park/environment.js';
import { LoopHold } from '../park/loop-hold.js';
import type { Stage } from './graph.js';
import type { Guest } from './join.js';
import { layout as L } from './layout.js';
import { callNative } from './native-error.js';
import type { Place } from './place.js';
import type { RingMemory } from './ring-memory.js';
import { THIS_THREAD } from './seat.js';
import { flushStaged, whileBlocking } from './staged.js';
import { takePlace } from './take-place.js';

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
 * @internal How a consumer waits, on its event loop or blocking, and when it has ended. What there is to wait for its
 * {@link Place} knows.
 *
 * The protocol of sleeping is the one of crates/park: arm, look again, sleep.
 */
export class StageReader {
  readonly place: Place;
  #spins = LEAST_SPINS;
  readonly #source: number;
  /** Has who waits look again, or be told without a look. */
  #waiter: ((atOnce?: boolean) => void) | undefined;
  #open = true;
  readonly #hold = new LoopHold();

  constructor(memory: RingMemory, stage: Stage | Guest) {
    this.#source = memory.openSource();
    try {
      this.place = takePlace(memory, stage, () => this.#waiter?.());
    } catch (error) {
      memory.closeSource(this.#source);
      throw error;
    }
    this.#setWaker(this.#source);
  }

  get memory(): RingMemory {
    return this.place.memory;
  }

  get stage(): Stage {
    return this.place.stage;
  }

  /** True when there will be nothing more. */
  get ended(): boolean {
    return !this.#open || this.place.ended;
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
    const { memory, position } = this.place;
    if (memory.state !== L.FAILED || Atomics.load(memory.words, L.CURSOR_CELL) === position) return;
    throw memory.closedError();
  }

  get open(): boolean {
    return this.#open;
  }

  /** Whether something is ready or all is over. Of a consumer that was closed the place may be another's: not touched. */
  get #found(): boolean {
    return !this.#open || this.place.available() > 0 || this.place.ended;
  }

  /** Looks whether something is ready or all is over; if not, whoever changes that will wake us. */
  #look(arm: boolean): boolean {
    const { place } = this;
    if (this.#found) return true;
    if (!arm) return false;
    const { words } = place.memory;
    const bit = 1 << place.seat;
    for (;;) {
      place.memory.slowest(place.upstream);
      const cell = place.memory.slowestCell;
      place.armOn(cell, bit);
      const found = this.#found;
      // Only a cell that still holds us back will wake us: another may have become the slowest.
      if (!found && place.waitsFor(cell)) {
        (words[place.cell + L.CELL_WAITS] as number)++;
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
      if (this.place.available() > 0) {
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
    return this.place.available() > 0 || (this.memory.spins && this.#spin());
  }

  /** Sleeps on the event loop until something is ready or all is over; false when it was so already. */
  ready(): Promise<boolean> {
    return new Promise((resolve) => {
      let slept = false;
      this.#sleep(() => resolve(slept));
      slept = true;
    });
  }

  /** Looks a while and then sleeps, with a callback, and a way to take it back. */
  await(resolve: () => void): Cancel | undefined {
    if (!this.soon()) return this.#sleep(resolve);
    resolve();
    return undefined;
  }

  /** Throws where nothing can be waited for on an event loop, even if something is ready now. */
  checkMayWait(): void {
    this.checkOpen();
    if (this.memory.sleeps) return;
    throw new MillraceError(
      'ERR_MILLRACE_INVALID_ARGUMENT',
      "a ring that waits by 'yield' or 'spin' cannot wake an event loop; use 'adaptive' or 'block', or run()",
    );
  }

  /** Ends the wait of who sleeps on the event loop, though nothing may be ready. */
  interrupt(): void {
    this.#waiter?.(true);
  }

  #sleep(resolve: () => void): (() => void) | undefined {
    if (this.#waiter) throw waitedFor();
    flushStaged();
    const look = (atOnce = false) => {
      if (!atOnce && !this.#look(true)) return;
      end();
      resolve();
    };
    // Once: the loop is held once.
    const end = () => {
      if (this.#waiter !== look) return;
      this.#waiter = undefined;
      listenToSource(this.#source, undefined);
      this.#hold.release();
    };
    if (this.#look(true)) {
      resolve();
      return undefined;
    }
    this.#waiter = look;
    listenToSource(this.#source, look);
    this.#hold.hold();
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
    this.place.checkMayBlock();
    flushStaged();
    const { spins, sleeps } = this.memory;
    return blockUntil(spins, sleeps, (arm) => this.#look(arm), flushStaged, until);
  }

  /** Runs `work`, in which {@link block} may be called, with this thread as who is woken. Only where it may block. */
  whileBlocking(work: () => void): void {
    // Its event loop would not be woken any more.
    if (this.#waiter) throw waitedFor();
    this.#setWaker(THIS_THREAD);
    try {
      whileBlocking(work);
    } finally {
      if (this.#open) this.#setWaker(this.#source);
    }
  }

  #setWaker(source: number): void {
    callNative('waiting for events', () =>
      binding.setConsumerWaker(environment, this.memory.handle, this.place.seat, source),
    );
  }

  /** Whether waiting for events keeps the event loop alive. */
  reference(value: boolean): void {
    this.#hold.reference(value);
  }

  /** Lets another open the stage, which gets what was not released; a stage that joined leaves. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    const { memory, stage, seat } = this.place;
    try {
      if (memory.attached) {
        callNative(`leaving stage '${stage.name}'`, () => binding.leaveStage(memory.handle, seat));
      }
    } finally {
      this.#waiter?.();
      memory.closeSource(this.#source);
    }
  }
}
