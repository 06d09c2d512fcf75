import { stageCell } from './cells.js';
import type { Stage } from './graph.js';
import { layout as L } from './layout.js';
import type { RingMemory } from './ring-memory.js';
import { skippedBetween } from './skips.js';

/** Counts of one stage, its workers together. */
export interface StageStatistics {
  /** Whether it has joined, and is not of the ring's graph. */
  readonly joined: boolean;
  /** Events published that this stage has not released; slots that producers gave up do not count. */
  readonly lag: number;
  /** The next event to be released, exact. */
  readonly sequence: number;
  /**
   * Events (places, of a byte ring) released a second between this call and the one before on the same object; the
   * first counts from when that ring was made or attached to, or that consumer opened.
   */
  readonly throughput: number;
  /** Batches released; this and the counts below wrap at 2^32. */
  readonly batches: number;
  /** Times this stage went to sleep. */
  readonly waits: number;
  /** Wakes this stage made, and those it could spare because nobody slept. */
  readonly wakes: number;
  readonly elided: number;
  /** Events that `run` passed over because the handler, or native work, failed, see {@link RunOptions.onError}. */
  readonly skipped: number;
  /** Batches that `run` began again for the same reason. */
  readonly retries: number;
}

/** Looks at one stage, and remembers how far that was when it looked last. */
export class StageMeter {
  readonly stage: Stage;
  readonly #memory: RingMemory;
  #since = performance.now();
  #sequence: number;
  #throughput = 0;

  constructor(memory: RingMemory, stage: Stage) {
    this.#memory = memory;
    this.stage = stage;
    this.#sequence = stageCounts(memory, stage).sequence;
  }

  /** Everything, with the throughput since the last call. */
  read(counts = stageCounts(this.#memory, this.stage)): StageStatistics {
    const now = performance.now();
    // Two calls within the resolution of the clock tell the same.
    if (now > this.#since) {
      this.#throughput = ((counts.sequence - this.#sequence) / (now - this.#since)) * 1000;
      this.#since = now;
      this.#sequence = counts.sequence;
    }
    return { ...counts, throughput: this.#throughput };
  }
}

/** Counts of a stage, from any thread; two looks at them do not disturb each other. */
export function stageCounts(memory: RingMemory, stage: Stage): Omit<StageStatistics, 'throughput'> {
  const { words } = memory;
  const cell = stageCell(stage.index);
  const sequence = memory.position(cell);
  const value = sequence | 0;
  const count = (offset: number) =>
    [stage.index, ...stage.workers].reduce(
      (sum, seat) => (sum + (words[stageCell(seat) + offset] as number)) >>> 0,
      0,
    );
  const cursor = Atomics.load(words, L.CURSOR_CELL);
  return {
    joined: stage.joined === true,
    lag: ((cursor - value) | 0) - skippedBetween(memory, value, cursor),
    sequence,
    batches: count(L.CELL_BATCHES),
    waits: count(L.CELL_WAITS),
    wakes: count(L.CELL_MADE),
    elided: count(L.CELL_ELIDED),
    skipped: count(L.CELL_SKIPPED),
    retries: count(L.CELL_RETRIES),
  };
}
