import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figure, median } from './figure.js';

test('a median is the middle one, or the mean of the middle two, whatever the order', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([10, 1, 2, 3]), 2.5);
  assert.equal(median([7]), 7);
});

test('numbers are ordered as numbers and not as text', () => {
  assert.equal(median([100, 20, 3]), 20);
});

test('a figure keeps every run, in the order they were made', () => {
  assert.deepEqual(figure([5, 1, 3]), { median: 3, min: 1, max: 5, runs: [5, 1, 3] });
});

test('a figure of nothing, or of what is no number, is refused', () => {
  assert.throws(() => figure([]), RangeError);
  assert.throws(() => figure([1, Number.NaN]), RangeError);
  assert.throws(() => figure([1, Number.POSITIVE_INFINITY]), RangeError);
});
