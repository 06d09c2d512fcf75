import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, test } from '@jest/globals';
import { Ring } from 'millrace';

const definition = Ring.define({ fields: { n: 'u32' }, stages: { read: {} } });
const RINGS = 200;
const EVENTS = 10;

/** Holds this thread up, as a handler does. */
function work(milliseconds: number): void {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}

test('200 rings with a steady producer leave the event loop its turns, and everything comes', async () => {
  const rings = Array.from({ length: RINGS }, () => Ring.create({ ...definition, capacity: 4 }));
  const seen: number[][] = rings.map(() => []);
  let handled = 0;
  let turns = 0;
  let since = 0;
  let most = 0;
  const consumed = rings.map(async (ring, i) => {
    for await (const batch of ring.consumer('read', { maxBatch: 1 })) {
      for (const event of batch) seen[i]?.push(event.n);
      work(0.25);
      handled += 1;
      since += 1;
      most = Math.max(most, since);
    }
  });
  const worker = new Worker(new URL('./steady-producer.js', import.meta.url), {
    workerData: { handles: rings.map(({ handle }) => handle), events: EVENTS },
  });
  const published = new Promise((resolve) => worker.once('exit', resolve));
  while (handled < RINGS * EVENTS) {
    await turn();
    turns += 1;
    since = 0;
  }
  expect(await published).toBe(0);
  await Promise.all(rings.map((ring) => ring.close()));
  await Promise.all(consumed);
  for (const ring of rings) ring.detach();

  expect(seen).toEqual(rings.map(() => Array.from({ length: EVENTS }, (_, n) => n)));
  // 5 ms of doorbell are 20 handlers; each source may go on with a ring that is still full, and some come by surprise.
  expect(most).toBeLessThanOrEqual(100);
  expect(turns).toBeGreaterThan((RINGS * EVENTS) / 100);
});
