import { invalidArgument } from '../errors.js';
import type { BatchKind, Handler, StepBatch } from './batch-kind.js';
import { Held } from './held.js';
import type { Place } from './place.js';
import type { StageReader } from './stage-reader.js';
import { checked } from './view.js';

const CHECKED = checked;

/**
 * @internal What a consumer has in hand: the life of its batches, from when one is taken to when its step ends, or the
 * stage is left.
 */
export class InHand<E, B extends StepBatch<E>> {
  /** Who has it: as long as a batch or a wait is used, it is not forgotten. */
  readonly #consumer: object;
  readonly reader: StageReader;
  readonly place: Place;
  /** Most places of a batch. */
  readonly maxBatch: number;
  readonly #manual: boolean;
  readonly #kind: BatchKind<E, B>;
  /** The batch handed out last. */
  #batch: B;
  #held: Held;
  /** A batch is handed out, and its step not over; released by hand, a step is over when the stage is left. */
  #handedOut = false;
  /** The sequence behind it: the place may have gone on, over what producers gave up. */
  #end = 0;
  /** What each step of a `for await` gives: the batch is one object, so these are too, and a step makes no garbage. */
  readonly #result: IteratorResult<B>;
  readonly #step: Promise<IteratorResult<B>>;

  constructor(
    consumer: object,
    reader: StageReader,
    kind: BatchKind<E, B>,
    maxBatch: number,
    manual: boolean,
  ) {
    const { place } = reader;
    this.#consumer = consumer;
    this.reader = reader;
    this.place = place;
    this.maxBatch = maxBatch;
    this.#manual = manual;
    this.#kind = kind;
    this.#held = new Held(place, consumer);
    this.#batch = kind.make(place, this.#held);
    this.#result = { done: false, value: this.#batch };
    this.#step = Promise.resolve(this.#result);
  }

  /** Takes at most `max` places of what is ready; undefined when nothing is. */
  take(max = this.maxBatch): B | undefined {
    const { place } = this;
    this.reader.checkOpen();
    const available = place.take(max);
    if (available <= 0) return undefined;
    const first = place.next;
    const end = this.#kind.endOf(place, available, max);
    place.next = end;
    this.#end = end;
    this.#handedOut = true;
    if (this.#manual) this.#batch = this.#kind.make(place, this.#held);
    return this.#kind.set(this.#batch, first, end);
  }

  /** The same for a feed, which releases what has settled: neither the next step does, nor a close. */
  takeToSettle(): B | undefined {
    const batch = this.take();
    this.#handedOut = false;
    return batch;
  }

  /** What an iterator's step gives. */
  result(batch: B): IteratorResult<B> {
    return this.#manual ? { done: false, value: batch } : this.#result;
  }

  /** The same, as a promise of it. */
  step(batch: B): Promise<IteratorResult<B>> {
    return this.#manual ? Promise.resolve(this.result(batch)) : this.#step;
  }

  /** Gives the events of a batch to a handler. */
  handle(batch: B, handler: Handler<E>): void {
    this.#kind.handle(batch, handler);
  }

  /** Makes the batch handed out last one that begins at `sequence` and ends where it ended. */
  goOn(batch: B, sequence: number): void {
    const end = this.#end;
    this.#kind.set(batch, ((sequence - end) | 0) < 0 ? sequence : end, end);
  }

  /** The sequence behind the event at `sequence`. */
  behind(sequence: number): number {
    return this.#kind.behind(this.place, sequence);
  }

  /** Ends the step, and releases its batch, unless that is done by hand. */
  finishStep(): void {
    if (!this.#handedOut || this.#manual) return;
    this.#handedOut = false;
    // What throws here is released with the next batch.
    if (CHECKED) this.#batch.checkUnwritten();
    this.#batch.expire();
    this.place.release(this.place.next);
  }

  /** Leaves the stage: what was passed is released, unless that is done by hand; the rest comes again. */
  leave(): void {
    if (!this.#handedOut) return;
    this.releasePassed();
    this.handBack();
  }

  /** What was handed out and not released comes again. A seat that this consumer has left may be another's. */
  handBack(): void {
    if (this.reader.open) this.place.handBack();
  }

  /** Ends the step, and releases what was passed, unless that is done by hand. */
  releasePassed(): void {
    if (!this.#handedOut) return;
    this.#handedOut = false;
    if (!this.#manual) this.place.release(this.#batch.passed);
    this.expire();
  }

  /** What was handed out is used no more. */
  expire(): void {
    if (!this.#manual) {
      this.#batch.expire();
      return;
    }
    // What it covers is still told.
    this.#batch.stop();
    this.#held.end();
    this.#held = new Held(this.place, this.#consumer);
  }

  /** Releases every event before the one with this number: see {@link StageConsumer.release}. */
  release(sequence: number): void {
    const { place } = this;
    this.reader.checkOpen();
    const from = place.exact(place.released);
    const to = place.exact(place.next);
    if (!Number.isInteger(sequence) || sequence < from || sequence > to) {
      throw invalidArgument('sequence', sequence, `a number from ${from} to ${to}`);
    }
    const wrapped = (place.released + (sequence - from)) | 0;
    if (!this.#kind.begins(place, wrapped)) {
      throw invalidArgument(
        'sequence',
        sequence,
        "a number where a record begins, or a batch's end",
      );
    }
    if (CHECKED) this.#batch.checkUnwritten();
    place.release(wrapped);
  }
}
