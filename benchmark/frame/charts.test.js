import assert from 'node:assert/strict';
import { test } from 'node:test';
import { charts } from './charts.js';
import { figure } from './figure.js';

function row(name, unit = 'events/s', peers = { theirs: figure([1, 2, 3]) }) {
  const all = { suite: 'suite', unit, better: 'higher', limits: { loop: figure([9]) } };
  return { ...all, case: name, ours: figure([4]), peers, ratio: null, ofLimit: null };
}

test('rows of one unit stand beside each other, a group a case and a bar a side', () => {
  const made = charts([row('a'), row('b', 'us'), row('c')], []);
  assert.deepEqual(
    made.map(({ unit, groups }) => [unit, groups.map((group) => group.case)]),
    [
      ['events/s', ['a', 'c']],
      ['us', ['b']],
    ],
  );
  assert.deepEqual(made[0].groups[0].bars, [
    { role: 'ours', name: 'ours', median: 4, min: 4, max: 4 },
    { role: 'peer', name: 'theirs', median: 2, min: 1, max: 3 },
    { role: 'limit', name: 'loop', median: 9, min: 9, max: 9 },
  ]);
});

test('percentiles of a curve are drawn by it, and by no bar', () => {
  const sides = [{ role: 'ours', name: 'ours', curve: [[0, 1]] }];
  const made = charts([row('a/p50', 'us'), row('ab')], [{ suite: 'suite', case: 'a', sides }]);
  assert.deepEqual(made[0], { kind: 'curves', title: 'suite a', sides });
  assert.deepEqual(
    made.slice(1).flatMap(({ groups }) => groups.map((group) => group.case)),
    ['ab'],
  );
});

test('a chart has no more bars than have room, and a side that failed has none', () => {
  const many = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`p${at}`, figure([1])]));
  const rows = ['a', 'b', 'c', 'd'].map((name) => row(name, 'events/s', many));
  const made = charts([{ ...rows[0], ours: null }, ...rows.slice(1)], []);
  const counts = made.map(({ groups }) => groups.map(({ bars }) => bars.length));
  assert.deepEqual(counts, [
    [11, 12],
    [12, 12],
  ]);
});
