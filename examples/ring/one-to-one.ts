import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { Ring } from 'millrace';

//     main ──► sum (worker)
const numbers = Ring.define({ fields: { n: 'u32' }, stages: { sum: {} } });

async function publish(): Promise<void> {
  const ring = Ring.create({ ...numbers, capacity: 1024 });
  new Worker(new URL(import.meta.url), { workerData: ring.handle });

  // One function for all events: each gets what it is filled with as the argument.
  const write = (event: { n: number }, n: number) => {
    event.n = n;
  };
  const out = ring.producer();
  for (let n = 1; n <= 100_000; n++) {
    while (!out.tryPublish(write, n)) await out.ready(); // false: the ring is full
  }
  await ring.close(); // takes nothing more, and waits until all is consumed
}

function sum(): void {
  const ring = Ring.attach(workerData, numbers);
  let total = 0;
  // Blocks this thread until the ring is closed and everything was consumed.
  ring.consumer('sum').run((event) => {
    total += event.n;
  });
  console.log(`sum: ${total}`);
}

if (isMainThread) await publish();
else sum();
