import { blockFor, checkMayBlock } from '../park/blocking.js';
import type { Handler, StepBatch } from './batch-kind.js';
import { stageCell } from './cells.js';
import type { InHand } from './in-hand.js';
import { layout as L } from './layout.js';
import type { Place } from './place.js';
import { checkRunOptions, type RunOptions } from './run-options.js';
import { flushStaged } from './staged.js';

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
  const { reader } = hand;
  const recover = recovery(hand, options);
  checkMayBlock(`run() of stage '${reader.stage.name}'`);
  /** Does a batch that began at `first`. One `try` around all of it: events without failures pay nothing for it. */
  const whole = (batch: B, first: number) => {
    // Who closes the consumer in a handler gives the batch away.
    for (let failures = 1; reader.open; failures++) {
      try {
        hand.handle(batch, handler);
        return;
      } catch (error) {
        if (!reader.open) throw error;
        recover(error, batch, first, failures);
      }
    }
  };
  reader.whileBlocking(() => {
    try {
      while (reader.open) {
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
      reader.memory.fail(reader.stage.name, error);
      // Behind the failure, so that no other worker of the stage fails by the same event.
      hand.handBack();
      throw error;
    }
  });
  if (reader.open) reader.checkWhole();
}

function recovery<E, B extends StepBatch<E>>(hand: InHand<E, B>, options: RunOptions): Recovery<B> {
  const { onError, skipped, attempts, backoff } = checkRunOptions(options);
  switch (onError) {
    case 'stop':
      return stop;
    case 'skip':
      return skip(hand, skipped);
    case 'retry':
      return retry(hand, attempts, backoff);
  }
}

function stop(error: unknown): never {
  throw error;
}

function skip<E, B extends StepBatch<E>>(
  hand: InHand<E, B>,
  skipped: RunOptions['skipped'],
): Recovery<B> {
  const { place, reader } = hand;
  return (error, batch) => {
    const failed = batch.passed;
    skipped?.(error, place.exact(failed));
    // Given away with the batch: it comes again.
    if (!reader.open) return;
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
