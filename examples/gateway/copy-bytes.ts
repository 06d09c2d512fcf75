/** Above so many bytes `set` is faster than a loop. */
const LOOP = 128;

/**
 * Copies the bytes of `source` from `start` to `end`; gives the offset behind them in `target`.
 *
 * Most values are short, and `Buffer.copy` and `set` have a high fixed price: they make a view
 * first, and cost ten times what a loop over a digest does.
 */
export function copyBytes(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  offset: number,
): number {
  if (end - start > LOOP) {
    target.set(source.subarray(start, end), offset);
    return offset + end - start;
  }
  let at = offset;
  for (let i = start; i < end; i++) target[at++] = source[i] as number;
  return at;
}
