import { join } from 'node:path';
import { Child } from '../frame/child.js';
import { limit, ours, peer } from '../frame/side.js';

/** Events of one run and second of effort, about what each side moves in that time. */
const EVENTS = {
  ring: { 1: 12e6, 10: 40e6, 100: 100e6 },
  message: { 1: 1e6, 10: 1e6, 100: 1e6 },
  array: { 10: 6e6, 100: 20e6 },
  loop: { 1: 15e6, 10: 50e6, 100: 150e6 },
};

/** Events of 8 bytes from a worker thread to the main thread. */
export const ringJs = {
  name: 'ring-js',
  effort: {
    quick: { rounds: 3, seconds: 1 },
    normal: { rounds: 11, seconds: 2 },
    long: { rounds: 41, seconds: 5 },
  },
  experiments: [1, 10, 100].map((by) => ({ cases: cases(by), sides: sides(by) })),
};

function cases(by) {
  return {
    [`worker-main/${by}`]: { unit: 'events/s', better: 'higher' },
    [`worker-main/${by}/gc`]: { unit: 'collections/M events', better: 'lower' },
    ...(by === 1 ? {} : { [`worker-main/${by}/array`]: { unit: 'events/s', better: 'higher' } }),
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

async function run(script, events, by, { seconds }) {
  const total = Math.round(events[by] * seconds);
  const child = new Child([
    process.execPath,
    join(import.meta.dirname, '..', script),
    String(total),
    String(by),
  ]);
  const result = await child.line();
  await child.end();
  return result;
}
