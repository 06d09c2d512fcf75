import { EVENTS, startIdle } from '../frame/idle.js';

/** Milliseconds after which a worker that sleeps looks by itself. */
const slice = Number(process.argv[2] ?? Infinity);
const words = new Int32Array(new SharedArrayBuffer(4));
await startIdle(new URL('wait-idle-worker.js', import.meta.url), () => ({ words, slice }));
for (let number = 0; number < EVENTS; number++) {
  Atomics.add(words, 0, 1);
  Atomics.notify(words, 0);
}
