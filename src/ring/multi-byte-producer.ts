import { Buffer } from 'node:buffer';
import { binding } from '../native/binding.js';
import type { Arrays } from './arrays.js';
import { ByteProducer, type WriteHeader } from './byte-producer.js';
import { copyBytes } from './copy-bytes.js';
import { layout as L } from './layout.js';
import { callNative } from './native-error.js';
import type { RingMemory } from './ring-memory.js';
import { FULL, Staging } from './staging.js';
import type { View, ViewClass } from './view.js';

/**
 * One of several producers of a byte ring: stages records in memory of its own, behind one another as they lie in the
 * ring. One that is longer than this memory is published at once, behind what is staged.
 */
export class MultiByteProducer<H extends object> extends ByteProducer<H> {
  readonly #header: View;
  /** @internal */
  protected override readonly slots: Staging;

  constructor(memory: RingMemory, makeViewOf: (arrays: Arrays) => ViewClass<View>) {
    super(memory, () => makeViewOf(memory.arrays));
    // The header of a long record is written here too.
    const bytes = Math.max(this.flushAt * L.GRANULE, this.payloadAt);
    const end = () => this.behind(this.next, this.#firstPlaces);
    this.slots = new Staging(memory, this.seat, bytes, end, () => this.flush());
    this.#header = new (makeViewOf(this.slots.arrays))();
  }

  /** @internal */
  protected override get next(): number {
    return Atomics.load(this.memory.words, L.CLAIM_CELL);
  }

  get #firstPlaces(): number {
    return this.slots.arrays.i32[1] as number;
  }

  /** @internal What is staged goes first, and makes room for more behind it. */
  protected override end(places: number): number {
    return super.end(this.staged > 0 ? this.#firstPlaces : places);
  }

  /** @internal */
  protected override push<A>(
    payload: Uint8Array | string,
    length: number,
    write: WriteHeader<H, A> | undefined,
    argument: A,
  ): boolean {
    const places = this.places(length);
    const staging = this.slots;
    const long = places > this.flushAt;
    const most = long ? 0 : this.flushAt - places;
    if (staging.staged > most) {
      this.checkFree();
      this.flush();
      if (staging.staged > most) return false;
    }
    if (long) return this.#pushLong(payload, places, write, argument);
    // A closed ring is refused before the first record of a flush.
    if (staging.staged === 0 || this.closed) {
      this.checkOpen();
      this.seat.announce(1, 0);
    }
    const at = staging.staged * L.GRANULE;
    try {
      this.#writeHeader(at, write, argument);
    } catch (error) {
      if (this.seat.open) this.seat.withdraw(staging.staged);
      throw error;
    }
    const { bytes, i32, u8 } = staging.arrays;
    i32[at >> 2] = length;
    i32[(at >> 2) + 1] = places;
    if (typeof payload === 'string') bytes.write(payload, at + this.payloadAt, length);
    else copyBytes(i32, u8, at + this.payloadAt, payload);
    staging.accept(places);
    this.stage();
    if (staging.staged === this.flushAt) this.flush();
    return true;
  }

  /** Publishes a record that cannot be staged; nothing is. */
  #pushLong<A>(
    payload: Uint8Array | string,
    places: number,
    write: WriteHeader<H, A> | undefined,
    argument: A,
  ): boolean {
    this.checkOpen();
    const { memory, seat } = this;
    // Where this is seen before, `write` is not called for nothing.
    if (((this.end(places) - memory.slowestSink()) | 0) > memory.capacity) return false;
    this.#writeHeader(0, write, argument);
    const behind = L.RECORD_PREFIX + (memory.words[L.HEADER_FIELDS] as number);
    const fields = this.slots.arrays.u8.subarray(L.RECORD_PREFIX, behind);
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    const code = callNative('this record', () =>
      binding.pushCopied(memory.handle, seat.index, fields, bytes),
    );
    if (code < FULL) throw memory.closedError();
    return code === 0;
  }

  #writeHeader<A>(at: number, write: WriteHeader<H, A> | undefined, argument: A): void {
    const { i32 } = this.slots.arrays;
    const { staged } = this;
    const payloadWord = (at + this.payloadAt) >> 2;
    for (let word = (at + L.RECORD_PREFIX) >> 2; word < payloadWord; word++) i32[word] = 0;
    if (!write) return;
    this.#header.$at = at + L.RECORD_PREFIX;
    this.fill(write, this.#header, argument);
    // What was flushed meanwhile has moved.
    if (this.staged !== staged || this.closed) throw this.movedWithin();
  }

  /** @internal Native code, which knows where the claim begins, adds the padding. */
  protected override claimPlaces(places: number): number | undefined {
    return this.slots.claim(places);
  }
}
