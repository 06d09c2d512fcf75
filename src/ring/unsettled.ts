import type { StageReader } from './stage-reader.js';

/** An event whose item has not settled yet. */
export interface Entry {
  readonly sequence: number;
  settled: boolean;
}

/**
 * Events given to a queue, in order, some settled and some not: the stage is released up to the
 * first that is not.
 */
export class Unsettled {
  readonly #reader: StageReader;
  #entries: Entry[] = [];
  /** Entries before this one are released. */
  #first = 0;
  /** Everything before this sequence was given to the queue or needs nothing. */
  #reached: number;
  #onEmpty: (() => void) | undefined;

  constructor(reader: StageReader) {
    this.#reader = reader;
    this.#reached = reader.released;
  }

  add(sequence: number): Entry {
    const entry = { sequence, settled: false };
    this.#entries.push(entry);
    return entry;
  }

  settle(entry: Entry): void {
    entry.settled = true;
    if (entry === this.#entries[this.#first]) this.#release();
  }

  /** The last entry was not taken by the queue after all. */
  remove(entry: Entry): void {
    this.#entries.pop();
    this.#reached = entry.sequence;
    // Those before it may have settled since it was added.
    this.#release();
  }

  /** Everything before `sequence` was handed on. */
  reach(sequence: number): void {
    this.#reached = sequence;
    this.#release();
  }

  #release(): void {
    const entries = this.#entries;
    let first = this.#first;
    while (first < entries.length && (entries[first] as Entry).settled) first++;
    const next = entries[first];
    if (next) {
      this.#first = first;
      // Shifting once in a while keeps the list as long as what is open, at a constant price an entry.
      if (first > 1024 && first * 2 > entries.length) {
        this.#entries = entries.slice(first);
        this.#first = 0;
      }
    } else {
      entries.length = 0;
      this.#first = 0;
      this.#onEmpty?.();
    }
    if (this.#reader.open) this.#reader.release(next ? next.sequence : this.#reached);
  }

  /** Resolves when everything has settled. */
  async empty(): Promise<void> {
    if (this.#entries.length === 0) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
  }
}
