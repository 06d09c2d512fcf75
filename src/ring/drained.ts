import { binding } from '../native/binding.js';
import { wait } from '../operation.js';
import { closeSource, environment, openSource } from '../park/environment.js';
import type { Stage } from './graph.js';
import { layout as L } from './layout.js';
import type { RingMemory } from './ring-memory.js';
import { stageCell } from './ring-memory.js';
import type { RingClosed } from './shared-ring.js';

/** The bit of a sleepers word that no stage has: it stands for who waits for the end. */
const CLOSER = 31;

/** Waits until every stage has consumed what was published, `timeout` milliseconds at most. */
export async function drained(
  memory: RingMemory,
  graph: readonly Stage[],
  timeout: number | undefined,
): Promise<RingClosed> {
  const { words, handle } = memory;
  const cells = graph.map(({ index }) => stageCell(index));
  const left = () => (Atomics.load(words, L.CURSOR_CELL) - memory.slowest(cells)) | 0;
  if (left() > 0 && timeout !== 0) {
    let look = () => {};
    const source = openSource(() => look());
    binding.setConsumerWaker(environment, handle, CLOSER, source);
    // Two threads may close at once, and one bit wakes one of them: the other looks by the clock.
    const clock = setInterval(() => look(), 50);
    try {
      await wait<void>(timeout === undefined ? undefined : { timeout }, (resolve) => {
        look = () => {
          for (const cell of cells) Atomics.or(words, cell + L.CELL_CONSUMERS, 1 << CLOSER);
          if (left() === 0) resolve();
        };
        look();
        return undefined;
      });
    } catch {
      // The time is up: what is left is told.
    } finally {
      clearInterval(clock);
      closeSource(source);
    }
  }
  const abandoned = left();
  const cursor = memory.exact(L.CURSOR_CELL, Atomics.load(words, L.CURSOR_CELL));
  return { consumed: cursor - abandoned, abandoned };
}
