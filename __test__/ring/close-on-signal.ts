import { parentPort, workerData } from 'node:worker_threads';
import { ByteRing, Ring } from 'millrace';

/** Closes a ring when it is told to, and answers whether its stage took this for the end, and what came until the end. */
const { handle, bytes, signal } = workerData;
const ring = bytes ? ByteRing.attach(handle) : Ring.attach(handle);
const reader = ring.consumer('read');
parentPort?.postMessage('ready');

Atomics.wait(signal, 0, 0);
const ending = ring.close();
const { ended } = reader;
Atomics.store(signal, 0, 2);
Atomics.notify(signal, 0);
let seen = 0;
for await (const batch of reader) seen += [...batch].length;
Atomics.store(signal, 0, 3);
Atomics.notify(signal, 0);
parentPort?.postMessage({ ended, seen, ...(await ending) });
