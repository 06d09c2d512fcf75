import type { StageReader } from './stage-reader.js';

/** An event that was given to a queue. */
export interface Entry {
  readonly sequence: number;
  /** Well, or badly with somebody told: it may be released. */
  settled: boolean;
}

/**
 * Events given to a queue, in order, some settled and some not: the stage is released up to the
 * first that is not, once a turn.
 */
export class Unsettled {
  readonly #reader: StageReader;
  #entries: Entry[] = [];
  /** Entries before this one are released. */
  #first = 0;
  /** Entries the queue has not answered. */
  #open = 0;
  /** Everything before this sequence was given to the queue or needs nothing. */
  #reached: number;
  #releasing = false;
  #onQuiet: (() => void) | undefined;

  constructor(reader: StageReader) {
    this.#reader = reader;
    this.#reached = reader.place.released;
  }

  add(sequence: number): Entry {
    const entry = { sequence, settled: false };
    this.#entries.push(entry);
    this.#open += 1;
    return entry;
  }

  /** The queue has answered; `release` says whether the event is done with. */
  answer(entry: Entry, release: boolean): void {
    entry.settled = release;
    this.#open -= 1;
    this.#releaseSoon();
    if (this.#open === 0) this.#onQuiet?.();
  }

  /** The last entry was not taken by the queue after all. */
  remove(entry: Entry): void {
    this.#entries.pop();
    this.#open -= 1;
    this.#reached = entry.sequence;
  }

  /** Everything before `sequence` was handed on. */
  reach(sequence: number): void {
    this.#reached = sequence;
    this.#releaseSoon();
  }

  /** A batch is answered item by item, and released in one step. */
  #releaseSoon(): void {
    if (this.#releasing) return;
    this.#releasing = true;
    queueMicrotask(() => this.#release());
  }

  #release(): void {
    this.#releasing = false;
    const entries = this.#entries;
    let first = this.#first;
    while (first < entries.length && (entries[first] as Entry).settled) first++;
    const next = entries[first];
    this.#first = first;
    // Shifting once in a while keeps the list as long as what is open, at a constant price an entry.
    if (first > 1024 && first * 2 > entries.length) {
      this.#entries = entries.slice(first);
      this.#first = 0;
    }
    const { open, place } = this.#reader;
    if (open) place.release(next ? next.sequence : this.#reached);
  }

  /** Resolves when the queue has answered everything, and what may be is released. */
  async quiet(): Promise<void> {
    if (this.#open > 0) {
      await new Promise<void>((resolve) => {
        this.#onQuiet = resolve;
      });
    }
    this.#release();
  }
}
