import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rows } from './row.js';
import { limit, ours, peer } from './side.js';

const CASES = {
  rate: { unit: 'a second', better: 'higher' },
  time: { unit: 'us', better: 'lower' },
};

function outcome(side, runs) {
  return { side, runs, error: null };
}

test('a row has exactly the fields that were agreed on', () => {
  const [row] = rows('suite', CASES, [outcome(ours(), [{ rate: 1, time: 1 }])]);
  assert.deepEqual(Object.keys(row), [
    'suite',
    'case',
    'unit',
    'better',
    'ours',
    'peers',
    'limits',
    'ratio',
    'ofLimit',
  ]);
});

test('the ratio is taken between medians, against the best peer in the direction of the case', () => {
  const [rate, time] = rows('suite', CASES, [
    outcome(ours(), [
      { rate: 90, time: 3 },
      { rate: 100, time: 2 },
      { rate: 900, time: 1 },
    ]),
    outcome(peer('fast'), [{ rate: 50, time: 10 }]),
    outcome(peer('slow'), [{ rate: 10, time: 4 }]),
    outcome(limit('loop'), [{ rate: 200 }]),
  ]);
  assert.equal(rate.ratio, 2);
  assert.equal(time.ratio, 2);
  assert.equal(rate.ofLimit, 0.5);
  assert.deepEqual(rate.ours.runs, [90, 100, 900]);
});

test('without peers or limits there is nothing to relate to', () => {
  const [rate, time] = rows('suite', CASES, [
    outcome(ours(), [{ rate: 1, time: 1 }]),
    outcome(peer('fast'), [{ rate: 1 }]),
  ]);
  assert.equal(rate.ofLimit, null);
  assert.equal(time.ratio, null);
  assert.deepEqual(time.peers, {});
});

test('a side that failed before its first run has no figure, and the others keep theirs', () => {
  const [rate] = rows('suite', CASES, [
    outcome(ours(), []),
    outcome(peer('fast'), [{ rate: 5, time: 1 }]),
  ]);
  assert.equal(rate.ours, null);
  assert.equal(rate.ratio, null);
  assert.equal(rate.peers.fast.median, 5);
});

test('of our variants the best median stands in the row, and says which it is', () => {
  const [rate, time] = rows('suite', CASES, [
    outcome(ours(null, 'spin'), [
      { rate: 10, time: 5 },
      { rate: 20, time: 5 },
      { rate: 900, time: 5 },
    ]),
    outcome(ours(null, 'sleep'), [{ rate: 30, time: 6 }]),
    outcome(peer('fast'), [{ rate: 15, time: 10 }]),
  ]);
  assert.equal(rate.ours.variant, 'sleep');
  assert.equal(rate.ours.median, 30);
  assert.equal(rate.ratio, 2);
  assert.equal(time.ours.variant, 'spin');
});

test('a variant that says nothing on a case cannot stand for it', () => {
  const [rate, time] = rows('suite', CASES, [
    outcome(ours(null, 'spin'), [{ rate: 100 }]),
    outcome(ours(null, 'sleep'), [{ rate: 30, time: 6 }]),
  ]);
  assert.equal(rate.ours.variant, 'spin');
  assert.equal(time.ours.variant, 'sleep');
});

test('where there are no variants the figure names none', () => {
  const [rate] = rows('suite', CASES, [outcome(ours(), [{ rate: 1, time: 1 }])]);
  assert.deepEqual(Object.keys(rate.ours), ['median', 'min', 'max', 'runs']);
});
