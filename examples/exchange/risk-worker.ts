import { parentPort, workerData } from 'node:worker_threads';
import { Ring } from 'millrace';
import { orders } from './events.js';
import { refusal } from './risk.js';

const ring = Ring.attach(workerData.ring, orders);
ring.consumer('risk').run((order) => {
  order.refusal = refusal(order);
});
parentPort?.postMessage('done');
