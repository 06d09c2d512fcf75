import { Buffer } from 'node:buffer';
import { invalidArgument } from '../errors.js';

/** What arguments are read from: a message of a listener, or a record it was put into. */
export interface RespSource {
  readonly bytes: Buffer;
}

/** Requests of more arguments cost one larger table. */
const USUAL_ARGUMENTS = 64;
/** Up to so many bytes a loop is faster than `copy`, which makes a view. */
const LOOP = 128;

/**
 * The arguments of a RESP request. One object serves for all requests; it looks at the request it
 * read last and is valid as long as that is.
 *
 * The payload of a request is a table and the arguments' bytes behind one another: the number of
 * arguments, then the end of each in the bytes, all 32-bit little-endian.
 */
export class RespArguments {
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;
  /** Where each argument begins in the request, and the last one ends: read once, asked for many times. */
  #offsets = new Int32Array(USUAL_ARGUMENTS + 1);

  /** Looks at another request. */
  read(source: RespSource): this {
    const { bytes } = source;
    const length = word(bytes, 0);
    if (length >= this.#offsets.length) this.#offsets = new Int32Array(length + 1);
    const offsets = this.#offsets;
    const base = 4 + length * 4;
    offsets[0] = base;
    for (let i = 1; i <= length; i++) offsets[i] = base + word(bytes, i * 4);
    this.#bytes = bytes;
    this.#length = length;
    return this;
  }

  /** Number of arguments; the first is the command's name. */
  get length(): number {
    return this.#length;
  }

  #begin(index: number): number {
    if (index >= 0 && index < this.#length) return this.#offsets[index] as number;
    throw invalidArgument('index', index, `a whole number below ${this.#length}`);
  }

  /** Asked for after `#begin`, which checks. */
  #end(index: number): number {
    return this.#offsets[index + 1] as number;
  }

  /** Bytes of an argument. */
  byteLength(index: number): number {
    const begin = this.#begin(index);
    return this.#end(index) - begin;
  }

  /** An argument as a view of the request, valid as long as that is. */
  bytes(index: number): Buffer {
    return this.#bytes.subarray(this.#begin(index), this.#end(index));
  }

  /** An argument as a Buffer of its own. */
  copy(index: number): Buffer {
    return Buffer.from(this.bytes(index));
  }

  /** Copies an argument into `target`; the offset behind it. */
  copyTo(index: number, target: Buffer, offset: number): number {
    const begin = this.#begin(index);
    const end = this.#end(index);
    if (end - begin > LOOP || offset + end - begin > target.length) {
      return offset + this.#bytes.copy(target, offset, begin, end);
    }
    for (let i = begin; i < end; i++) target[offset++] = this.#bytes[i] as number;
    return offset;
  }

  /** An argument as text, read as UTF-8. */
  string(index: number): string {
    return this.#bytes.toString('utf8', this.#begin(index), this.#end(index));
  }

  /** Whether an argument is this ASCII text, in capitals or not. */
  equals(index: number, text: string): boolean {
    if (index >= this.#length) return false;
    const begin = this.#begin(index);
    if (this.#end(index) - begin !== text.length) return false;
    for (let i = 0; i < text.length; i++) {
      if (lower(this.#bytes[begin + i] as number) !== lower(text.charCodeAt(i))) return false;
    }
    return true;
  }
}

/** A little-endian number; `readUInt32LE` checks what is known here, for several times the price. */
function word(bytes: Buffer, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

function lower(code: number): number {
  return code >= 65 && code <= 90 ? code + 32 : code;
}
