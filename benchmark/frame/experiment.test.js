import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSuite } from './experiment.js';
import { ours, peer } from './side.js';

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

test('curves of latencies are handed on beside the rows, and are in no row and no line', async () => {
  const lines = [];
  const curve = (us) => [
    [0, us],
    [0.9, us * 2],
  ];
  const run = async () => ({ p50: 1, all: curve(1) });
  const failing = async () => {
    throw new Error('no');
  };
  const suite = {
    name: 'suite',
    effort: EFFORT,
    experiments: [
      {
        cases: { p50: { unit: 'us', better: 'lower' } },
        curve: 'all',
        sides: [ours(run, 'spin'), peer('theirs', run), peer('broken', failing)],
      },
    ],
  };
  const made = await runSuite(suite, { level: 'normal', pin: false }, (line) => lines.push(line));
  assert.deepEqual(made.curves, [
    {
      suite: 'suite',
      case: 'all',
      sides: [
        { role: 'ours', name: 'ours-spin', curve: curve(1) },
        { role: 'peer', name: 'theirs', curve: curve(1) },
      ],
    },
  ]);
  assert.deepEqual(made.rows[0].ours.runs, [1, 1, 1]);
  assert.ok(lines.some((line) => line.endsWith('ours-spin: p50 1')));
});
