import { layout as L } from './layout.js';
import type { RingMemory } from './ring-memory.js';

/** The bit of a claim's count that says: nobody consumes these slots. */
const SKIP = 1 << 31;

/** The count of the claim that begins at `sequence`, if one was ended there; otherwise 0. */
function endedAt(memory: RingMemory, sequence: number): number {
  const { words, stamps, capacity, mask } = memory;
  const at = stamps + (sequence & mask);
  // The stamp first: beyond the cursor the count that goes with it may be written just now.
  return words[at] === ((sequence + 1) | 0) ? (words[at + capacity] as number) : 0;
}

/** The slots given up from `sequence` on, if a claim that begins there was given up; otherwise 0. */
function skippedAt(memory: RingMemory, sequence: number): number {
  const count = endedAt(memory, sequence);
  // No slot in scribbled memory only.
  return count & SKIP ? Math.max(count & ~SKIP, 1) : 0;
}

/**
 * How many of the claimed slots between two sequences nobody consumes. Where nothing was ever given up this costs one
 * load; afterwards one a slot, two nanoseconds or so.
 */
export function skippedBetween(memory: RingMemory, from: number, to: number): number {
  if (!memory.multi || Atomics.load(memory.words, L.HEADER_SKIPPED) === 0) return 0;
  let skipped = 0;
  for (let at = from; ((to - at) | 0) > 0; ) {
    const over = skippedAt(memory, at);
    skipped += over;
    at = (at + Math.max(over, 1)) | 0;
  }
  return skipped;
}

/** How many of the slots before the cursor, since the ring was made, nobody consumed; wraps at 2^32. */
export function skippedBefore(memory: RingMemory, cursor: number): number {
  if (!memory.multi) return 0;
  const { words } = memory;
  const skipped = Atomics.load(words, L.HEADER_SKIPPED);
  return (skipped - skippedBetween(memory, cursor, Atomics.load(words, L.CLAIM_CELL))) >>> 0;
}

/** How many slots from the cursor on were published, behind a claim that is open. */
export function publishedBehind(memory: RingMemory, cursor: number): number {
  if (!memory.multi) return 0;
  const end = Atomics.load(memory.words, L.CLAIM_CELL);
  let published = 0;
  for (let at = cursor; ((end - at) | 0) > 0; ) {
    const count = endedAt(memory, at);
    const length = Math.max(count & ~SKIP, 1);
    if (count > 0) published += length;
    at = (at + length) | 0;
  }
  return published;
}

/**
 * @internal What a stage of a multi-producer ring knows of slots that were claimed and given up: the consuming side of
 * crates/ring/src/stamps.rs, which tells why it may pass over stamps when `skipped` stands still.
 */
export class Skips {
  readonly #memory: RingMemory;
  /** `skipped` when all that it counted lay behind what this stage has released. */
  #quiet: number | undefined;
  /** A later `skipped`, and the sequence before which all that it counts lies. */
  #pending: number | undefined;
  #until = 0;

  constructor(memory: RingMemory) {
    this.#memory = memory;
  }

  /** Whether nothing that this stage has not released was given up. `limit` was loaded before. */
  quiet(released: number): boolean {
    const { words } = this.#memory;
    const skipped = Atomics.load(words, L.HEADER_SKIPPED);
    if (skipped === this.#quiet) return true;
    if (skipped !== this.#pending) {
      this.#pending = skipped;
      this.#until = Atomics.load(words, L.CLAIM_CELL);
    }
    if (((released - this.#until) | 0) < 0) return false;
    this.#quiet = skipped;
    return true;
  }

  /** The first slot from `from` on, up to `limit`, that somebody consumes. */
  behind(from: number, limit: number): number {
    let at = from;
    while (((limit - at) | 0) > 0) {
      const over = skippedAt(this.#memory, at);
      if (over === 0) return at;
      at = (at + over) | 0;
    }
    return limit;
  }

  /** The first slot from `from` on, up to `limit`, that nobody consumes. */
  before(from: number, limit: number): number {
    let at = from;
    while (at !== limit && skippedAt(this.#memory, at) === 0) at = (at + 1) | 0;
    return at;
  }
}
