import { parentPort, workerData } from 'node:worker_threads';
import { Ring } from 'millrace';
import { type Order, orders } from './orders.js';

/** A worker that does some stages of a ring of orders, by `for await` or by `run`. */
const { handle, stages, blocks, failAt, from = 0 } = workerData;
const ring = Ring.attach(handle, orders);

const work: Record<string, (event: Order) => void> = {
  parse(event) {
    event.price = event.id * 2;
  },
  audit(event) {
    event.level = event.id + 1;
  },
};

/** Checks the order of a stage's events, and does its work. */
function handler(stage: string) {
  let expected = from;
  return (event: Order) => {
    if (event.id === failAt) throw new Error(`failed at ${failAt}`);
    if (event.id !== expected) throw new Error(`${stage}: ${event.id} in place of ${expected}`);
    expected += 1;
    work[stage]?.(event);
  };
}

async function loop(stage: 'parse'): Promise<number> {
  const each = handler(stage);
  let n = 0;
  for await (const batch of ring.consumer(stage)) {
    for (const event of batch) each(event as Order);
    n += batch.length;
  }
  return n;
}

if (blocks) {
  const [stage] = stages;
  const each = handler(stage);
  let n = 0;
  let last = from - 1;
  ring.consumer(stage).run((event, sequence, endOfBatch) => {
    each(event as Order);
    if (sequence !== from + n) throw new Error(`sequence ${sequence} in place of ${from + n}`);
    n += 1;
    if (endOfBatch) last = sequence;
  });
  if (last !== from + n - 1) throw new Error('the last event was not the last of its batch');
  parentPort?.postMessage([n]);
} else {
  parentPort?.postMessage(await Promise.all(stages.map(loop)));
}
