import type { Held } from './held.js';
import type { Place } from './place.js';

/** What a consumer's batches have in common. */
export interface StageBatch<E> extends Iterable<E> {
  /** The number of the first event. */
  readonly sequence: number;
  /** The number behind the last. */
  readonly end: number;
}

/** @internal What a consumer needs of a batch. */
export interface StepBatch<E> extends StageBatch<E> {
  readonly passed: number;
  expire(): void;
  stop(): void;
  checkUnwritten(): void;
}

/** @internal Gets each event, its number, and whether it is the last of its batch. */
export type Handler<E> = (event: E, sequence: number, endOfBatch: boolean) => void;

/** @internal What differs between batches of events and of records. */
export interface BatchKind<E, B extends StepBatch<E>> {
  /** Makes the one batch of a consumer, or each of those that are released by hand. */
  make(place: Place, held: Held): B;
  /** Makes it the batch from `first` on, up to `end`. */
  set(batch: B, first: number, end: number): B;
  /** The sequence behind at most `most` places from `place.next` on, of which `available` are ready. */
  endOf(place: Place, available: number, most: number): number;
  /** The sequence behind the event at `sequence`. */
  behind(place: Place, sequence: number): number;
  /** Whether an event begins at `sequence`, which was handed out or is the next. */
  begins(place: Place, sequence: number): boolean;
  /** Gives its events to a handler. */
  handle(batch: B, handler: Handler<E>): void;
}
