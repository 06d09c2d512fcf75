/** A producer that may hold events which consumers do not see yet. */
export interface Flushable {
  /** Flushes, because a turn is over or this thread is about to wait. */
  endTurn(): void;
}

let waiting: Flushable[] = [];

/**
 * Has a producer flushed at the end of this turn: when the microtask queue has drained, before the
 * event loop goes on. Called once for the first event that a producer stages.
 */
export function flushAtEndOfTurn(producer: Flushable): void {
  if (waiting.length === 0) process.nextTick(flushStaged);
  waiting.push(producer);
}

/** Flushes all that this thread has staged. Everything that blocks calls this first. */
export function flushStaged(): void {
  if (waiting.length === 0) return;
  const producers = waiting;
  waiting = [];
  for (const producer of producers) producer.endTurn();
}
