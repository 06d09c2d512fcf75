import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { Ring } from 'millrace';

//     main ──► parse (worker) ──► value (worker) ──► store (worker)
const orders = Ring.define({
  fields: { line: 'utf8(16)', quantity: 'u32', price: 'u32', worth: 'u32' },
  stages: {
    parse: { writes: ['quantity', 'price'] },
    value: { after: ['parse'], writes: ['worth'] }, // sees what parse wrote
    store: { after: ['value'] },
  },
});

type Orders = Ring<typeof orders.fields, typeof orders.stages>;

async function publish(): Promise<void> {
  const ring = Ring.create({ ...orders, capacity: 1024 });
  const url = new URL(import.meta.url);
  for (const stage of Object.keys(orders.stages)) {
    new Worker(url, { workerData: { handle: ring.handle, stage } });
  }
  const out = ring.producer();
  const write = (order: { line: string }, n: number) => {
    order.line = `${n} x 25`;
  };
  for (let n = 1; n <= 10_000; n++) {
    while (!out.tryPublish(write, n)) await out.ready();
  }
  await ring.close();
}

const run = {
  parse: (ring: Orders) =>
    ring.consumer('parse').run((order) => {
      const [quantity, price] = order.line.split(' x ');
      order.quantity = Number(quantity);
      order.price = Number(price);
    }),
  value: (ring: Orders) =>
    ring.consumer('value').run((order) => {
      order.worth = order.quantity * order.price;
    }),
  store: (ring: Orders) => {
    let total = 0;
    ring.consumer('store').run((order) => {
      total += order.worth;
    });
    console.log(`worth: ${total}`);
  },
};

if (isMainThread) await publish();
else run[workerData.stage as keyof typeof run](Ring.attach(workerData.handle, orders));
