import { median } from './figure.js';

/** Points of a curve a power of ten of 1 / (1 - p). */
const POINTS = 12;

/**
 * What a plot shows of a run's latencies: how long so large a share of them took at most.
 * @typedef {[quantile: number, microseconds: number][]} Curve
 */

/**
 * The curve of some latencies: from the least on, as far as there are at least ten beyond a point.
 * @param {readonly number[]} nanoseconds in any order
 * @returns {Curve}
 */
export function curve(nanoseconds) {
  const sorted = Float64Array.from(nanoseconds).sort();
  return quantiles(sorted.length).map((quantile) => [quantile, at(sorted, quantile) / 1e3]);
}

/** The percentiles of some latencies that rows have, in microseconds. */
export function percentiles(nanoseconds) {
  const sorted = Float64Array.from(nanoseconds).sort();
  const [p50, p99, p999] = [0.5, 0.99, 0.999].map((quantile) => at(sorted, quantile) / 1e3);
  return { p50, p99, p999 };
}

/**
 * The curve of several runs: at each point the median of theirs, as a row's figure is of its runs.
 * @param {readonly Curve[]} curves at least one, of runs of the same length
 * @returns {Curve}
 */
export function middle(curves) {
  return curves[0].map(([quantile], point) => [
    quantile,
    median(curves.map((one) => one[point][1])),
  ]);
}

/** The smallest latency that so large a share of all did not exceed. */
function at(sorted, quantile) {
  if (sorted.length === 0) {
    throw new RangeError('There are no latencies');
  }
  return sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)];
}

function quantiles(count) {
  const decades = Math.log10(count / 10);
  const found = [0];
  for (let point = 1; point / POINTS <= decades; point++) {
    found.push(1 - 10 ** (-point / POINTS));
  }
  return found;
}
