import { once } from 'node:events';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { Ring } from 'millrace';

//     worker 0 ──┐
//     worker 1 ──┼──► book (main)
//     worker 2 ──┘
const orders = Ring.define({ fields: { from: 'u8', n: 'u32' }, stages: { book: {} } });
const producers = [0, 1, 2];

async function book(): Promise<void> {
  const ring = Ring.create({ ...orders, capacity: 1024, producers: 'multi' });
  const url = new URL(import.meta.url);
  const workers = producers.map(
    (from) => new Worker(url, { workerData: { handle: ring.handle, from } }),
  );
  // Who closes the ring has to know that nobody publishes any more.
  const exits = Promise.all(workers.map((worker) => once(worker, 'exit')));
  const closed = exits.then(() => ring.close());

  const last = producers.map(() => 0);
  let inOrder = true;
  for await (const batch of ring.consumer('book')) {
    for (const { from, n } of batch) {
      inOrder &&= n === (last[from] as number) + 1;
      last[from] = n;
    }
  }
  const { consumed } = await closed;
  console.log(`${consumed} orders, each producer's in order: ${inOrder}`);
}

async function publish(): Promise<void> {
  const { handle, from } = workerData;
  const out = Ring.attach(handle, orders).producer(); // one a thread
  const write = (order: { from: number; n: number }, n: number) => {
    order.from = from;
    order.n = n;
  };
  for (let n = 1; n <= 20_000; n++) {
    while (!out.tryPublish(write, n)) await out.ready();
  }
}

await (isMainThread ? book() : publish());
