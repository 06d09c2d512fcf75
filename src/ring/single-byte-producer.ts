import { ByteProducer, type WriteHeader } from './byte-producer.js';
import { copyBytes } from './copy-bytes.js';
import { InPlace } from './in-place.js';
import { layout as L } from './layout.js';
import type { RingMemory } from './ring-memory.js';
import type { View, ViewClass } from './view.js';
import { type WritingView, writingView } from './writing-view.js';

/** The only producer of its byte ring: writes records in place. */
export class SingleByteProducer<H extends object> extends ByteProducer<H> {
  /** The header of the record to write next, and its sequence. */
  readonly #header: WritingView;
  /** @internal */
  protected override readonly slots: InPlace;

  constructor(memory: RingMemory, view: ViewClass<View>) {
    super(memory, () => view);
    this.#header = new (writingView(view, memory, this.seat.cell + L.CELL_VALUE))();
    this.slots = new InPlace(memory, this.seat, this.#header, this.flushAt);
  }

  /** @internal */
  protected override get next(): number {
    return this.#header.$next;
  }

  /** @internal */
  protected override push<A>(
    payload: Uint8Array | string,
    length: number,
    write: WriteHeader<H, A> | undefined,
    argument: A,
  ): boolean {
    const header = this.#header;
    const next = header.$next;
    const places = this.places(length);
    const padding = this.padding(next, places);
    if (((header.$limit - next) | 0) < padding + places && !this.#prepare(padding + places)) {
      return false;
    }
    const { words, slots, stride, mask, arrays } = this.memory;
    const at = slots + ((next + padding) & mask) * stride;
    const payloadAt = at + this.payloadAt;
    const payloadWord = payloadAt >> 2;
    // A few words at most, for which `fill` is slower.
    for (let word = (at + L.RECORD_PREFIX) >> 2; word < payloadWord; word++) words[word] = 0;
    if (write) this.#fill(at, next, padding + places, write, argument);
    if (padding > 0) this.writePrefix(slots + (next & mask) * stride, L.PADDING, padding);
    this.writePrefix(at, length, places);
    if (typeof payload === 'string') arrays.bytes.write(payload, payloadAt, length);
    else copyBytes(words, arrays.u8, payloadAt, payload);
    header.$next = (next + padding + places) | 0;
    return true;
  }

  /**
   * Has the next `n` places announced, and flushed at the end of the turn; false when the ring is full. Behind a write
   * once more if that has flushed, which took both back.
   */
  #prepare(n: number): boolean {
    this.checkFree();
    if (!this.slots.prepare(n)) return false;
    this.stage();
    return true;
  }

  #fill<A>(at: number, next: number, n: number, write: WriteHeader<H, A>, argument: A): void {
    const header = this.#header;
    header.$at = at + L.RECORD_PREFIX;
    try {
      this.fill(write, header, argument);
      if (header.$next !== next) throw this.movedWithin();
      if (((header.$limit - next) | 0) <= 0) this.#prepare(n);
    } catch (error) {
      this.slots.withdraw();
      throw error;
    }
  }

  /** @internal */
  protected override claimPlaces(places: number): number | undefined {
    return this.slots.claim(this.padding(this.next, places) + places);
  }
}
