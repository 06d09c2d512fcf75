import { inspect } from 'node:util';
import { invalidArgument, MillraceError } from '../errors.js';
import { checkMayStart, type Operation, operation, type WaitOptions } from '../operation.js';
import { Claim } from './claim.js';
import type { RingMemory } from './ring-memory.js';
import { closedProducer, ROOM, Seat } from './seat.js';
import { type SlotView, slotView } from './slot-view.js';
import { flushAtEndOfTurn, flushNoMore } from './staged.js';
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

/** The error for a callback that publishes with the producer whose event it fills. */
export function publishedWithin(): MillraceError {
  return new MillraceError(
    'ERR_MILLRACE_INVALID_ARGUMENT',
    'write must not publish with the producer whose event it fills',
  );
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
export abstract class Producer<E extends object> {
  /** @internal */
  protected readonly memory: RingMemory;
  /** @internal */
  protected readonly seat: Seat;
  /** @internal Events staged at most: a small ring's consumers are not kept waiting for it to fill. */
  protected readonly flushAt: number;
  readonly #inPlace: () => ViewClass<View>;
  /** The view of claimed slots; made when it is needed. */
  #slotView: ViewClass<SlotView> | undefined;
  /** The claim that is open. */
  #claim: Claim<E> | undefined;
  #closed = false;
  /** @internal */
  scheduled = false;

  /**
   * @internal
   * @param inPlace Makes the view of events in the ring.
   */
  protected constructor(memory: RingMemory, inPlace: () => ViewClass<View>) {
    this.memory = memory;
    this.#inPlace = inPlace;
    this.seat = new Seat(memory);
    this.flushAt = Math.min(FLUSH_AT, Math.max(1, memory.capacity >> 2));
    memory.opened(this);
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

  /**
   * Makes what was accepted visible, and wakes consumers that wait for it. On a full `'multi'` ring the rest follows when
   * there is room.
   */
  abstract flush(): void;

  /** @internal Where a claim of `n` events would end. */
  protected abstract end(n: number): number;

  /** Events accepted and not yet seen by consumers. */
  abstract get staged(): number;

  /** @internal Has the flush at the end of the turn made. */
  protected stage(): void {
    if (!this.scheduled) flushAtEndOfTurn(this);
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
    await this.seat.whenRoom(options, () => this.end(1), attempt);
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
    await this.seat.whenRoom(options, () => this.end(1), attempt);
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
    this.checkOpen();
    this.checkWriting();
    this.flush();
    if (this.staged > 0) return undefined;
    // Before anything is claimed: what fails then leaves no claim behind.
    this.#slotView ??= slotView(this.#inPlace(), this.memory);
    const start = this.claimSlots(n);
    if (start === undefined) return undefined;
    this.#claim = new Claim(this.#slotView, start, n, (used) => {
      this.#claim = undefined;
      this.endClaim(start, n, used);
    });
    return this.#claim;
  }

  /**
   * Claims `n` slots, waiting for room for all of them.
   *
   * @throws Rejects as {@link tryClaim} throws, and with `ERR_MILLRACE_TIMEOUT` or `ERR_MILLRACE_ABORTED`: then nothing
   *   is claimed.
   */
  claim(n: number, options?: WaitOptions): Promise<Claim<E>> {
    const attempt = () => this.tryClaim(n);
    return this.seat.whenRoom(options, () => this.end(n), attempt);
  }

  /**
   * @internal The error for a `write` in which this producer moved on: it was closed, or has published. What `write` has
   * claimed is given up, so that who is told so has nothing open.
   */
  protected movedWithin(): MillraceError {
    this.#claim?.abort();
    return this.#closed ? closedProducer() : publishedWithin();
  }

  /** @internal Throws in a `write` of this producer, as far as that can be told here. */
  protected abstract checkWriting(): void;

  /** @internal Claims slots behind all that was flushed: the first one's sequence, undefined when there is no room. */
  protected abstract claimSlots(n: number): number | undefined;

  /** @internal Publishes the first `used` of the claimed slots. */
  protected abstract endClaim(start: number, n: number, used: number): void;

  /**
   * Waits until there is room for one event; of a `'multi'` ring another producer may take it first.
   *
   * @throws Rejects with `ERR_MILLRACE_CLOSED`, `ERR_MILLRACE_CONSUMER_FAILED`, `ERR_MILLRACE_TIMEOUT` or
   *   `ERR_MILLRACE_ABORTED`.
   */
  ready(options?: WaitOptions): Operation<void> {
    return operation(
      options,
      (resolve, reject) => {
        this.flush();
        return this.seat.await(() => this.end(1), resolve, reject);
      },
      ROOM,
    );
  }

  /** @internal */
  protected checkOpen(): void {
    this.checkFree();
    this.memory.checkOpen();
  }

  /** @internal Throws when this producer cannot publish, whatever its ring says. */
  protected checkFree(): void {
    if (this.#closed) throw closedProducer();
    if (!this.#claim) return;
    throw new MillraceError(
      'ERR_MILLRACE_INVALID_ARGUMENT',
      `this producer has a claim of ${this.#claim.length} events open; commit or abort it first`,
    );
  }

  /**
   * Takes nothing more, flushes, aborts a claim that is open, and gives this producer's seat to others: on a full
   * multi-producer ring not before there was room for all that was accepted.
   */
  close(): void;
  /** @internal */
  close(now: true): void;
  close(now?: true): void {
    if (!this.seat.open) return;
    this.#closed = true;
    if (now) {
      // Who lets go of the ring leaves its claim to be recovered, as a thread that ends does.
      this.#claim?.expire();
      this.#claim = undefined;
    } else this.#claim?.abort();
    this.flush();
    if (now || this.staged === 0) this.leaveSeat();
  }

  /** @internal */
  protected leaveSeat(): void {
    flushNoMore(this);
    this.memory.closed(this);
    this.seat.close();
  }

  /** @internal */
  protected get closed(): boolean {
    return this.#closed;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [inspect.custom](): string {
    return `${this.constructor.name} { staged: ${this.staged}, open: ${!this.#closed} }`;
  }
}
