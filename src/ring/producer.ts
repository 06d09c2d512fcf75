import { invalidArgument, type MillraceError } from '../errors.js';
import { checkMayStart, type Operation, type WaitOptions } from '../operation.js';
import { Claim } from './claim.js';
import type { RingMemory } from './ring-memory.js';
import { RingProducer } from './ring-producer.js';
import { ROOM } from './seat.js';
import { type SlotView, slotView } from './slot-view.js';
import type { View, ViewClass } from './view.js';

/**
 * Fills an event, which is a view that is reused: not to be kept. `argument` is what was given beside it, so that one
 * function serves for all events. It has to set every field: a slot still has what was in it a lap ago. It must not use
 * the producer, which would write to the same slot: publishing or claiming then throws `ERR_MILLRACE_INVALID_ARGUMENT`.
 */
export type Write<E, A> = (event: E, argument: A) => void;

/** Fills the event at `index`, from 0 on, of several; see {@link Write}. */
export type WriteMany<E, A> = (event: E, index: number, argument: A) => void;

/** The error for a callback that is none. */
export function noWrite(write: unknown): MillraceError {
  return invalidArgument('write', write, 'a function that fills the event');
}

/**
 * Events a producer stages at most: one more, and it flushes by itself. So many that what a flush costs, and what it
 * costs a consumer on another core to see it, does not count; written one after the other they take 2 us.
 */
const FLUSH_AT = 256;

/**
 * Publishes events, for the thread that opened it. Consumers see them after a flush: 256 at a time (a quarter of a ring
 * of fewer than 1,024 slots), at the end of the turn, before this thread waits or blocks, after each batch inside `run`,
 * or by {@link flush}. So an event is seen at the latest when this thread's turn of the event loop ends; on a full
 * `'multi'` ring, when there is room.
 *
 * Events accepted and not flushed when the thread is terminated, or when a consumer fails and stops the ring, are
 * lost, and counted in the ring's `stats()`. A ring that is closed still takes them.
 */
export abstract class Producer<E extends object> extends RingProducer {
  readonly #inPlace: () => ViewClass<View>;
  /** The view of claimed slots; made when it is needed. */
  #slotView: ViewClass<SlotView> | undefined;

  /**
   * @internal
   * @param inPlace Makes the view of events in the ring.
   */
  protected constructor(memory: RingMemory, inPlace: () => ViewClass<View>) {
    super(memory, FLUSH_AT);
    this.#inPlace = inPlace;
  }

  /**
   * Accepts an event if there is room. Allocates nothing.
   *
   * @param write Fills the event; when it throws, nothing was accepted.
   * @param argument What `write` gets beside the event.
   * @returns false when the ring is full, and of a `'multi'` ring this producer's staging memory too: nothing was accepted.
   * @throws `ERR_MILLRACE_CLOSED`, `ERR_MILLRACE_CONSUMER_FAILED`, `ERR_MILLRACE_INVALID_ARGUMENT`. A `write` that is no
   *   function gets the ordinary `TypeError` of calling one on rings of a single producer, unless `MILLRACE_CHECK=1`:
   *   looking with each event would cost a fifth of it.
   */
  abstract tryPublish<A = undefined>(write: Write<E, A>, argument?: A): boolean;

  #end(n: number): () => number {
    return () => (this.next + n) | 0;
  }

  /**
   * Accepts an event, waiting for room. Costs a promise: where events are many, {@link tryPublish} and {@link ready} when
   * that is false.
   *
   * @throws Rejects as {@link tryPublish} throws, and with `ERR_MILLRACE_TIMEOUT` or `ERR_MILLRACE_ABORTED`.
   */
  async publish<A = undefined>(
    write: Write<E, A>,
    argument?: A,
    options?: WaitOptions,
  ): Promise<void> {
    checkMayStart(options, ROOM);
    if (this.tryPublish(write, argument)) return;
    const attempt = () => this.tryPublish(write, argument) || undefined;
    await this.seat.whenRoom(options, this.#end(1), attempt);
  }

  /**
   * Accepts `n` events, waiting for room as often as needed.
   *
   * @param n From 1 to the ring's capacity.
   * @throws Rejects as {@link publish} does; what was accepted until then stays so.
   */
  async publishMany<A = undefined>(
    n: number,
    write: WriteMany<E, A>,
    argument?: A,
    options?: WaitOptions,
  ): Promise<void> {
    const { capacity } = this.memory;
    if (!Number.isInteger(n) || n < 1 || n > capacity) {
      throw invalidArgument('n', n, `a whole number from 1 to the capacity, ${capacity}`);
    }
    if (typeof write !== 'function') throw noWrite(write);
    checkMayStart(options, ROOM);
    let done = this.tryPublishSome(n, 0, write, argument as A);
    if (done === n) return;
    const attempt = () => {
      done += this.tryPublishSome(n - done, done, write, argument as A);
      return done === n || undefined;
    };
    await this.seat.whenRoom(options, this.#end(1), attempt);
  }

  /** @internal Accepts as many of `n` events as there is room for; their number. */
  protected abstract tryPublishSome<A>(
    n: number,
    from: number,
    write: WriteMany<E, A>,
    argument: A,
  ): number;

  /**
   * Claims `n` slots if there is room: what was accepted before is flushed, so that it comes before them. Publishing
   * anything else with this producer throws until the claim is committed or aborted.
   *
   * @param n From 1 to the ring's capacity.
   * @returns undefined when there is no room for all of them now.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`, also while this producer has another claim open; `ERR_MILLRACE_CLOSED`,
   *   `ERR_MILLRACE_CONSUMER_FAILED`.
   */
  tryClaim(n: number): Claim<E> | undefined {
    const { capacity } = this.memory;
    if (!Number.isInteger(n) || n < 1 || n > capacity) {
      throw invalidArgument('n', n, `a whole number from 1 to the capacity, ${capacity}`);
    }
    if (!this.mayClaim()) return undefined;
    // Before anything is claimed: what fails then leaves no claim behind.
    this.#slotView ??= slotView(this.#inPlace(), this.memory);
    const start = this.slots.claim(n);
    if (start === undefined) return undefined;
    const claim = new Claim<E>(this.#slotView, start, n, (used) => {
      this.openClaim = undefined;
      this.slots.endClaim(start, n, used);
    });
    this.openClaim = claim;
    return claim;
  }

  /**
   * Claims `n` slots, waiting for room for all of them.
   *
   * @throws Rejects as {@link tryClaim} throws, and with `ERR_MILLRACE_TIMEOUT` or `ERR_MILLRACE_ABORTED`: then nothing
   *   is claimed.
   */
  claim(n: number, options?: WaitOptions): Promise<Claim<E>> {
    const attempt = () => this.tryClaim(n);
    return this.seat.whenRoom(options, this.#end(n), attempt);
  }

  /**
   * Waits until there is room for one event; of a `'multi'` ring another producer may take it first.
   *
   * @throws Rejects with `ERR_MILLRACE_CLOSED`, `ERR_MILLRACE_CONSUMER_FAILED`, `ERR_MILLRACE_TIMEOUT` or
   *   `ERR_MILLRACE_ABORTED`.
   */
  ready(options?: WaitOptions): Operation<void> {
    return this.room(this.#end(1), options);
  }
}
