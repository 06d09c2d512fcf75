import { join } from 'node:path';
import { Child } from '../frame/child.js';
import { limit, ours, peer } from '../frame/side.js';

/**
 * Events of one run and second of effort, about what each side moves in that time; of ours by 1
 * enough that a normal run counts the garbage of 50 million.
 */
const EVENTS = {
  ring: { 1: 36e6, 10: 40e6, 100: 100e6 },
  message: { 1: 1e6, 10: 1e6, 100: 1e6 },
  array: { 10: 6e6, 100: 20e6 },
  loop: { 1: 15e6, 10: 50e6, 100: 150e6 },
};

/** Events of 8 bytes from worker threads to the main thread. */
export const ringJs = {
  name: 'ring-js',
  effort: {
    quick: { rounds: 3, seconds: 1 },
    normal: { rounds: 11, seconds: 2 },
    long: { rounds: 41, seconds: 5 },
  },
  experiments: [
    ...[1, 10, 100].map((by) => ({ cases: cases(by), sides: sides(by) })),
    threeWorkers('three-workers-main', 3),
  ],
};

function rateAndGarbage(row) {
  return {
    [row]: { unit: 'events/s', better: 'higher' },
    [`${row}/gc`]: { unit: 'collections/M events', better: 'lower' },
  };
}

function cases(by) {
  const row = `worker-main/${by}`;
  return {
    ...rateAndGarbage(row),
    ...(by === 1 ? {} : { [`${row}/array`]: { unit: 'events/s', better: 'higher' } }),
  };
}

function sides(by) {
  const row = `worker-main/${by}`;
  const one = ({ rate, collections }) => ({ [row]: rate, [`${row}/gc`]: collections });
  const both = (result) =>
    by === 1 ? one(result) : { ...one(result), [`${row}/array`]: result.rate };
  const array = ({ rate }) => ({ [`${row}/array`]: rate });
  return [
    ours(async (effort) => both(await run('ours/ring-js.js', EVENTS.ring, by, effort))),
    peer('postMessage', async (effort) =>
      one(await run('peers/post-message.js', EVENTS.message, by, effort)),
    ),
    ...(by === 1
      ? []
      : [
          peer('postMessage-array', async (effort) =>
            array(await run('peers/post-message-array.js', EVENTS.array, by, effort)),
          ),
        ]),
    limit('hand-loop', async (effort) =>
      one(await run('limits/hand-loop.js', EVENTS.loop, by, effort)),
    ),
  ];
}

/** Several workers that publish one event at a time. */
function threeWorkers(row, workers) {
  const one = ({ rate, collections }) => ({ [row]: rate, [`${row}/gc`]: collections });
  const by1 = async (script, events, effort) => one(await run(script, events, 1, effort, workers));
  return {
    cases: rateAndGarbage(row),
    sides: [
      ours((effort) => by1('ours/ring-js.js', EVENTS.ring, effort)),
      peer('postMessage', (effort) => by1('peers/post-message.js', EVENTS.message, effort)),
      limit('hand-lanes', (effort) => by1('limits/hand-lanes.js', EVENTS.loop, effort)),
    ],
  };
}

async function run(script, events, by, { seconds }, workers = 1) {
  const total = Math.round(events[by] * seconds);
  const child = new Child([
    process.execPath,
    join(import.meta.dirname, '..', script),
    ...[total, by, workers].map(String),
  ]);
  const result = await child.line();
  await child.end();
  return result;
}
