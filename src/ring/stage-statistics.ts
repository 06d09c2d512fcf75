import { stageCell } from './cells.js';
import type { Stage } from './graph.js';
import { layout as L } from './layout.js';
import type { RingMemory } from './ring-memory.js';

/** Counts of one stage. */
export interface StageStatistics {
  /** Events published that this stage has not released. */
  readonly lag: number;
  /** The next event to be released, exact. */
  readonly sequence: number;
  readonly batches: number;
  /** Times this stage went to sleep. */
  readonly waits: number;
  /** Wakes this stage made, and those it could spare because nobody slept. */
  readonly wakes: number;
  readonly elided: number;
  /** Events that {@link StageConsumer.run} passed over because the handler failed, see {@link RunOptions.onError}. */
  readonly skipped: number;
  /** Batches that it began again. */
  readonly retries: number;
}

/** Counts of a stage, from any thread. */
export function stageStatistics(memory: RingMemory, stage: Stage): StageStatistics {
  const { words } = memory;
  const cell = stageCell(stage.index);
  const value = Atomics.load(words, cell);
  const count = (offset: number) => (words[cell + offset] as number) >>> 0;
  return {
    lag: (Atomics.load(words, L.CURSOR_CELL) - value) | 0,
    sequence: memory.exact(cell, value),
    batches: count(L.CELL_BATCHES),
    waits: count(L.CELL_WAITS),
    wakes: count(L.CELL_MADE),
    elided: count(L.CELL_ELIDED),
    skipped: count(L.CELL_SKIPPED),
    retries: count(L.CELL_RETRIES),
  };
}
