import { countFields, unpackFields } from './fields.js';
import { formatId, readId } from './stream-id.js';

/** A reply is one run of bytes in memory; what is longer is to be asked for in parts. */
const MOST_BYTES = 128 << 20;
/** `$`, a length and two line ends, or the same with `*`. */
const FRAMING_BYTES = 32;

/** Says how much a reply may hold; nothing of it was sent. */
export class ReplyTooLong extends Error {
  override readonly name = 'ReplyTooLong';

  constructor() {
    super(`the reply would be longer than ${MOST_BYTES} bytes, ask for less with COUNT`);
  }
}

/** The reply of XRANGE: an array of entries, each an id and an array of its fields and values. */
export class EntriesReply {
  readonly #parts: Buffer[] = [];
  #bytes = Buffer.allocUnsafe(1 << 14);
  #end = 0;
  #size = 0;
  #count = 0;

  /** Adds rows of id and packed fields; throws {@link ReplyTooLong}. */
  add(rows: readonly (readonly [Buffer, Buffer])[]): void {
    for (const [id, packed] of rows) {
      this.#line('*2');
      this.#bulk(Buffer.from(formatId(readId(id)), 'latin1'));
      this.#line(`*${countFields(packed)}`);
      for (const field of unpackFields(packed)) this.#bulk(field);
      this.#count++;
      if (this.#size + this.#end > MOST_BYTES) throw new ReplyTooLong();
    }
  }

  /** The whole reply. */
  finish(): Buffer {
    const head = Buffer.from(`*${this.#count}\r\n`, 'latin1');
    return Buffer.concat([head, ...this.#parts, this.#bytes.subarray(0, this.#end)]);
  }

  #line(text: string): void {
    this.#room(FRAMING_BYTES);
    this.#end += this.#bytes.write(`${text}\r\n`, this.#end, 'latin1');
  }

  #bulk(bytes: Buffer): void {
    this.#room(bytes.length + 2 * FRAMING_BYTES);
    this.#end += this.#bytes.write(`$${bytes.length}\r\n`, this.#end, 'latin1');
    this.#end += bytes.copy(this.#bytes, this.#end);
    this.#end += this.#bytes.write('\r\n', this.#end, 'latin1');
  }

  /** Full buffers are set aside, not copied; the next is larger. */
  #room(size: number): void {
    if (this.#end + size <= this.#bytes.length) return;
    this.#parts.push(this.#bytes.subarray(0, this.#end));
    this.#size += this.#end;
    this.#bytes = Buffer.allocUnsafe(Math.max(size, Math.min(this.#bytes.length * 2, 1 << 20)));
    this.#end = 0;
  }
}
