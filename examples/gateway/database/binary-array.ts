import { copyBytes } from '../copy-bytes.js';

/** Object ids of PostgreSQL's types. */
export const TYPES = { bytea: 17, int4: 23, uuid: 2950 } as const;

const HEADER_BYTES = 20;
const NULL_LENGTH = -1;

/**
 * A one-dimensional array in PostgreSQL's binary format, written element by element into a buffer
 * that is kept from batch to batch:
 *
 * ```text
 * dimensions = 1 | has nulls | element type | elements | lower bound = 1 | (length, bytes)…
 * ```
 */
export class BinaryArray {
  readonly #type: number;
  #bytes: Buffer;
  /** Of the same memory: its numbers cost a fraction of what those of a Buffer do. */
  #view: DataView;
  #end = HEADER_BYTES;
  #count = 0;
  #nulls = 0;

  constructor(type: number) {
    this.#type = type;
    this.#bytes = Buffer.allocUnsafeSlow(4096);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Elements appended since {@link clear}. */
  get length(): number {
    return this.#count;
  }

  /** Begins again. What {@link finish} gave before is overwritten. */
  clear(): void {
    this.#end = HEADER_BYTES;
    this.#count = 0;
    this.#nulls = 0;
  }

  /** Appends two 64-bit numbers, for an array of `uuid`. */
  appendPair(first: bigint, second: bigint): void {
    const offset = this.#element(16, 16);
    this.#view.setBigUint64(offset, first);
    this.#view.setBigUint64(offset + 8, second);
  }

  /** Appends a 32-bit number, for an array of `int4`. */
  appendInteger(value: number): void {
    const offset = this.#element(4, 4);
    this.#view.setInt32(offset, value);
  }

  /** Appends the bytes from `start` to `end`; null is SQL's NULL. */
  append(source: Buffer | null, start = 0, end = source?.length ?? 0): void {
    if (source === null) {
      this.#nulls = 1;
      this.#element(0, NULL_LENGTH);
      return;
    }
    const offset = this.#element(end - start, end - start);
    copyBytes(source, start, end, this.#bytes, offset);
  }

  /** The array as it is now: a view, good until the next call that appends or clears. */
  finish(): Buffer {
    const bytes = this.#bytes;
    const view = this.#view;
    if (this.#count === 0) {
      view.setInt32(0, 0);
      view.setInt32(4, 0);
      view.setInt32(8, this.#type);
      return bytes.subarray(0, 12);
    }
    view.setInt32(0, 1);
    view.setInt32(4, this.#nulls);
    view.setInt32(8, this.#type);
    view.setInt32(12, this.#count);
    view.setInt32(16, 1);
    return bytes.subarray(0, this.#end);
  }

  /** Writes an element's length, makes room for `size` bytes, and gives their place. */
  #element(size: number, length: number): number {
    const offset = this.#end + 4;
    const end = offset + size;
    if (end > this.#bytes.length) this.#grow(end);
    this.#view.setInt32(this.#end, length);
    this.#end = end;
    this.#count++;
    return offset;
  }

  #grow(size: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(size, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#end);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
