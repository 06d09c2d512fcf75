import { binding } from '../native/binding.js';
import { wait } from '../operation.js';
import { environment, holdLoop, listenToSource, releaseLoop } from '../park/environment.js';
import { cellsOf, stageCell } from './cells.js';
import type { Stage } from './graph.js';
import { layout as L } from './layout.js';
import type { RingMemory } from './ring-memory.js';
import type { RingClosed } from './shared-ring.js';
import { skippedBefore, skippedBetween } from './skips.js';

/** Waits until all stages, also those that have joined, have consumed everything, `timeout` milliseconds at most. */
export async function drained(
  memory: RingMemory,
  graph: readonly Stage[],
  timeout: number | undefined,
): Promise<RingClosed> {
  const { words } = memory;
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
  // The cursor too: what is given up moves no stage that nobody has open.
  const arm = () => {
    for (const cell of [L.CURSOR_CELL, ...cells()]) {
      Atomics.or(words, cell + L.CELL_CONSUMERS, 1 << L.CLOSERS);
    }
  };
  if (!over() && timeout !== 0) await untilOver(memory, arm, over, timeout);
  const abandoned = left();
  const cursor = Atomics.load(words, L.CURSOR_CELL);
  const published = memory.exact(L.CURSOR_CELL, cursor) - skippedBefore(memory, cursor);
  return { consumed: published - abandoned, abandoned };
}

/**
 * Sleeps until `over` is true, this thread lets go of the ring, or the time is up. What `over` looks at are sequences,
 * whose cells it is armed on, and what changes beside them on a closed ring (its state, notes of what is accepted, seats
 * that are given back), behind which everyone is woken.
 */
async function untilOver(
  memory: RingMemory,
  arm: () => void,
  over: () => boolean,
  timeout: number | undefined,
): Promise<void> {
  const { handle } = memory;
  const source = memory.openSource();
  let resolve = () => {};
  let waits = true;
  const leave = () => {
    if (!waits) return;
    waits = false;
    memory.closed(opened);
    binding.leaveEnd(environment, handle, source);
    memory.closeSource(source);
    releaseLoop();
  };
  const opened = {
    close() {
      leave();
      resolve();
    },
  };
  const look = () => {
    arm();
    if (over()) resolve();
  };
  binding.awaitEnd(environment, handle, source);
  memory.opened(opened);
  holdLoop();
  try {
    listenToSource(source, look);
    await wait<void>(timeout === undefined ? undefined : { timeout }, (done) => {
      resolve = done;
      look();
      return undefined;
    });
  } catch {
    // The time is up: what is left is told.
  } finally {
    leave();
  }
}
