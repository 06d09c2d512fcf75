import { checkFunction, checkObject, invalidArgument } from '../errors.js';
import type { Scheduler } from '../fiber/scheduler.js';

/**
 * What {@link StageConsumer.run} does when its handler throws, and {@link SharedRing.run} when its work fails on an
 * event. With each policy the fields that were assigned before keep what was assigned.
 */
export interface RunOptions {
  /**
   * - `'stop'` (default): the events before the failed one are released, the ring stops, producers are told
   *   `ERR_MILLRACE_CONSUMER_FAILED`, and `run` throws the error.
   * - `'skip'`: the event is passed over, counted in {@link StageStatistics.skipped}, told to {@link skipped}, and
   *   released with its batch, which goes on behind it. For handlers that deal with each event by itself: what one
   *   gathers until the end of a batch is not made good when the last event is passed over.
   * - `'retry'`: the batch is begun again from its first event that is not released, and its events are handed out as
   *   they are by then. When `attempts` are used up the ring stops as with `'stop'`; none of the batch is released by
   *   that, so all of it comes again to who opens the stage next.
   */
  readonly onError?: 'stop' | 'skip' | 'retry';
  /**
   * With `'skip'`: told of each event that is passed over, by its error and its number, before it is counted. What
   * this throws stops the ring, as with `'stop'`.
   */
  readonly skipped?: (error: unknown, sequence: number) => void;
  /** With `'retry'`: how often a batch is begun, the first time included, a whole number from 1; default 3. */
  readonly attempts?: number;
  /**
   * With `'retry'`: milliseconds before a batch is begun for the second time, doubled each time after that; default
   * 10, 0 is at once. What this thread has published is flushed before, and the thread blocks meanwhile.
   */
  readonly backoff?: number;
}

/**
 * How native work is run as a stage, and what happens when it fails on an event: as {@link RunOptions} say, with two
 * differences. `skipped` is called on the event loop of the thread that called `run`, maybe behind events that the stage
 * has gone on with; what has not been told waits in memory. And a back-off blocks no thread.
 */
export interface NativeRunOptions extends RunOptions {
  /** One that this thread made. */
  readonly scheduler: Scheduler;
}

/** @internal Options that were checked, with their defaults. */
export type Recovering = Required<Omit<RunOptions, 'skipped'>> & Pick<RunOptions, 'skipped'>;

/**
 * Checks {@link RunOptions}.
 *
 * @param members What the options may have, for messages.
 * @throws `ERR_MILLRACE_INVALID_ARGUMENT`.
 */
export function checkRunOptions(
  options: RunOptions,
  members = 'onError, skipped, attempts and backoff',
): Recovering {
  checkObject('options', options, members);
  const { onError = 'stop', skipped, attempts = 3, backoff = 10 } = options;
  if (skipped !== undefined) checkFunction('skipped', skipped);
  if (!Number.isInteger(attempts) || attempts < 1) {
    throw invalidArgument('attempts', attempts, 'a whole number from 1');
  }
  if (!Number.isFinite(backoff) || backoff < 0) {
    throw invalidArgument('backoff', backoff, 'milliseconds from 0');
  }
  if (!['stop', 'skip', 'retry'].includes(onError)) {
    throw invalidArgument('onError', onError, "'stop', 'skip' or 'retry'");
  }
  return { onError, attempts, backoff, ...(skipped && { skipped }) };
}
