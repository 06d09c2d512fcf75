import { enqueue, whenRoom } from '../batch/feed.js';
import type { BatchQueue } from '../batch/index.js';
import { aborted } from '../errors.js';
import type { StepBatch } from './batch-kind.js';
import type { InHand } from './in-hand.js';
import { type Entry, Unsettled } from './unsettled.js';

/** How a consumer feeds a queue. */
export interface IntoOptions<E, Item> {
  /** The item of an event, whose number is `sequence`; undefined when the event is dealt with and needs none. */
  readonly map: (event: E, sequence: number) => Item | undefined;
  /**
   * Told of each item that failed, whose event is then released. Without it the first failure ends the feed, and the
   * event comes again to who opens the stage next.
   */
  readonly failed?: (error: unknown) => void;
  /**
   * Aborting it ends the feed with `ERR_MILLRACE_ABORTED` when what was given to the queue has settled; the rest comes
   * again.
   */
  readonly signal?: AbortSignal;
}

/**
 * Gives a stage's events to a queue, in order, and releases each once it and all before it have settled.
 *
 * @param breathe Lets timers and sockets of this thread have their turn.
 */
export async function feedQueue<E, B extends StepBatch<E>, Item, Result>(
  hand: InHand<E, B>,
  breathe: () => Promise<void>,
  queue: BatchQueue<Item, Result>,
  { map, failed, signal }: IntoOptions<E, Item>,
): Promise<void> {
  const { reader, place } = hand;
  const unsettled = new Unsettled(reader);
  let broken: { readonly error: unknown } | undefined;
  let wake = () => {};
  /** Ends the feed, whatever it waits for. */
  const end = (error: unknown) => {
    broken ??= { error };
    reader.interrupt();
    wake();
  };
  const onAbort = () =>
    end(aborted(signal as AbortSignal, `events of stage '${reader.stage.name}'`));
  const settled = (error: unknown, _result: unknown, entry: Entry) => {
    if (error !== undefined && !failed) end(error);
    else if (error !== undefined) failed?.(error);
    unsettled.answer(entry, error === undefined || failed !== undefined);
  };
  const check = () => {
    if (broken) throw broken.error;
    reader.checkMayWait();
  };

  let inHand: { readonly passed: number } | undefined;
  signal?.addEventListener('abort', onAbort);
  try {
    for (;;) {
      check();
      const batch = hand.takeToSettle();
      if (!batch) {
        if (reader.ended) break;
        // Or until the feed is to end.
        if (!reader.soon()) await reader.ready();
        else await undefined;
        continue;
      }
      inHand = batch;
      for (const event of batch) {
        const item = map(event, place.exact(batch.passed));
        if (item === undefined) continue;
        const entry = unsettled.add(batch.passed);
        try {
          while (!enqueue(queue, item, settled, entry)) {
            await new Promise<void>((resolve) => {
              wake = resolve;
              whenRoom(queue, resolve);
            });
            check();
          }
        } catch (error) {
          unsettled.remove(entry);
          throw error;
        }
      }
      unsettled.reach(place.next);
      await breathe();
    }
    reader.checkWhole();
  } catch (error) {
    // The event in hand, and what is behind it, comes again.
    if (inHand) unsettled.reach(inHand.passed);
    throw error;
  } finally {
    // At the end of the ring it comes too late.
    signal?.removeEventListener('abort', onAbort);
    hand.expire();
    await unsettled.quiet();
    hand.handBack();
  }
  check();
}
