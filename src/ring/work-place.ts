import { MillraceError } from '../errors.js';
import { binding } from '../native/binding.js';
import { stageCell } from './cells.js';
import type { Stage } from './graph.js';
import { layout as L } from './layout.js';
import { callNative } from './native-error.js';
import { Place } from './place.js';
import type { RingMemory } from './ring-memory.js';

/**
 * @internal A worker's place in a stage that others share with it: what it has claimed, and what is ready for anyone.
 *
 * Claims and releases are native calls, one a batch each: crates/ring/src/workers.rs tells how the stage's sequence
 * follows them. One batch is open at a time: the next is claimed when all of it is released.
 */
export class WorkPlace extends Place {
  readonly #stageCell: number;
  /** Where the batch in hand began, and the exact number of that. */
  #first = 0;
  #number = 0;
  /** The ring failed, and there is nothing more for this worker. */
  #over = false;
  /** Called when all of a batch is released, and the next may be had. */
  readonly #free: () => void;

  constructor(memory: RingMemory, stage: Stage, seat: number, free: () => void) {
    super(memory, stage, seat);
    this.#stageCell = stageCell(stage.index);
    this.#free = free;
  }

  /** All of the batch was handed out, and some of it is not released. */
  get #unreleased(): boolean {
    return this.next === this.limit && this.released !== this.next;
  }

  override available(): number {
    if (this.next !== this.limit) return (this.limit - this.next) | 0;
    if (this.#over || this.#unreleased) return 0;
    const { memory } = this;
    const claimed = Atomics.load(memory.words, this.#stageCell + L.CELL_LEDGER);
    const ready = (memory.slowest(this.upstream) - claimed) | 0;
    return ready > 0 ? ready : this.#orphans();
  }

  /** Batches that another worker left; in a failed ring they are left alone. */
  #orphans(): number {
    const { words, state } = this.memory;
    if (state === L.FAILED) return 0;
    let orphans = 0;
    for (const seat of this.stage.workers) {
      const cell = stageCell(seat);
      if (
        Atomics.load(words, cell + L.CELL_HOLDER) === 0 &&
        Atomics.load(words, cell + L.CELL_CLAIM_LENGTH) !== 0
      ) {
        orphans += 1;
      }
    }
    return orphans;
  }

  /** Claims a fair share of what is ready; 0 when others were faster. */
  override take(most: number): number {
    if (this.next !== this.limit) return (this.limit - this.next) | 0;
    if (this.#over || this.#unreleased) return 0;
    const { memory } = this;
    const failed = memory.state === L.FAILED;
    const places = Math.min(most, memory.capacity);
    const count = this.#call(() => binding.claimWork(memory.handle, this.seat, places));
    if (count === 0) {
      this.#over = failed;
      return 0;
    }
    this.#first = memory.words[this.cell] as number;
    this.#number = this.#exactNow();
    this.released = this.#first;
    this.next = this.#first;
    this.limit = (this.#first + count) | 0;
    return count;
  }

  /** The exact number of what was claimed just now: counted by halves, as workers.rs explains. */
  #exactNow(): number {
    const { words } = this.memory;
    const cell = this.#stageCell;
    for (;;) {
      const ledger = Atomics.load(words, cell + L.CELL_LEDGER);
      const noted = Atomics.load(words, cell + L.CELL_HALVES) >>> 0;
      if (Atomics.load(words, cell + L.CELL_LEDGER) !== ledger) continue;
      const half = noted + ((noted ^ (ledger >>> 31)) & 1);
      return half * 2 ** 31 + (ledger & 0x7fffffff) - ((ledger - this.#first) | 0);
    }
  }

  override exact(sequence: number): number {
    return this.#number + ((sequence - this.#first) | 0);
  }

  override release(sequence: number): void {
    if (((sequence - this.released) | 0) <= 0) return;
    this.released = sequence;
    this.#call(() => binding.finishWork(this.memory.handle, this.seat, sequence >>> 0));
    // Who waits for the next batch could not have it before.
    if (sequence === this.limit) this.#free();
  }

  /** Lets other workers have what is not released. */
  override handBack(): void {
    const left = this.released !== this.limit;
    this.next = this.released;
    this.limit = this.released;
    if (left && this.memory.attached) {
      this.#call(() => binding.handBackWork(this.memory.handle, this.seat));
    }
  }

  #call<T>(call: () => T): T {
    return callNative(`sharing stage '${this.stage.name}'`, call);
  }

  /** Not before the whole stage is done: what a worker leaves that dies may still come here. */
  override get ended(): boolean {
    const { memory, position } = this;
    return this.released === this.limit && memory.ended(position) && this.available() === 0;
  }

  /** The stage's, and not this worker's. */
  override get position(): number {
    return Atomics.load(this.memory.words, this.#stageCell);
  }

  override waitsFor(cell: number): boolean {
    if (this.#unreleased) return true;
    const { words } = this.memory;
    const claimed = Atomics.load(words, this.#stageCell + L.CELL_LEDGER);
    return ((Atomics.load(words, cell) - claimed) | 0) <= 0;
  }

  /** In a ring that closes also on the stage's own cell: others may have the last batches in hand. */
  override armOn(cell: number, bit: number): void {
    const { words, state } = this.memory;
    Atomics.or(words, cell + L.CELL_CONSUMERS, bit);
    if (state !== L.OPEN) Atomics.or(words, this.#stageCell + L.CELL_CONSUMERS, bit);
  }

  override checkMayBlock(): void {
    if (!this.#unreleased) return;
    throw new MillraceError(
      'ERR_MILLRACE_INVALID_ARGUMENT',
      `with release 'manual' a worker of stage '${this.stage.name}' gets its next batch when this one is released; ` +
        'have the handler release it up to its end',
    );
  }
}
