/** Above this many bytes `set` is faster than a loop, also into shared memory. */
const LOOP = 512;

/**
 * Copies bytes into shared memory. `TypedArray.set` into a SharedArrayBuffer has a high fixed
 * price and copies byte by byte (nodejs/node#62032), so short copies are loops: of words where both
 * sides are aligned, which our own memory is.
 *
 * @param to Words of the target memory.
 * @param toBytes Bytes of the same memory.
 * @param at Byte offset, a multiple of 4.
 */
export function copyBytes(to: Int32Array, toBytes: Uint8Array, at: number, from: Uint8Array): void {
  const { length, byteOffset, buffer } = from;
  if (length > LOOP) {
    toBytes.set(from, at);
    return;
  }
  let done = 0;
  if ((byteOffset & 3) === 0 && length >= 16) {
    const words = wordsOf(buffer);
    const target = at >> 2;
    const source = byteOffset >> 2;
    const count = length >> 2;
    for (let i = 0; i < count; i++) to[target + i] = words[source + i] as number;
    done = count << 2;
  }
  for (let i = done; i < length; i++) toBytes[at + i] = from[i] as number;
}

/**
 * Bytes of the blocks whose words are kept: those that sockets read into and small Buffers are cut from. The last one
 * is held on to, so it must not be large.
 */
const BLOCK = 1 << 16;

let lastBlock: ArrayBufferLike | undefined;
let lastWords: Int32Array = new Int32Array(0);

/** Bytes mostly come from one block of memory after the other. A block of the same length is the same as it was. */
function wordsOf(buffer: ArrayBufferLike): Int32Array {
  const length = buffer.byteLength >> 2;
  if (buffer === lastBlock && length === lastWords.length) return lastWords;
  const words = new Int32Array(buffer, 0, length);
  if (buffer.byteLength <= BLOCK) {
    lastBlock = buffer;
    lastWords = words;
  }
  return words;
}
