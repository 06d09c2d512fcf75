import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equal, ratio } from './ratio.js';

test('above 1 means ours is better, in either direction', () => {
  assert.equal(ratio(200, 100, 'higher'), 2);
  assert.equal(ratio(100, 200, 'lower'), 2);
  assert.equal(ratio(100, 200, 'higher'), 0.5);
  assert.equal(ratio(200, 100, 'lower'), 0.5);
});

test('nothing of what is bad is better than any of it, and equal to none', () => {
  assert.ok(ratio(0, 5, 'lower') > 1e300);
  assert.equal(ratio(0, 0, 'lower'), 1);
  assert.equal(ratio(5, 0, 'lower'), 0);
  assert.equal(ratio(0, 5, 'higher'), 0);
  assert.equal(JSON.parse(JSON.stringify(ratio(0, 5, 'lower'))), Number.MAX_VALUE);
});

test('figures less than five percent apart are equal', () => {
  assert.ok(equal(1.04) && equal(0.96));
  assert.ok(!equal(1.06) && !equal(0.94));
});
