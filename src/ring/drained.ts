import { binding } from '../native/binding.js';
import { wait } from '../operation.js';
import { environment, listenToSource } from '../park/environment.js';
import { cellsOf, stageCell } from './cells.js';
import type { Stage } from './graph.js';
import { layout as L } from './layout.js';
import { callNative } from './native-error.js';
import type { RingMemory } from './ring-memory.js';
import type { RingClosed } from './shared-ring.js';
import { skippedBefore, skippedBetween } from './skips.js';

/** The bit of a sleepers word that no stage has: it stands for who waits for the end. */
const CLOSER = 31;

/** Waits until all stages, also those that have joined, have consumed everything, `timeout` milliseconds at most. */
export async function drained(
  memory: RingMemory,
  graph: readonly Stage[],
  timeout: number | undefined,
): Promise<RingClosed> {
  const { words, handle } = memory;
  const declared = graph.map(({ index }) => stageCell(index));
  // Nobody joins a closed ring, but who has joined may leave; the seat keeps where it stood then.
  const cells = () => [...declared, ...cellsOf(Atomics.load(words, L.HEADER_JOINED))];
  // What producers gave up is consumed by nobody.
  const left = () => {
    const slowest = memory.slowest(cells());
    const cursor = Atomics.load(words, L.CURSOR_CELL);
    return ((cursor - slowest) | 0) - skippedBetween(memory, slowest, cursor);
  };
  // Nobody consumes the rest of a ring that failed.
  const over = () =>
    memory.ended(Atomics.load(words, L.CURSOR_CELL)) && (memory.state === L.FAILED || left() === 0);
  if (!over() && timeout !== 0) {
    const source = memory.openSource();
    let look = () => {};
    callNative('waiting for the end of a ring', () =>
      binding.setConsumerWaker(environment, handle, CLOSER, source),
    );
    // Two threads may close at once, and one bit wakes one of them: the other looks by the clock. So does one whose
    // last producer is gone with what it had staged.
    const clock = setInterval(() => look(), 50);
    try {
      await wait<void>(timeout === undefined ? undefined : { timeout }, (resolve) => {
        look = () => {
          for (const cell of cells()) Atomics.or(words, cell + L.CELL_CONSUMERS, 1 << CLOSER);
          if (over() || !memory.attached) resolve();
        };
        listenToSource(source, look);
        look();
        return undefined;
      });
    } catch {
      // The time is up: what is left is told.
    } finally {
      clearInterval(clock);
      memory.closeSource(source);
    }
  }
  const abandoned = left();
  const cursor = Atomics.load(words, L.CURSOR_CELL);
  const published = memory.exact(L.CURSOR_CELL, cursor) - skippedBefore(memory, cursor);
  return { consumed: published - abandoned, abandoned };
}
