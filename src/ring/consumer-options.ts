import { checkObject, invalidArgument } from '../errors.js';

/** How a consumer takes events. */
export interface ConsumerOptions {
  /**
   * Most places of the ring that one batch covers: events, or 32-byte granules of records, where the batch ends with the
   * record that reaches it. Default: a quarter of the ring, so that producers go on meanwhile.
   */
  readonly maxBatch?: number;
  /**
   * `'auto'` (default) releases a batch at the next step, and all batches are one object, reused. With `'manual'` only
   * {@link StageConsumer.release} releases: each batch is an object of its own, and any number of them may be held; but a worker of a
   * shared stage gets its next when all of the last is released.
   */
  readonly release?: 'auto' | 'manual';
}

/** Checks how a consumer of a ring with so many places takes events. */
export function checkConsumerOptions(
  options: ConsumerOptions,
  capacity: number,
): { maxBatch: number; manual: boolean } {
  checkObject('options', options, 'maxBatch and release');
  const { maxBatch = Math.max(1, capacity >> 2), release = 'auto' } = options;
  if (!Number.isInteger(maxBatch) || maxBatch < 1) {
    throw invalidArgument('maxBatch', maxBatch, 'a whole number from 1');
  }
  if (release !== 'auto' && release !== 'manual') {
    throw invalidArgument('release', release, "'auto' or 'manual'");
  }
  return { maxBatch, manual: release === 'manual' };
}
