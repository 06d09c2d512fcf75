import { parentPort, workerData } from 'node:worker_threads';
import { Ring } from 'millrace';

/** Blocks in `run` at once, for ever. */
const ring = Ring.attach<{ n: 'u32' }, { idle: object }>(workerData);
const consumer = ring.consumer('idle');
parentPort?.postMessage('about to block');
consumer.run(() => {});
