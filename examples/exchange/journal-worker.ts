import { parentPort, workerData } from 'node:worker_threads';
import { Ring } from 'millrace';
import { orders, side, source } from './events.js';
import { Journal } from './journal.js';
import { formatPrice } from './price.js';

const ring = Ring.attach(workerData.ring, orders);
const journal = new Journal(workerData.path);

ring.consumer('journal').run((order, sequence, endOfBatch) => {
  // The ring counts its events from 0 on, and a repeated one has the number it had.
  order.number = sequence;
  const from = order.source === source.maker ? 'maker' : order.connection;
  const verb = order.side === side.buy ? 'BUY' : 'SELL';
  const price = formatPrice(order.price);
  journal.add(sequence, `${verb} ${order.symbol} ${order.quantity} ${price} ${from}`);
  // One write for all that came meanwhile; behind it the batch is released, and `match` has it.
  if (endOfBatch) journal.write();
});
journal.close();
parentPort?.postMessage('done');
