import type { Held } from './held.js';
import type { Place } from './place.js';
import { RecordStep } from './record-step.js';
import type { View, ViewClass } from './view.js';

/**
 * Records that were ready, in order. Valid until the next step of the consumer, or with `release: 'manual'` until they
 * are released; the records in it are one reused view, each valid until the next one is asked for.
 */
export class RecordBatch<R extends object> implements Iterable<R> {
  readonly #place: Place;
  readonly #held: Held;
  readonly #step: RecordStep<R>;
  #first = 0;
  #end = 0;
  /** Where its records begin, once somebody has asked. */
  #begins: readonly number[] | undefined;

  /** @internal */
  constructor(place: Place, view: ViewClass<View>, held: Held) {
    this.#place = place;
    this.#held = held;
    this.#step = new RecordStep<R>(place.memory, view, held);
  }

  /** The number of the first record's place in the ring, exact; records take one or more places. */
  get sequence(): number {
    return this.#place.exact(this.#first);
  }

  /** The number behind the last record: who releases it is done with the batch. */
  get end(): number {
    return this.#place.exact(this.#end);
  }

  /**
   * Number of records. They tell only one after another where the next begins, so who asks first for this or for
   * {@link at} goes through all of them, and through those alone that were not released by then.
   */
  get length(): number {
    return this.#all().length;
  }

  /** The record at `index`, counted from the end when negative; undefined beyond the batch. Costs as {@link length} does. */
  at(index: number): R | undefined {
    const sequence = this.#all().at(index);
    return sequence === undefined ? undefined : this.#step.recordAt(sequence);
  }

  #all(): readonly number[] {
    this.#begins ??= this.#step.begins(this.#held.rest(this.#first, this.#end), this.#end);
    return this.#begins;
  }

  /** Every record in order, from the first that was not released. One iteration at a time. */
  [Symbol.iterator](): Iterator<R> {
    const first = this.#held.rest(this.#first, this.#end);
    return this.#step.begin(first, this.#end, this.#place.exact(first));
  }

  /** @internal The batch from `first` on, up to `end`. */
  become(first: number, end: number): this {
    this.#first = first;
    this.#end = end;
    this.#begins = undefined;
    this.#step.begin(first, end, this.sequence);
    return this;
  }

  /** @internal The sequence behind the records that an iteration has passed. */
  get passed(): number {
    return this.#step.passed;
  }

  /** @internal True when the record in hand is the last. */
  get last(): boolean {
    return this.#step.last;
  }

  /** @internal The step of its consumer is over. */
  expire(): void {
    this.#end = this.#first;
    this.#begins = undefined;
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
