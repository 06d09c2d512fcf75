import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { binding } from '#dist/native/binding.js';
import { environment } from '#dist/park/environment.js';

/** Terminates workers in the middle of long hashes; prints how many milliseconds each end took. */
const took: number[] = [];
for (let round = 0; round < Number(process.argv[2]); round++) {
  const worker = new Worker(new URL('./long-hash-worker.js', import.meta.url));
  worker.on('error', (error) => {
    console.error(error);
    process.exitCode = 1;
  });
  await once(worker, 'message');
  await setTimeout(round % 10);
  const before = performance.now();
  await worker.terminate();
  took.push(performance.now() - before);
}
const [regions] = binding.environmentStats(environment);
console.log(JSON.stringify({ took, regions }));
