import { EventStep } from './event-step.js';
import type { SlotView } from './slot-view.js';
import type { StageReader } from './stage-reader.js';
import type { ViewClass } from './view.js';

/**
 * All events that were ready, in order. Valid until the next step of the consumer; the events in it
 * are one reused view, each valid until the next one is asked for.
 */
export class EventBatch<E extends object> implements Iterable<E> {
  readonly #reader: StageReader;
  readonly #step: EventStep<E>;
  #first = 0;
  #length = 0;

  /** @internal */
  constructor(reader: StageReader, view: ViewClass<SlotView>) {
    this.#reader = reader;
    this.#step = new EventStep<E>(view);
  }

  /** Number of events. */
  get length(): number {
    return this.#length;
  }

  /** The number of the first event: events are counted from 0 on, exactly, for the ring's life. */
  get sequence(): number {
    return this.#reader.exact(this.#first);
  }

  /** The event at `index`, counted from the end when negative; undefined beyond the batch. */
  at(index: number): E | undefined {
    const i = index < 0 ? this.#length + index : index;
    return i >= 0 && i < this.#length ? this.#step.eventAt(this.#first + i) : undefined;
  }

  /** Every event in order. One iteration at a time. */
  [Symbol.iterator](): Iterator<E> {
    return this.#step.begin(this.#first, (this.#first + this.#length) | 0);
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
    this.#step.expire();
  }
}
