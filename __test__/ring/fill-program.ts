import { parentPort, workerData } from 'node:worker_threads';
import { Ring } from 'millrace';

/** Publishes until a ring takes no more, tells how many it accepted, and then, whenever it is asked, how many it still holds. */
const ring = Ring.attach(workerData);
const out = ring.producer();
let accepted = 0;
while (out.tryPublish(() => {})) accepted += 1;
parentPort?.on('message', () => parentPort?.postMessage(out.staged));
parentPort?.postMessage(accepted);
