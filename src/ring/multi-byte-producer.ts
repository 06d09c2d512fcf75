import { Buffer } from 'node:buffer';
import { binding } from '../native/binding.js';
import { Arrays } from './arrays.js';
import { ByteProducer, type WriteHeader } from './byte-producer.js';
import { layout as L } from './layout.js';
import { callNative } from './native-error.js';
import type { RingMemory } from './ring-memory.js';
import type { View, ViewClass } from './view.js';

/** One of several producers of a byte ring. */
export class MultiByteProducer<H extends object> extends ByteProducer<H> {
  readonly #header: View;
  /** Where a record's header is written. */
  readonly #own: Arrays;

  constructor(memory: RingMemory, makeViewOf: (arrays: Arrays) => ViewClass<View>) {
    super(memory);
    this.#own = new Arrays(new ArrayBuffer(this.payloadAt - L.RECORD_PREFIX));
    this.#header = new (makeViewOf(this.#own))();
  }

  get staged(): number {
    return 0;
  }

  /** @internal */
  protected override get next(): number {
    return Atomics.load(this.memory.words, L.CLAIM_CELL);
  }

  /** @internal */
  protected override push<A>(
    payload: Uint8Array | string,
    _length: number,
    write: WriteHeader<H, A> | undefined,
    argument: A,
  ): boolean {
    this.checkOpen();
    const { memory, seat } = this;
    const own = this.#own.u8;
    own.fill(0);
    if (write) {
      this.#header.$at = 0;
      this.fill(write, this.#header, argument);
      if (this.closed) throw this.movedWithin();
    }
    const fields = own.subarray(0, memory.words[L.HEADER_FIELDS]);
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    const code = callNative('this record', () =>
      binding.pushCopied(memory.handle, seat.index, fields, bytes),
    );
    if (code < -1) throw memory.closedError();
    return code === 0;
  }

  override flush(): void {}
}
