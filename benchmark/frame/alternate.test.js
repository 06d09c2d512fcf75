import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alternate, inOrder } from './alternate.js';
import { ours, peer } from './side.js';

test('every round runs every side once, and the first is the declared order', () => {
  const sides = ['a', 'b', 'c'];
  const seen = Array.from({ length: 6 }, (_, round) => inOrder(sides, round));
  assert.deepEqual(seen[0], sides);
  assert.ok(seen.every((order) => [...order].sort().join('') === 'abc'));
});

test('over the rounds every side comes first, and every side comes last', () => {
  const seen = Array.from({ length: 6 }, (_, round) => inOrder(['a', 'b', 'c'], round));
  assert.equal(new Set(seen.map((order) => order[0])).size, 3);
  assert.equal(new Set(seen.map((order) => order.at(-1))).size, 3);
});

test('sides run one at a time, and one that fails leaves the others going', async () => {
  let running = 0;
  const run = async () => {
    running++;
    assert.equal(running, 1);
    await new Promise(setImmediate);
    running--;
    return { rate: 1 };
  };
  const fail = async () => {
    throw new Error('no');
  };
  const [good, bad] = await alternate([ours(run), peer('bad', fail)], { rounds: 3 });
  assert.equal(good.runs.length, 3);
  assert.equal(bad.runs.length, 0);
  assert.equal(bad.error.message, 'no');
});
