import { inspect } from 'node:util';
import { MillraceError } from '../errors.js';
import { type Operation, operation, type WaitOptions } from '../operation.js';
import type { OpenClaim } from './open-claim.js';
import type { RingMemory } from './ring-memory.js';
import { closedProducer, ROOM, Seat } from './seat.js';
import type { Slots } from './slots.js';
import { flushAtEndOfTurn, flushNoMore } from './staged.js';

/** The error for a callback that publishes with the producer whose event it fills. */
export function publishedWithin(): MillraceError {
  return new MillraceError(
    'ERR_MILLRACE_INVALID_ARGUMENT',
    'write must not publish with the producer whose event it fills',
  );
}

/** What producers of both kinds of rings have in common. */
export abstract class RingProducer {
  /** @internal */
  protected readonly memory: RingMemory;
  /** @internal */
  protected readonly seat: Seat;
  /** @internal Slots staged at most: a small ring's consumers are not kept waiting for it to fill. */
  protected readonly flushAt: number;
  /** @internal */
  protected abstract readonly slots: Slots;
  /** @internal The claim that is open. */
  protected openClaim: OpenClaim | undefined;
  #closed = false;
  /** @internal */
  scheduled = false;

  /**
   * @internal
   * @param flushAt Slots it stages at most, on a ring of four times as many.
   */
  protected constructor(memory: RingMemory, flushAt: number) {
    this.memory = memory;
    this.seat = new Seat(memory);
    this.flushAt = Math.min(flushAt, Math.max(1, memory.capacity >> 2));
    memory.opened.add('producer', this, this.seat);
  }

  /**
   * Makes what was accepted visible, and wakes consumers that wait for it. On a full `'multi'` ring the rest follows when
   * there is room.
   */
  flush(): void {
    const { slots } = this;
    slots.flush();
    if (this.#closed && this.seat.open && slots.staged === 0) this.#leaveSeat();
  }

  /** Events (places, of a byte ring) accepted and not yet seen by consumers. */
  get staged(): number {
    return this.slots.staged;
  }

  /** @internal Where the next claim would begin. */
  protected abstract get next(): number;

  /** @internal Has the flush at the end of the turn made. */
  protected stage(): void {
    if (!this.scheduled) flushAtEndOfTurn(this);
  }

  /** @internal Waits, once it is awaited, until a claim that ends before `end()` fits. */
  protected room(end: () => number, options: WaitOptions | undefined): Operation<void> {
    return operation(
      options,
      (resolve, reject) => {
        this.flush();
        return this.seat.await(end, resolve, reject);
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
    if (!this.openClaim) return;
    const { length, unit } = this.openClaim;
    throw new MillraceError(
      'ERR_MILLRACE_INVALID_ARGUMENT',
      `this producer has a claim of ${length} ${unit} open; commit or abort it first`,
    );
  }

  /** @internal Has what was accepted seen, which comes before a claim; false when there was no room for all of it. */
  protected mayClaim(): boolean {
    this.checkOpen();
    this.checkWriting();
    this.flush();
    return this.staged === 0;
  }

  /** @internal Throws in a `write` of this producer, as far as that can be told here. */
  protected abstract checkWriting(): void;

  /**
   * @internal The error for a `write` in which this producer moved on: it was closed, or has published. What `write` has
   * claimed is given up, so that who is told so has nothing open.
   */
  protected movedWithin(): MillraceError {
    this.openClaim?.abort();
    return this.#closed ? closedProducer() : publishedWithin();
  }

  /** Whether waiting for room keeps the event loop alive; it does unless said otherwise. */
  ref(): this {
    this.seat.hold.reference(true);
    return this;
  }

  /** See {@link ref}. */
  unref(): this {
    this.seat.hold.reference(false);
    return this;
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
      this.openClaim?.expire();
      this.openClaim = undefined;
    } else this.openClaim?.abort();
    this.flush();
    if (now && this.seat.open) this.#leaveSeat();
  }

  #leaveSeat(): void {
    this.slots.leave();
    flushNoMore(this);
    this.memory.opened.delete(this);
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
