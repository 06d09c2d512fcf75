import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { Ring } from 'millrace';

//            ┌──► tax     (worker) ──┐
//     main ──┤                       ├──► bill (worker)
//            └──► postage (worker) ──┘
const orders = Ring.define({
  fields: { price: 'u32', tax: 'u32', postage: 'u32' },
  stages: {
    tax: { writes: ['tax'] }, // beside postage, at the same time: each owns its field
    postage: { writes: ['postage'] },
    bill: { after: ['tax', 'postage'] }, // when both are done
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
  const write = (order: { price: number }, price: number) => {
    order.price = price;
  };
  for (let n = 1; n <= 50_000; n++) {
    while (!out.tryPublish(write, n * 10)) await out.ready();
  }
  await ring.close();
}

const run = {
  tax: (ring: Orders) =>
    ring.consumer('tax').run((order) => {
      order.tax = order.price / 5;
    }),
  postage: (ring: Orders) =>
    ring.consumer('postage').run((order) => {
      order.postage = order.price < 1000 ? 50 : 0;
    }),
  bill: (ring: Orders) => {
    let total = 0;
    ring.consumer('bill').run((order) => {
      total += order.price + order.tax + order.postage;
    });
    console.log(`billed: ${total}`);
  },
};

if (isMainThread) await publish();
else run[workerData.stage as keyof typeof run](Ring.attach(workerData.handle, orders));
