import { InPlace } from './in-place.js';
import { layout as L } from './layout.js';
import { noWrite, Producer, type Write, type WriteMany } from './producer.js';
import type { RingMemory } from './ring-memory.js';
import { publishedWithin } from './ring-producer.js';
import { checked, type View, type ViewClass } from './view.js';
import { type WritingView, writeChecked, writingView } from './writing-view.js';

const CHECKED = checked;

/** The only producer of its ring: writes events in place. */
export class SingleProducer<E extends object> extends Producer<E> {
  /** The event to write next, and its sequence. */
  readonly #event: WritingView;
  /** @internal */
  protected override readonly slots: InPlace;

  constructor(memory: RingMemory, view: ViewClass<View>) {
    super(memory, () => view);
    this.#event = new (writingView(view, memory, this.seat.cell + L.CELL_VALUE))();
    if (CHECKED) this.#event.$at = -1;
    this.slots = new InPlace(memory, this.seat, this.#event, this.flushAt);
  }

  /** @internal */
  protected override get next(): number {
    return this.#event.$next;
  }

  override tryPublish<A = undefined>(write: Write<E, A>, argument?: A): boolean {
    // With each event this would cost a fifth of what a single event costs; without it V8 says the same.
    if (CHECKED && typeof write !== 'function') throw noWrite(write);
    const event = this.#event;
    const next = event.$next;
    if (((event.$limit - next) | 0) <= 0 && !this.#prepare()) return false;
    event.$to(next);
    if (CHECKED) writeChecked(event, write, event as unknown as E, argument as A);
    else write(event as unknown as E, argument as A);
    if (event.$next !== next) throw this.movedWithin();
    if (((event.$limit - next) | 0) <= 0) this.#prepare();
    event.$next = (next + 1) | 0;
    return true;
  }

  /** @internal */
  protected override tryPublishSome<A>(
    n: number,
    from: number,
    write: WriteMany<E, A>,
    argument: A,
  ): number {
    const event = this.#event;
    for (let i = 0; i < n; i++) {
      const next = event.$next;
      if (((event.$limit - next) | 0) <= 0 && !this.#prepare()) return i;
      event.$to(next);
      if (CHECKED) writeChecked(event, write, event as unknown as E, from + i, argument);
      else write(event as unknown as E, from + i, argument);
      if (event.$next !== next) throw this.movedWithin();
      if (((event.$limit - next) | 0) <= 0) this.#prepare();
      event.$next = (next + 1) | 0;
    }
    return n;
  }

  /**
   * Has the next event announced, and flushed at the end of the turn; false when the ring is full. Behind a write once
   * more if that has flushed, which took both back.
   */
  #prepare(): boolean {
    this.checkFree();
    if (!this.slots.prepare(1)) return false;
    this.stage();
    return true;
  }

  /** @internal */
  protected override checkWriting(): void {
    if (CHECKED && this.#event.$at >= 0) throw publishedWithin();
  }
}
