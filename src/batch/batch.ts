import type { BatchEngine } from './batch-engine.js';
import { checkCount } from './options.js';
import type { Slot } from './slot.js';

/**
 * What a handler is given: the right to take items, as many as have come by the time it asks.
 *
 * Until the first `take` the batch is open, and everything pushed joins it. So a handler first
 * waits for what it needs (a connection, a permit) and then takes.
 */
export interface Batch<Item> {
  /** Items a `take()` would give now; costs the same at any size. 0 once the handler has settled. */
  readonly size: number;

  /**
   * Takes the oldest items that wait, in the order they were pushed: at most `max`, and at most the
   * queue's `maxBatch`. It may be called again while the handler runs. The array is the caller's own.
   *
   * It is empty when nothing waits any more, because all items were aborted or an earlier take got
   * them.
   *
   * @param max A whole number from 1; default: no limit.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`; `ERR_MILLRACE_CLOSED` when the handler has settled.
   */
  take(max?: number): Item[];
}

/** A {@link Batch} while its handler runs, and what the engine must remember of it. */
export class RunningBatch<Item, Result> implements Batch<Item> {
  readonly #engine: BatchEngine<Item, Result>;
  /** What was taken, in order: result n belongs to slot n. */
  readonly slots: Slot<Item, Result>[] = [];
  /** Whether `take` was called, even if there was nothing to get. */
  asked = false;
  ended = false;

  constructor(engine: BatchEngine<Item, Result>) {
    this.#engine = engine;
  }

  get size(): number {
    return this.ended ? 0 : this.#engine.available;
  }

  take(max = Infinity): Item[] {
    checkCount('max', max);
    return this.#engine.take(this, max);
  }
}
