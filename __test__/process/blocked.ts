import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Ring } from 'millrace';

/**
 * Prints how many milliseconds the end of five workers takes that block in `run`, and right after it
 * that of five that block in `Atomics.wait`: what Node and the machine take for it by themselves, now.
 */
const definition = Ring.define({ fields: { n: 'u32' }, stages: { idle: {} } });
const rings = Array.from({ length: 5 }, () => Ring.create({ ...definition, capacity: 8 }));

/** Starts a worker that says when it is about to block. */
async function started(worker: Worker): Promise<Worker> {
  await once(worker, 'message');
  return worker;
}

const blocked = await Promise.all(
  rings.map(({ handle }) =>
    started(new Worker(new URL('./blocked-worker.js', import.meta.url), { workerData: handle })),
  ),
);
const plain = await Promise.all(
  rings.map(() =>
    started(
      new Worker(
        `require('node:worker_threads').parentPort.postMessage('about to block');
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`,
        { eval: true },
      ),
    ),
  ),
);

async function end(workers: readonly Worker[]): Promise<number> {
  const before = performance.now();
  await Promise.all(workers.map((worker) => worker.terminate()));
  return performance.now() - before;
}

const waits = () => rings.map((ring) => ring.stats().stages.idle?.waits ?? 0);
// Asleep, and long enough for their slices to have grown.
while (waits().some((n) => n < 5)) await setTimeout(5);
console.log(JSON.stringify({ blocked: await end(blocked), plain: await end(plain) }));
