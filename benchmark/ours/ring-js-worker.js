import { workerData } from 'node:worker_threads';
import { Ring } from 'millrace';
import { Sending } from '../frame/sending.js';
import { QUANTITY } from '../frame/transfer.js';
import { events } from './ring-events.js';

const { first, warm, end, by } = workerData;
const sending = new Sending();
const producer = Ring.attach(workerData.ring, events).producer();

/** By 1 as an application does: the producer flushes by itself. By n, n events are made visible together. */
async function publish(from, to) {
  for (let id = from; id < to; ) {
    const next = Math.min(id + by, to);
    for (; id < next; id++) {
      while (!producer.tryPublish(write, id)) {
        await producer.ready();
      }
    }
    if (by > 1) producer.flush();
  }
}

function write(event, id) {
  event.id = id;
  event.qty = QUANTITY;
}

await publish(first, warm);
sending.begin();
await publish(warm, end);
sending.end();
