import assert from 'node:assert/strict';
import { test } from 'node:test';
import { curve, middle, percentiles } from './latencies.js';

const THOUSAND = Array.from({ length: 1000 }, (_, at) => (1000 - at) * 1e3);

test('a percentile is the smallest latency that so many did not exceed, in whatever order they came', () => {
  assert.deepEqual(percentiles(THOUSAND), { p50: 500, p99: 990, p999: 999 });
  assert.deepEqual(percentiles([1e3, 2e3, 3e3]), { p50: 2, p99: 3, p999: 3 });
  assert.throws(() => percentiles([]), /no latencies/);
});

test('a curve begins at the least, rises, and ends where ten are left beyond', () => {
  const found = curve(THOUSAND);
  assert.deepEqual(found[0], [0, 1]);
  assert.deepEqual(found.at(-1), [0.99, 990]);
  assert.ok(found.every(([, us], at) => at === 0 || us >= found[at - 1][1]));
  assert.deepEqual(found.find(([quantile]) => quantile > 0.89 && quantile < 0.91)[1], 900);
});

test('the curve of several runs has the median run at each point', () => {
  const runs = [1, 3, 2].map((factor) => curve(THOUSAND.map((ns) => ns * factor)));
  assert.deepEqual(middle(runs), runs[2]);
});
