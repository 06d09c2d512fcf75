import type { Arguments } from './arguments.js';

/**
 * Fields and values of an entry as one run of bytes: for each of them a big-endian 32-bit length and
 * the bytes as they came, valid UTF-8 or not. One `bytea` a row is what the database takes fastest.
 */

const LENGTH_BYTES = 4;

/**
 * Packs the arguments from `first` to the last, after `reserved` bytes left free for the caller.
 *
 * @returns A buffer of its own.
 */
export function packFields(args: Arguments, first: number, reserved: number): Buffer {
  let size = reserved;
  for (let i = first; i < args.length; i++) size += LENGTH_BYTES + args.byteLength(i);
  const packed = Buffer.allocUnsafe(size);
  let offset = reserved;
  for (let i = first; i < args.length; i++) {
    offset = args.copyTo(i, packed, writeLength(args.byteLength(i), packed, offset));
  }
  return packed;
}

/** `writeUInt32BE` checks what is known here, for several times the price. */
function writeLength(length: number, target: Buffer, offset: number): number {
  target[offset] = length >>> 24;
  target[offset + 1] = length >>> 16;
  target[offset + 2] = length >>> 8;
  target[offset + 3] = length;
  return offset + LENGTH_BYTES;
}

/** How many fields and values are packed here. */
export function countFields(packed: Buffer): number {
  let count = 0;
  for (let at = 0; at < packed.length; at += LENGTH_BYTES + packed.readUInt32BE(at)) count++;
  return count;
}

/** Takes packed fields apart, in order; what is given are views. */
export function* unpackFields(packed: Buffer): Generator<Buffer> {
  for (let at = 0; at < packed.length; ) {
    const start = at + LENGTH_BYTES;
    at = start + packed.readUInt32BE(at);
    yield packed.subarray(start, at);
  }
}
