import { type InspectOptions, inspect } from 'node:util';
import { invalidArgument } from '../errors.js';
import { checkTimeout, type Operation, operation, type WaitOptions } from '../operation.js';
import { BatchEngine } from './batch-engine.js';
import type { BatchQueueStatistics } from './batch-statistics.js';
import type { CloseReport } from './close-report.js';
import { type BatchHandler, type BatchQueueOptions, checkOptions } from './options.js';
import { push } from './push.js';

let engine: <Item, Result>(queue: BatchQueue<Item, Result>) => BatchEngine<Item, Result>;

/**
 * Collects items that come one by one, and runs them together.
 *
 * The bound of a batch is drawn late: a handler starts, waits for its resource, and then takes all
 * that has come meanwhile. So batches are small when the resource is free and large when it is
 * busy, and no timer decides.
 *
 * At most one handler waits to take; the next starts when that one has taken, items wait, and fewer
 * than `concurrency` run. It starts once the microtask queue has drained, so that everything pushed
 * in this turn is there. Handlers run in the async context (`AsyncLocalStorage`) the queue was made
 * in, continuations of a push in their caller's.
 *
 * A queue belongs to the thread that made it.
 *
 * @example
 * const inserts = BatchQueue.create<Row, Id>(async (batch) => {
 *   const client = await pool.connect(); // the batch stays open while we wait for this
 *   try {
 *     return await insertMany(client, batch.take()); // one result an item, in order
 *   } finally {
 *     client.release();
 *   }
 * }, { maxBatch: 500, concurrency: 2 });
 * const id = await inserts.push(row);
 */
export class BatchQueue<Item, Result = void> implements AsyncDisposable {
  readonly #engine: BatchEngine<Item, Result>;

  static {
    engine = (queue) => queue.#engine;
  }

  private constructor(batchEngine: BatchEngine<Item, Result>) {
    this.#engine = batchEngine;
  }

  /**
   * Makes a queue.
   *
   * @param handler Runs a batch; see {@link BatchHandler}.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  static create<Item, Result = void>(
    handler: BatchHandler<Item, Result>,
    options: BatchQueueOptions = {},
  ): BatchQueue<Item, Result> {
    if (typeof handler !== 'function') throw invalidArgument('handler', handler, 'a function');
    return new BatchQueue(new BatchEngine(handler, checkOptions(options)));
  }

  /**
   * Hands an item over; the promise is that item's result.
   *
   * Costs a promise and a slot; a timer only with `timeout`. An item whose signal is aborted, or
   * whose timeout passes, leaves the queue when it was not taken yet; otherwise its handler goes on
   * and its result is dropped.
   *
   * @returns Rejects with what the handler threw, or returned for this item; with
   * `ERR_MILLRACE_BATCH_RESULT` when the handler did not return one result an item;
   * `ERR_MILLRACE_FULL`; `ERR_MILLRACE_CLOSED`; `ERR_MILLRACE_TIMEOUT`; `ERR_MILLRACE_ABORTED`;
   * `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  push(item: Item, options?: WaitOptions): Promise<Result> {
    return push(this.#engine, item, options);
  }

  /** Waits until nothing waits to be taken and no handler runs. */
  idle(options?: WaitOptions): Operation<void> {
    return operation<void>(
      options,
      (resolve) => this.#engine.whenIdle(() => resolve()),
      'the batch queue to be idle',
    );
  }

  /**
   * Closes the queue: it takes nothing new, runs what it has, and resolves when all of that is done.
   * After `timeout` it gives up what no handler has taken. Calling it again gives the same promise;
   * the earliest timeout counts.
   *
   * @param options `timeout` in milliseconds, default no limit; 0 gives up in the next turn.
   * @returns Exactly which items did not run, and which were still running. Rejects only with
   * `ERR_MILLRACE_INVALID_ARGUMENT`, and the queue stays open then.
   */
  close(options: { timeout?: number | undefined } = {}): Promise<CloseReport<Item>> {
    try {
      checkTimeout(options.timeout);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#engine.close(options.timeout);
  }

  /** Closes the queue and waits for what it has. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine.close(undefined);
  }

  /**
   * Whether the queue keeps the event loop alive while it pauses, with items that wait, after a handler that took
   * nothing; it does unless said otherwise. Nothing else of a queue does by itself: what a handler waits for may.
   */
  ref(): this {
    this.#engine.reference(true);
    return this;
  }

  /** See {@link ref}. */
  unref(): this {
    this.#engine.reference(false);
    return this;
  }

  /** Counts since the queue was made, exact; see {@link BatchQueueStatistics}. */
  stats(): BatchQueueStatistics {
    return this.#engine.statistics();
  }

  [inspect.custom](_depth: number, options: InspectOptions): string {
    const { waiting, inFlight, running, fulfilled } = this.stats();
    const state = this.#engine.closing ? 'closed' : 'open';
    return `BatchQueue ${inspect({ state, waiting, inFlight, running, fulfilled }, options)}`;
  }
}

/** The engine of a queue, for parts that feed one without a promise an item. */
export const engineOf = engine;
