import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figure } from './figure.js';
import { table } from './table.js';

function row(ours, peers = {}) {
  const all = { suite: 'suite', case: 'case', unit: 'a second', better: 'higher' };
  return { ...all, ours, peers, limits: {}, ratio: null, ofLimit: null };
}

test('a few runs are all shown, in the order made, and many are not', () => {
  const few = figure([3, 1, 2, 5, 4]);
  const many = figure([61, 62, 63, 64, 65, 66]);
  const [, ours, theirs] = table([row(few, { peer: many })]).split('\n');
  assert.match(ours, /3 {2}1 {2}2 {2}5 {2}4$/);
  assert.doesNotMatch(theirs, /62/);
});

test('the way that gave our figure is named where there are several', () => {
  const one = figure([1]);
  assert.match(table([row({ ...one, variant: 'spin' })]), /ours, spin/);
  assert.doesNotMatch(table([row(one)]), /ours,/);
});

test('a side of ours that failed has a line all the same', () => {
  assert.match(table([row(null)]), /ours +-/);
});
