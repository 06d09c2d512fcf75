import { setImmediate } from 'node:timers/promises';
import { BatchQueue } from 'millrace';

/** Forgets queues, and prints which warnings that gives. Needs --expose-gc. */
const warnings: unknown[] = [];
process.on('warning', (warning) => {
  warnings.push([(warning as NodeJS.ErrnoException).code, warning.message]);
});

async function collect(rounds: number, until = () => false): Promise<void> {
  for (let i = 0; i < rounds && !until(); i++) {
    globalThis.gc?.();
    await setImmediate();
  }
}

let free = () => {};
const busy = new Promise<void>((resolve) => {
  free = resolve;
});
const handler = async (batch: { take(): string[] }) => {
  await busy;
  return batch.take().map((item) => `result of ${item}`);
};

const closed = (() => BatchQueue.create(handler).close())();
// Nobody keeps this queue but the handler that runs for it.
const pushed = (() => BatchQueue.create(handler).push('a'))();
await closed;
await collect(50);
const closedOrBusy = [...warnings];
// A queue is over when nobody can push any more: done, or not.
(() => {
  BatchQueue.create(handler);
  BatchQueue.create(handler);
})();
await collect(200, () => warnings.length > 0);
await collect(20);
free();
console.log(JSON.stringify({ closedOrBusy, result: await pushed, warnings }));
