import { Forgotten } from '../park/forgotten.js';
import { layout as L } from './layout.js';

/** @internal A producer or consumer of this thread, or its seat. */
export interface Opened {
  /** @param now Whether a producer must not keep its seat until what it has accepted is flushed. */
  close(now: true): void;
}

/** One that is open, and the set it is in. */
interface Entry {
  readonly one: WeakRef<Opened>;
  /** What is closed in its place when it is forgotten; does not refer to it. */
  readonly seat: Opened;
  readonly all: OpenedSeats;
}

const forgotten = {
  consumer: new Forgotten<Entry>('a consumer was collected without close()', giveBack),
  producer: new Forgotten<Entry>('a producer was collected without close()', giveBack),
};

/** Nobody else could close it: its seat would be taken, and who joined held back for, as long as the ring is used. */
function giveBack(entry: Entry): boolean {
  entry.all.forget(entry);
  entry.seat.close(true);
  // Who has come to the end of the ring holds nobody back.
  return entry.all.words[L.HEADER_STATE] === L.OPEN;
}

/** @internal The producers and consumers that one thread has open on a ring, none of which it keeps alive. */
export class OpenedSeats {
  readonly words: Int32Array;
  readonly #entries = new Set<Entry>();
  readonly #known = new WeakMap<Opened, Entry>();
  readonly #told = new Set<() => void>();

  constructor(words: Int32Array) {
    this.words = words;
  }

  /** @param seat What is closed in place of a producer or consumer that is forgotten; must not refer to it. */
  add(kind: keyof typeof forgotten, one: Opened, seat: Opened): void {
    const entry: Entry = { one: new WeakRef(one), seat, all: this };
    this.#entries.add(entry);
    this.#known.set(one, entry);
    forgotten[kind].watch(one, entry);
  }

  /** It was closed. */
  delete(one: Opened): void {
    for (const kind of Object.values(forgotten)) kind.unwatch(one);
    const entry = this.#known.get(one);
    if (entry) this.#entries.delete(entry);
  }

  forget(entry: Entry): void {
    this.#entries.delete(entry);
  }

  /** Has `tell` called when all of them are closed; gives what takes that back. */
  whenClosed(tell: () => void): () => void {
    this.#told.add(tell);
    return () => this.#told.delete(tell);
  }

  /** Closes all of them. */
  close(): void {
    for (const { one, seat } of [...this.#entries]) (one.deref() ?? seat).close(true);
    for (const tell of this.#told) tell();
  }
}
