import { setInterval } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { MillraceError, Ring } from 'millrace';
import { orders, side, source } from './events.js';
import { instruments } from './instruments.js';

/** How far its prices wander from yesterday's, and how far apart they are: parts of the price. */
const [wander, spread] = [0.02, 0.002];

/** Quotes a price to buy and one to sell, for every instrument, again and again. */
async function quote(): Promise<void> {
  const out = Ring.attach(workerData.ring, orders).producer();
  for await (const _ of setInterval(workerData.quoteEvery)) {
    for (const [symbol, reference] of instruments) {
      const middle = reference * (1 + (Math.random() - 0.5) * wander);
      await out.publishMany(2, (order, which) => {
        order.source = source.maker;
        order.side = which === 0 ? side.buy : side.sell;
        order.symbol = symbol;
        order.quantity = 200;
        order.price = Math.round(middle * (1 + (which - 0.5) * spread));
      });
    }
  }
}

try {
  await quote();
} catch (error) {
  const closed = error instanceof MillraceError && error.code === 'ERR_MILLRACE_CLOSED';
  if (!closed) throw error;
}
parentPort?.postMessage('done');
