/** A producer that may hold events which consumers do not see yet. */
export interface Flushable {
  /** It is in the list of those to be flushed at the end of this turn. */
  scheduled: boolean;
  flush(): void;
}

let waiting: Flushable[] = [];

/**
 * Has a producer flushed at the end of this turn: when the microtask queue has drained, before the
 * event loop goes on.
 */
export function flushAtEndOfTurn(producer: Flushable): void {
  if (producer.scheduled) return;
  producer.scheduled = true;
  if (waiting.length === 0) process.nextTick(flushStaged);
  waiting.push(producer);
}

/** Flushes all that this thread has staged. Everything that waits or blocks calls this first. */
export function flushStaged(): void {
  if (waiting.length === 0) return;
  const producers = waiting;
  waiting = [];
  for (const producer of producers) {
    producer.scheduled = false;
    producer.flush();
  }
}
