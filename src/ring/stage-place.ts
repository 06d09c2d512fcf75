import { Gather } from './gather.js';
import type { Stage } from './graph.js';
import { layout as L } from './layout.js';
import { Place } from './place.js';
import type { RingMemory } from './ring-memory.js';
import { Skips } from './skips.js';

/** @internal The place of a stage's one consumer. */
export class StagePlace extends Place {
  /** Multi-producer rings: what producers gave up. */
  readonly #skips: Skips | undefined;
  readonly #gather: Gather;
  /** Brings this stage's sequence to a value, and wakes who waits for it. */
  readonly #advance: (sequence: number) => void;

  constructor(memory: RingMemory, stage: Stage) {
    super(memory, stage, stage.index);
    this.#skips = memory.multi ? new Skips(memory) : undefined;
    this.#gather = new Gather(memory.capacity);
    this.#advance = memory.advancer(this.cell, this.cell);
  }

  /** What producers gave up before them is passed over, and released where nothing before it is held back. */
  override available(): number {
    if (((this.limit - this.next) | 0) <= 0) {
      this.#gather.wait();
      this.limit = this.memory.slowest(this.upstream);
      this.#gather.found((this.limit - this.next) | 0);
      if (this.#skips !== undefined && this.limit !== this.next) this.#passOver(this.#skips);
    }
    return (this.limit - this.next) | 0;
  }

  /** Passes over what was given up, and ends what is ready where more was. */
  #passOver(skips: Skips): void {
    if (skips.quiet(this.released)) return;
    const { next, limit } = this;
    this.next = skips.behind(next, limit);
    this.limit = skips.before(this.next, limit);
    if (this.released === next && this.next !== next) {
      this.released = this.next;
      this.#advance(this.next);
    }
  }

  override take(_most: number): number {
    return this.available();
  }

  /** With it goes what was given up behind it and passed over: nobody else would release that. */
  override release(sequence: number): void {
    // What was given up may have been released by itself since this was asked for.
    if (((sequence - this.released) | 0) <= 0) return;
    const skips = sequence === this.next ? undefined : this.#skips;
    const held = skips === undefined || skips.quiet(this.released);
    this.released = held ? sequence : skips.behind(sequence, this.next);
    (this.memory.words[this.cell + L.CELL_BATCHES] as number)++;
    this.#advance(this.released);
  }

  override handBack(): void {
    this.next = this.released;
    this.limit = this.released;
  }

  override exact(sequence: number): number {
    const { memory, released } = this;
    return memory.exact(this.cell, released) + ((sequence - released) | 0);
  }

  override get position(): number {
    return this.next;
  }

  override get ended(): boolean {
    // Looked at again: who failed the ring may have released events since.
    return this.available() === 0 && this.memory.ended(this.next) && this.available() === 0;
  }

  override waitsFor(cell: number): boolean {
    return ((Atomics.load(this.memory.words, cell) - this.next) | 0) <= 0;
  }

  override armOn(cell: number, bit: number): void {
    Atomics.or(this.memory.words, cell + L.CELL_CONSUMERS, bit);
  }
}
