import { checkFunction, checkObject, invalidArgument } from '../errors.js';
import { blockFor, checkMayBlock } from '../park/blocking.js';
import type { Handler, StepBatch } from './batch-kind.js';
import { stageCell } from './cells.js';
import type { InHand } from './in-hand.js';
import { layout as L } from './layout.js';
import type { Place } from './place.js';
import { flushStaged } from './staged.js';

/**
 * What {@link StageConsumer.run} does when its handler throws. With each policy the fields that the handler assigned
 * before it threw keep what it assigned.
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
 * Brings a batch to where it goes on, or throws what stops the ring.
 *
 * @param first Where the batch began.
 * @param failures How often a handler has failed in this batch.
 */
type Recovery<B> = (error: unknown, batch: B, first: number, failures: number) => void;

/** Consumes, blocking, until the ring is closed and everything was consumed. */
export function runStage<E, B extends StepBatch<E>>(
  hand: InHand<E, B>,
  handler: Handler<E>,
  options: RunOptions,
): void {
  const { reader, place } = hand;
  const recover = recovery(hand, options);
  checkMayBlock(`run() of stage '${reader.stage.name}'`);
  /** Does a batch that began at `first`. One `try` around all of it: events without failures pay nothing for it. */
  const whole = (batch: B, first: number) => {
    for (let failures = 1; ; failures++) {
      try {
        hand.handle(batch, handler);
        return;
      } catch (error) {
        // Who closed the consumer in its handler has given the batch away.
        if (!reader.open) throw error;
        recover(error, batch, first, failures);
      }
    }
  };
  reader.whileBlocking(() => {
    try {
      for (;;) {
        hand.finishStep();
        const batch = hand.take();
        if (batch) {
          whole(batch, batch.passed);
          flushStaged();
        } else if (reader.ended) break;
        else reader.block();
      }
    } catch (error) {
      hand.releasePassed();
      reader.memory.fail();
      // Behind the failure, so that no other worker of the stage fails by the same event.
      place.handBack();
      throw error;
    }
  });
  reader.checkWhole();
}

function recovery<E, B extends StepBatch<E>>(hand: InHand<E, B>, options: RunOptions): Recovery<B> {
  checkObject('options', options, 'onError, skipped, attempts and backoff');
  const { onError = 'stop', skipped, attempts = 3, backoff = 10 } = options;
  if (skipped !== undefined) checkFunction('skipped', skipped);
  if (!Number.isInteger(attempts) || attempts < 1) {
    throw invalidArgument('attempts', attempts, 'a whole number from 1');
  }
  if (!Number.isFinite(backoff) || backoff < 0) {
    throw invalidArgument('backoff', backoff, 'milliseconds from 0');
  }
  switch (onError) {
    case 'stop':
      return stop;
    case 'skip':
      return skip(hand, skipped);
    case 'retry':
      return retry(hand, attempts, backoff);
    default:
      throw invalidArgument('onError', onError, "'stop', 'skip' or 'retry'");
  }
}

function stop(error: unknown): never {
  throw error;
}

function skip<E, B extends StepBatch<E>>(
  hand: InHand<E, B>,
  skipped: RunOptions['skipped'],
): Recovery<B> {
  const { place } = hand;
  return (error, batch) => {
    const failed = batch.passed;
    skipped?.(error, place.exact(failed));
    count(place, L.CELL_SKIPPED);
    hand.goOn(batch, hand.behind(failed));
  };
}

/** The batch rewind of LMAX's disruptor (`BatchRewindStrategy`). */
function retry<E, B extends StepBatch<E>>(
  hand: InHand<E, B>,
  attempts: number,
  backoff: number,
): Recovery<B> {
  const { place } = hand;
  return (error, batch, first, failures) => {
    // With `release: 'manual'` a part may be released, and belong to others by now.
    const partly = ((place.released - first) | 0) > 0;
    // When it is given up too: nothing of the batch counts as passed then.
    hand.goOn(batch, partly ? place.released : first);
    if (failures === attempts) throw error;
    count(place, L.CELL_RETRIES);
    flushStaged();
    blockFor(backoff * 2 ** (failures - 1), flushStaged);
  };
}

function count({ memory, stage }: Place, word: number): void {
  Atomics.add(memory.words, stageCell(stage.index) + word, 1);
}
