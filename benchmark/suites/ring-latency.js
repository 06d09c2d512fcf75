import { join } from 'node:path';
import { curve, percentiles } from '../frame/latencies.js';
import { oneLine } from '../frame/one-line.js';
import { limit, ours, peer } from '../frame/side.js';
import { ringSides } from './ring-sides.js';

/** How events follow each other, and microseconds from an answer to the next event. */
const PACES = { 'back-to-back': 0, 'every-200us': 200 };

/** Counted round trips of a run, by pace. */
const ROUND_TRIPS = {
  quick: {
    native: { 'back-to-back': 20_000, 'every-200us': 2_000 },
    worker: { 'back-to-back': 10_000, 'every-200us': 2_000 },
  },
  normal: {
    native: { 'back-to-back': 100_000, 'every-200us': 20_000 },
    worker: { 'back-to-back': 20_000, 'every-200us': 20_000 },
  },
  long: {
    native: { 'back-to-back': 500_000, 'every-200us': 100_000 },
    worker: { 'back-to-back': 100_000, 'every-200us': 100_000 },
  },
};

/** A side that hangs is ended after so long beyond its pauses. */
const PATIENCE_SECONDS = 120;

/** What a worker does behind an event that it has sent. */
const TURNS = ['ends', '5ms', 'flush'];

/** Counted events of a run, one a turn. */
const TURN_COUNTS = { quick: 200, normal: 1_000, long: 5_000 };

/** Milliseconds of a turn and of the sleep before it, at most. */
const TURN = 7;

const LMAX = ['lmax-busy', 'lmax-yield', 'lmax-sleep', 'lmax-block'];

/** Native sides by how they wait: like is set beside like. */
const NATIVE = {
  spin: { peers: ['lmax-busy', 'rtrb'], limits: ['words-spin'] },
  yield: { peers: ['lmax-yield'], limits: [] },
  adaptive: { peers: ['lmax-sleep', 'crossbeam', 'kanal', 'std'], limits: [] },
  block: { peers: ['lmax-block'], limits: ['words-park'] },
};

/** One event there and back, and nothing else on the way. */
export const ringLatency = {
  name: 'ring-latency',
  effort: {
    quick: { rounds: 3, seconds: 1 },
    normal: { rounds: 3, seconds: 1 },
    long: { rounds: 5, seconds: 1 },
  },
  async experiments(level, tell) {
    const commands = await ringSides('ring-latency', LMAX, tell);
    const round = Object.keys(PACES).flatMap((pace) => [
      experiment(`native/${pace}`, Object.keys(NATIVE), nativeSides(commands), {
        pause: PACES[pace],
        count: ROUND_TRIPS[level].native[pace],
      }),
      experiment(`worker-main/${pace}`, ['adaptive', 'block'], workerSides(), {
        pause: PACES[pace],
        count: ROUND_TRIPS[level].worker[pace],
      }),
    ]);
    return [...round, ...TURNS.map((turn) => delay(turn, TURN_COUNTS[level]))];
  },
};

/**
 * A way to make round trips.
 * @typedef {object} Way
 * @property {(run: import('../frame/side.js').Side['run']) => import('../frame/side.js').Side} side
 * @property {readonly string[]} strategies whose rows it stands in, beside the rows of all
 * @property {(count: string, pause: string) => string[]} command
 */

/** @returns {Way[]} */
function nativeSides({ native, java }) {
  const isLmax = (name) => LMAX.includes(name);
  return Object.entries(NATIVE).flatMap(([strategy, { peers, limits }]) => {
    const way = (side, program, name, options = []) => ({
      side,
      strategies: [strategy],
      command: (...numbers) => [...program, 'latency', name, ...numbers, ...options],
    });
    return [
      way((run) => ours(run, strategy), native, 'ours', ['--strategy', strategy]),
      ...peers
        .filter((name) => java !== null || !isLmax(name))
        .map((name) => way((run) => peer(name, run), isLmax(name) ? java : native, name)),
      ...limits.map((name) => way((run) => limit(name, run), native, name)),
    ];
  });
}

/** @returns {Way[]} */
function workerSides() {
  const way = (side, strategies, script, ...options) => ({
    side,
    strategies,
    command: (...numbers) => [
      process.execPath,
      join(import.meta.dirname, '..', script),
      ...numbers,
      ...options,
    ],
  });
  return [
    ...['adaptive', 'block'].map((strategy) =>
      way((run) => ours(run, strategy), [strategy], 'ours/ring-latency.js', strategy),
    ),
    way((run) => peer('postMessage', run), ['adaptive', 'block'], 'peers/post-message-latency.js'),
    way((run) => limit('hand-answer', run), [], 'limits/hand-answer.js'),
  ];
}

/**
 * Rows of all sides, and rows of those that wait alike; one run is the figure of both.
 * @param {string} name
 * @param {readonly string[]} strategies
 * @param {readonly Way[]} ways
 */
function experiment(name, strategies, ways, { count, pause }) {
  const groups = [name, ...strategies.map((strategy) => `${name}/${strategy}`)];
  return {
    curve: name,
    cases: Object.assign({}, ...groups.map(cases)),
    sides: ways.map(({ side, strategies: own, command }) =>
      side(async () => {
        const patience = PATIENCE_SECONDS + (count * pause) / 1e6;
        const { nanoseconds } = await oneLine(command(String(count), String(pause)), patience);
        const figures = percentiles(nanoseconds);
        return Object.assign(
          { [name]: curve(nanoseconds) },
          ...[name, ...own.map((strategy) => `${name}/${strategy}`)].map((row) =>
            rowsOf(row, figures),
          ),
        );
      }),
    ),
  };
}

/** One event to the main thread, a turn of the worker's event loop. */
function delay(turn, count) {
  const name = `delay/${turn}`;
  const run = (script) => async () => {
    const command = [process.execPath, join(import.meta.dirname, '..', script)];
    const patience = PATIENCE_SECONDS + (count * TURN) / 1e3;
    const { nanoseconds } = await oneLine([...command, String(count), turn], patience);
    return { [name]: curve(nanoseconds), ...rowsOf(name, percentiles(nanoseconds)) };
  };
  return {
    curve: name,
    cases: cases(name),
    sides: [
      ours(run('ours/ring-delay.js')),
      peer('postMessage', run('peers/post-message-delay.js')),
    ],
  };
}

function cases(row) {
  const us = /** @type {const} */ ({ unit: 'us', better: 'lower' });
  return { [`${row}/p50`]: us, [`${row}/p99`]: us, [`${row}/p99.9`]: us };
}

function rowsOf(row, { p50, p99, p999 }) {
  return { [`${row}/p50`]: p50, [`${row}/p99`]: p99, [`${row}/p99.9`]: p999 };
}
