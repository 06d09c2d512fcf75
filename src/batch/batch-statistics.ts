/** Why items were rejected, and how many for each reason. */
export interface BatchRejections {
  /** The handler threw or rejected. */
  handler: number;
  /** The handler's results had an `Error` for the item. */
  item: number;
  /** The handler did not return one result for each item it took. */
  result: number;
  /** The item's signal was aborted, before or after it was taken. */
  aborted: number;
  /** The item's timeout passed, before or after it was taken. */
  timeout: number;
  /** The queue was full and `onFull` is `'reject'`. */
  full: number;
  /** The queue was closed before the item was taken. */
  closed: number;
}

/** A bucket of batch sizes. */
export interface BatchSizes {
  /** The largest size counted here; the bucket before has half of it. */
  upTo: number;
  /** How many takes were of such a size. */
  takes: number;
}

/**
 * A queue's counts, since it was made. They add up: `pushed` is `waiting` and `inFlight` and
 * `fulfilled` and all of `rejected` together.
 */
export interface BatchQueueStatistics {
  /** Items handed to the queue. */
  pushed: number;
  /** Items that wait to be taken, those that wait for room included. */
  waiting: number;
  /** Items that were taken and have not settled. */
  inFlight: number;
  /** Items that got a result. */
  fulfilled: number;
  rejected: BatchRejections;
  /** Items that were taken. */
  taken: number;
  /** Handlers that were started. */
  batches: number;
  /** Handlers that run now. */
  running: number;
  /** Largest number of items one `take` gave. */
  largest: number;
  /** Sizes of takes that gave something, up to the largest, by powers of two. */
  sizes: BatchSizes[];
}

/** The counters behind {@link BatchQueueStatistics}. */
export class BatchCounters {
  pushed = 0;
  inFlight = 0;
  fulfilled = 0;
  taken = 0;
  batches = 0;
  largest = 0;
  readonly rejected: BatchRejections = {
    handler: 0,
    item: 0,
    result: 0,
    aborted: 0,
    timeout: 0,
    full: 0,
    closed: 0,
  };
  /** Place n counts takes of more than 2^(n-1) and at most 2^n items. */
  readonly #sizes: number[] = [];

  /** Counts a take that gave `size` items, at least one. */
  took(size: number): void {
    this.taken += size;
    this.inFlight += size;
    if (size > this.largest) this.largest = size;
    const bucket = 32 - Math.clz32(size - 1);
    while (this.#sizes.length <= bucket) this.#sizes.push(0);
    this.#sizes[bucket] = (this.#sizes[bucket] as number) + 1;
  }

  report(waiting: number, running: number): BatchQueueStatistics {
    return {
      pushed: this.pushed,
      waiting,
      inFlight: this.inFlight,
      fulfilled: this.fulfilled,
      rejected: { ...this.rejected },
      taken: this.taken,
      batches: this.batches,
      running,
      largest: this.largest,
      sizes: this.#sizes.map((takes, bucket) => ({ upTo: 2 ** bucket, takes })),
    };
  }
}
