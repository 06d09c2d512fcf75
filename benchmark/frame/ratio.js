/**
 * How much better `ours` is than `theirs`: above 1 always means ours is better, whichever direction
 * is the good one. Nothing at all against something is as much better as a number can say.
 * @param {number} ours
 * @param {number} theirs
 * @param {'higher' | 'lower'} better
 */
export function ratio(ours, theirs, better) {
  const [dividend, divisor] = better === 'higher' ? [ours, theirs] : [theirs, ours];
  if (divisor === 0) {
    return dividend === 0 ? 1 : Number.MAX_VALUE;
  }
  return dividend / divisor;
}

/** Two figures less than this apart are called equal. */
export const NOISE = 0.05;

/** True when a ratio says no more than noise would. */
export function equal(value) {
  return value > 1 - NOISE && value < 1 + NOISE;
}
