import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Ring } from 'millrace';

/** Five workers that block in `run`; prints how many milliseconds their end takes. */
const definition = Ring.define({ fields: { n: 'u32' }, stages: { idle: {} } });
const rings = Array.from({ length: 5 }, () => Ring.create({ ...definition, capacity: 8 }));
const workers = await Promise.all(
  rings.map(async ({ handle }) => {
    const file = new URL('./blocked-worker.js', import.meta.url);
    const worker = new Worker(file, { workerData: handle });
    await once(worker, 'message');
    return worker;
  }),
);
const waits = () => rings.map((ring) => ring.stats().stages.idle?.waits ?? 0);
// Asleep, and long enough for their slices to have grown.
while (waits().some((n) => n < 5)) await setTimeout(5);
const before = performance.now();
await Promise.all(workers.map((worker) => worker.terminate()));
console.log(performance.now() - before);
