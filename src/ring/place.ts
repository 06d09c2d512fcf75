import { cellsOf, stageCell } from './cells.js';
import type { Stage } from './graph.js';
import type { RingMemory } from './ring-memory.js';

/**
 * @internal A consumer's place in the stream: what is ready, handed out and released. Knows sequences, not events.
 *
 * `StagePlace` is that of a stage's one consumer, `WorkPlace` that of one of many.
 */
export abstract class Place {
  readonly memory: RingMemory;
  readonly stage: Stage;
  /** Which bit and cell are ours. */
  readonly seat: number;
  readonly cell: number;
  /** Cells of those it follows. */
  readonly upstream: readonly number[];
  /** Next sequence that nobody was handed yet. */
  next: number;
  /** Next sequence that was not released yet. */
  released: number;
  /** Sequences before this are known to be ready. */
  limit: number;

  protected constructor(memory: RingMemory, stage: Stage, seat: number) {
    this.memory = memory;
    this.stage = stage;
    this.seat = seat;
    this.cell = stageCell(seat);
    this.upstream = cellsOf(stage.upstream);
    this.released = Atomics.load(memory.words, this.cell);
    this.next = this.released;
    this.limit = this.released;
  }

  /** Sequences behind one another that are ready and were not handed out. */
  abstract available(): number;

  /** The same, about to be handed out: `most` at a time. */
  abstract take(most: number): number;

  /**
   * Releases everything before `sequence`: stages behind may have it, producers may overwrite it. Never goes back: what
   * an iteration has passed may be less than what was released early.
   */
  abstract release(sequence: number): void;

  /** What was handed out and not released comes again. */
  abstract handBack(): void;

  /** The exact number of a sequence that is not behind what was released. */
  abstract exact(sequence: number): number;

  /** What the stage has got: everything before it. */
  abstract get position(): number;

  /** True when there will be nothing more. */
  abstract get ended(): boolean;

  /** Throws where a wait that blocks would never end. */
  checkMayBlock(): void {}

  /** True when a cell of {@link upstream} holds us back, and advancing it will wake us. */
  abstract waitsFor(cell: number): boolean;

  /** Has who advances a cell wake us. */
  abstract armOn(cell: number, bit: number): void;
}
