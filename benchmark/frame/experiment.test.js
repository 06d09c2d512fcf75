import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSuite } from './experiment.js';
import { ours } from './side.js';

const EFFORT = {
  quick: { rounds: 1, seconds: 1 },
  normal: { rounds: 3, seconds: 1 },
  long: { rounds: 5, seconds: 1 },
};

function experiment(name) {
  return {
    cases: { [name]: { unit: 'a second', better: 'higher' } },
    sides: [ours(async () => ({ [name]: 1 }))],
  };
}

test('a suite may set up and choose its experiments by the level of effort', async () => {
  const lines = [];
  const suite = {
    name: 'suite',
    effort: EFFORT,
    async experiments(level, tell) {
      tell('a peer is left out');
      return level === 'quick' ? [experiment('a')] : [experiment('a'), experiment('b')];
    },
  };
  const cases = async (level) =>
    (await runSuite(suite, { level, pin: false }, (line) => lines.push(line))).rows.map(
      (row) => `${row.case} ${row.ours.runs.length}`,
    );
  assert.deepEqual(await cases('quick'), ['a 1']);
  assert.deepEqual(await cases('long'), ['a 5', 'b 5']);
  assert.equal(lines[0], 'a peer is left out');
});

test('a suite that only lists its experiments runs all of them at every level', async () => {
  const suite = { name: 'suite', effort: EFFORT, experiments: [experiment('a'), experiment('b')] };
  const { rows } = await runSuite(suite, { level: 'quick', pin: false }, () => {});
  assert.deepEqual(
    rows.map((row) => row.case),
    ['a', 'b'],
  );
});
