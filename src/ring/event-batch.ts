import { EventStep } from './event-step.js';
import type { Held } from './held.js';
import type { Place } from './place.js';
import type { SlotView } from './slot-view.js';
import type { ViewClass } from './view.js';

/**
 * All events that were ready, in order. Valid until the next step of the consumer, or with `release: 'manual'` until
 * its events are released; the events in it are one reused view, each valid until the next one is asked for.
 */
export class EventBatch<E extends object> implements Iterable<E> {
  readonly #place: Place;
  readonly #held: Held;
  readonly #step: EventStep<E>;
  #first = 0;
  #length = 0;

  /** @internal */
  constructor(place: Place, view: ViewClass<SlotView>, held: Held) {
    this.#place = place;
    this.#held = held;
    this.#step = new EventStep<E>(view, held);
  }

  /** Number of events, those included that were released early. */
  get length(): number {
    return this.#length;
  }

  /** The number of the first event: events are counted from 0 on, exactly, for the ring's life. */
  get sequence(): number {
    return this.#place.exact(this.#first);
  }

  /** The number behind the last event: who releases it is done with the batch. */
  get end(): number {
    return this.sequence + this.#length;
  }

  /** The event at `index`, counted from the end when negative; undefined beyond the batch. */
  at(index: number): E | undefined {
    const i = index < 0 ? this.#length + index : index;
    return i >= 0 && i < this.#length ? this.#step.eventAt((this.#first + i) | 0) : undefined;
  }

  /** Every event in order, from the first that was not released. One iteration at a time. */
  [Symbol.iterator](): Iterator<E> {
    const end = (this.#first + this.#length) | 0;
    return this.#step.begin(this.#held.rest(this.#first, end), end);
  }

  /** @internal The batch of `length` events from `first` on. */
  become(first: number, length: number): this {
    this.#first = first;
    this.#length = length;
    this.#step.begin(first, (first + length) | 0);
    return this;
  }

  /** @internal The sequence behind the events that an iteration has passed. */
  get passed(): number {
    return this.#step.passed;
  }

  /** @internal The step of its consumer is over. */
  expire(): void {
    this.#length = 0;
    this.stop();
  }

  /** @internal With `MILLRACE_CHECK=1`: throws when what the stage does not own was written into. */
  checkUnwritten(): void {
    this.#step.checkUnwritten();
  }

  /** @internal Ends an iteration under way. */
  stop(): void {
    this.#step.expire();
  }
}
