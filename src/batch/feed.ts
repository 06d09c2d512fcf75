import { type BatchQueue, engineOf } from './batch-queue.js';
import type { Settled } from './slot.js';

/**
 * How another part feeds a queue: no promise an item, and room is waited for without one either.
 * Not part of the public API.
 */

/**
 * Adds an item whose result goes to `settled`, with `argument` given back to it. What `settled`
 * throws is an uncaught exception.
 *
 * @returns false when the queue is full, whatever its `onFull`; then nothing has happened, and
 * {@link whenRoom} tells when to try again.
 * @throws `ERR_MILLRACE_CLOSED`.
 */
export function enqueue<Item, Result, Argument>(
  queue: BatchQueue<Item, Result>,
  item: Item,
  settled: Settled<Result, Argument>,
  argument: Argument,
): boolean {
  return engineOf(queue).enqueue(item, settled, argument);
}

/**
 * Calls `callback` once, in a microtask, when the queue has room, or was closed: then the next
 * {@link enqueue} says so.
 */
export function whenRoom<Item, Result>(
  queue: BatchQueue<Item, Result>,
  callback: () => void,
): void {
  engineOf(queue).whenRoom(callback);
}

export type { Settled } from './slot.js';
