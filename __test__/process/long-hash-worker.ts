import { setImmediate as turn } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import { ByteRing, native, Scheduler } from 'millrace';

/** Hashes records of 60 MiB, in memory that is this thread's alone, until it is terminated. */
const records = ByteRing.create({
  capacity: 2 ** 27,
  header: { digest: 'bytes(32)' },
  stages: { digest: { writes: ['digest'] } },
});
const scheduler = Scheduler.create();
records.run('digest', native.hash('sha256', { to: 'digest' }), { scheduler }).catch(() => {});

const payload = Buffer.alloc(60 * 2 ** 20, 1);
const out = records.producer();
// Always more there than is hashed in a turn.
let told = false;
for (;;) {
  while (out.tryPublish(payload));
  if (!told) parentPort?.postMessage('at work');
  told = true;
  await turn();
}
