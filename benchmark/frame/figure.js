/**
 * What several runs of one side gave.
 * @typedef {{ median: number, min: number, max: number, runs: number[] }} Figure
 */

/**
 * The median of some numbers; of an even count, the mean of the middle two.
 * @param {readonly number[]} numbers at least one
 */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Median and spread of the runs, with every run in the order they were made: what has two modes
 * shows it there, and in no average.
 * @param {readonly number[]} runs at least one
 * @returns {Figure}
 */
export function figure(runs) {
  if (runs.length === 0 || !runs.every(Number.isFinite)) {
    throw new RangeError(`A figure is made of at least one finite number, got [${runs}]`);
  }
  return {
    median: readable(median(runs)),
    min: readable(Math.min(...runs)),
    max: readable(Math.max(...runs)),
    runs: runs.map(readable),
  };
}

/** Six digits: more than any run is good for. */
function readable(number) {
  return Number(number.toPrecision(6));
}
