import { invalidArgument } from '../errors.js';
import type { Batch } from './batch.js';

/**
 * Runs a batch: takes items from it, and returns one result an item, in the order they were taken;
 * an `Error` among the results rejects its item only.
 */
export type BatchHandler<Item, Result> = (
  batch: Batch<Item>,
) => readonly (Result | Error)[] | PromiseLike<readonly (Result | Error)[]>;

/** How a {@link BatchQueue} behaves. */
export interface BatchQueueOptions {
  /** Most items one `take` gives. Default: no limit. */
  maxBatch?: number | undefined;
  /** Most handlers that run at once; at most one of them has not taken yet. Default 1. */
  concurrency?: number | undefined;
  /** Most items that wait, taken ones not counted. Default: no limit. */
  queueLimit?: number | undefined;
  /**
   * What a push into a full queue does: `'wait'` (default) until there is room, in order; or
   * `'reject'` at once with `ERR_MILLRACE_FULL`.
   */
  onFull?: 'wait' | 'reject' | undefined;
}

/** Options, checked and with their defaults. */
export type CheckedOptions = {
  [Name in keyof BatchQueueOptions]-?: NonNullable<BatchQueueOptions[Name]>;
};

/** Checks the options of `BatchQueue.create`; throws `ERR_MILLRACE_INVALID_ARGUMENT`. */
export function checkOptions(options: BatchQueueOptions): CheckedOptions {
  if (typeof options !== 'object' || options === null) {
    throw invalidArgument('options', options, 'an object');
  }
  const { maxBatch = Infinity, concurrency = 1, queueLimit = Infinity, onFull = 'wait' } = options;
  checkCount('maxBatch', maxBatch);
  checkCount('concurrency', concurrency);
  checkCount('queueLimit', queueLimit);
  if (onFull !== 'wait' && onFull !== 'reject') {
    throw invalidArgument('onFull', onFull, "'wait' or 'reject'");
  }
  return { maxBatch, concurrency, queueLimit, onFull };
}

/** Throws `ERR_MILLRACE_INVALID_ARGUMENT` unless `count` is a number of items or `Infinity`. */
export function checkCount(option: string, count: unknown): void {
  if (count === Infinity || (Number.isSafeInteger(count) && (count as number) >= 1)) return;
  throw invalidArgument(option, count, 'a whole number from 1, or Infinity');
}
