/** A producer that may hold events which consumers do not see yet. */
export interface Flushable {
  /** It is in the list of those to be flushed at the end of this turn. */
  scheduled: boolean;
  flush(): void;
}

/** A producer that has accepted more than its ring has room for. */
export interface Full {
  /** Flushes what there is room for by now; otherwise who makes room wakes us. */
  retry(): void;
  /** Whom it wakes: this thread, which blocks, or its event loop. */
  wakeThread(blocks: boolean): void;
}

let waiting: Flushable[] = [];
const full = new Set<Full>();
let blocks = false;

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

/** Takes {@link flushAtEndOfTurn} back. */
export function flushNoMore(producer: Flushable): void {
  if (!producer.scheduled) return;
  producer.scheduled = false;
  waiting = waiting.filter((other) => other !== producer);
}

/** Has a producer tried again by each {@link flushStaged}, and woken where this thread blocks. */
export function retryWhenFlushing(producer: Full): void {
  full.add(producer);
  if (blocks) producer.wakeThread(true);
}

/** Takes {@link retryWhenFlushing} back. */
export function retryNoMore(producer: Full): void {
  if (full.delete(producer) && blocks) producer.wakeThread(false);
}

/**
 * Flushes all that this thread has staged, as far as there is room. Everything that waits or blocks calls this first,
 * and who blocks each time it wakes: the event loop, which would go on with what is left, does not run then.
 *
 * @throws The first error of a flush, when all others were flushed.
 */
export function flushStaged(): void {
  if (waiting.length > 0) {
    const producers = waiting;
    waiting = [];
    each(producers, flush);
  }
  if (full.size > 0) each([...full], retry);
}

/** Runs `work`, in which this thread blocks: who makes room for what a full ring did not take wakes the thread. */
export function whileBlocking(work: () => void): void {
  const outermost = !blocks;
  blocks = true;
  try {
    if (outermost) each([...full], toThread);
    work();
  } finally {
    if (outermost) {
      blocks = false;
      each([...full], toEventLoop);
    }
  }
}

function flush(producer: Flushable): void {
  producer.scheduled = false;
  producer.flush();
}

const retry = (producer: Full) => producer.retry();
const toThread = (producer: Full) => producer.wakeThread(true);
const toEventLoop = (producer: Full) => producer.wakeThread(false);

/** One that fails does not keep the others from it. */
function each<T>(producers: readonly T[], act: (producer: T) => void): void {
  let failure: { readonly error: unknown } | undefined;
  for (const producer of producers) {
    try {
      act(producer);
    } catch (error) {
      failure ??= { error };
    }
  }
  if (failure) throw failure.error;
}
