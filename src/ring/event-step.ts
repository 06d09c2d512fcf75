import type { Held } from './held.js';
import type { SlotView } from './slot-view.js';
import { checkUnwritten } from './unwritten.js';
import { checked, type ViewClass } from './view.js';

const CHECKED = checked;

/**
 * The iterator over a batch, and the result of each of its steps, and what moves the one view:
 * one object in three roles, so that an iteration allocates nothing.
 */
export class EventStep<E extends object> implements Iterator<E> {
  done: boolean | undefined = false;
  value: E;
  readonly #view: ViewClass<SlotView>;
  readonly #held: Held;
  #first = 0;
  #next = 0;
  #end = 0;

  constructor(view: ViewClass<SlotView>, held: Held) {
    this.#view = view;
    this.#held = held;
    this.value = new view() as unknown as E;
  }

  begin(first: number, end: number): this {
    this.#first = first;
    this.#next = first;
    this.#end = end;
    this.done = false;
    return this;
  }

  next(): IteratorResult<E, undefined> {
    const sequence = this.#next;
    if (sequence === this.#end) {
      // The same object again: a result of another shape would make every step look at which it is.
      this.done = true;
      return this as unknown as IteratorReturnResult<undefined>;
    }
    // First: where it throws, the event before is in hand still.
    this.eventAt(sequence);
    this.#next = (sequence + 1) | 0;
    return this as IteratorYieldResult<E>;
  }

  /** The sequence behind the events that the iteration has gone past: not the one in hand. */
  get passed(): number {
    return this.done || this.#next === this.#first ? this.#next : (this.#next - 1) | 0;
  }

  /** Moves the view to a sequence. */
  eventAt(sequence: number): E {
    if (CHECKED) this.#renew(sequence);
    (this.value as SlotView).$to(sequence);
    return this.value;
  }

  /** What was handed out is used no more: an iteration under way ends; with `MILLRACE_CHECK=1` a late use throws. */
  expire(): void {
    this.#end = this.#next;
    if (CHECKED) this.#retire();
  }

  /** With `MILLRACE_CHECK=1`: throws when the stage has written into what it does not own of the event in hand. */
  checkUnwritten(): void {
    checkUnwritten(this.value as SlotView);
  }

  #renew(sequence: number): void {
    this.checkUnwritten();
    this.#retire();
    this.#held.check(sequence);
    this.value = new this.#view() as unknown as E;
    this.#held.watch(this.value as SlotView, sequence);
  }

  #retire(): void {
    (this.value as SlotView).$at = -1;
  }
}
