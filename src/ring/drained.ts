import { binding } from '../native/binding.js';
import { environment, listenToSource } from '../park/environment.js';
import type { LoopHold } from '../park/loop-hold.js';
import { cellsOf, stageCell } from './cells.js';
import type { Stage } from './graph.js';
import { layout as L } from './layout.js';
import { callNative } from './native-error.js';
import type { RingMemory } from './ring-memory.js';
import type { RingClosed } from './shared-ring.js';
import { publishedBehind, skippedBefore, skippedBetween } from './skips.js';

/**
 * Waits until all stages, also those that have joined, have consumed everything, `timeout` milliseconds at most.
 *
 * @param hold Holds the event loop meanwhile.
 */
export async function drained(
  memory: RingMemory,
  graph: readonly Stage[],
  timeout: number | undefined,
  hold: LoopHold,
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
  if (!over() && timeout !== 0) await untilOver(memory, arm, over, timeout, hold);
  const ready = left();
  const cursor = memory.position(L.CURSOR_CELL);
  const published = cursor - skippedBefore(memory, cursor | 0);
  return { consumed: published - ready, abandoned: ready + publishedBehind(memory, cursor | 0) };
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
  hold: LoopHold,
): Promise<void> {
  const { handle } = memory;
  const source = memory.openSource();
  let waits = true;
  let timer: NodeJS.Timeout | undefined;
  let forget = () => {};
  const leave = () => {
    if (!waits) return;
    waits = false;
    forget();
    clearTimeout(timer);
    binding.leaveEnd(environment, handle, source);
    memory.closeSource(source);
    hold.release();
  };
  callNative('waiting for the end of a ring', () => binding.awaitEnd(environment, handle, source));
  hold.hold();
  try {
    await new Promise<void>((resolve) => {
      forget = memory.opened.whenClosed(() => {
        leave();
        resolve();
      });
      const look = () => {
        arm();
        if (over()) resolve();
      };
      listenToSource(source, look);
      // Then what is left is told.
      if (timeout !== undefined && timeout !== Infinity) {
        timer = setTimeout(resolve, timeout).unref();
      }
      look();
    });
  } finally {
    leave();
  }
}
