import { MillraceError } from '../errors.js';
import { checked, type View } from './view.js';

const CHECKED = checked;

/** @internal What {@link Held} needs to know of a consumer's stage. */
interface Releases {
  /** Next sequence that was not released yet. */
  readonly released: number;
}

/**
 * @internal What a consumer was handed and may use: all of it that was not released, until the consumer gives the rest back.
 *
 * Batches that are released by hand have one of these between them from one leave of the stage to the next, so that
 * none of them is told of a release: each looks.
 */
export class Held {
  readonly #stage: Releases;
  /** Collected, it would have given all of this back. */
  readonly consumer: object;
  #over = false;

  constructor(stage: Releases, consumer: object) {
    this.#stage = stage;
    this.consumer = consumer;
  }

  /** The consumer gives back what was not released: it comes again, in other batches. */
  end(): void {
    this.#over = true;
  }

  /** Where what is left of a batch from `first` to `end` begins. */
  rest(first: number, end: number): number {
    const { released } = this.#stage;
    if (!this.#over && ((first - released) | 0) >= 0) return first;
    if (!this.#over && ((end - released) | 0) > 0) return released;
    if (CHECKED && first !== end) throw stale('batch');
    return end;
  }

  /** With `MILLRACE_CHECK=1`: throws when the event at `sequence` may not be used any more. */
  check(sequence: number): void {
    if (!this.#has(sequence)) throw stale('event or record');
  }

  /** With `MILLRACE_CHECK=1`: has a view of the event at `sequence` say that it is stale when it is. */
  watch(view: View, sequence: number): void {
    let { $at: at } = view;
    Object.defineProperty(view, '$at', {
      get: () => (this.#has(sequence) ? at : -1),
      set: (value: number) => {
        at = value;
      },
    });
  }

  #has(sequence: number): boolean {
    return !this.#over && ((sequence - this.#stage.released) | 0) >= 0;
  }
}

function stale(what: string): MillraceError {
  return new MillraceError(
    'ERR_MILLRACE_STALE',
    `this ${what} was used after it was released or given back; release it when all is done with it`,
  );
}
