import { workerData } from 'node:worker_threads';
import { Ring } from 'millrace';
import { Sending } from '../frame/sending.js';
import { QUANTITY } from '../frame/transfer.js';
import { events } from './ring-events.js';

const { first, warm, end, by } = workerData;
const quantity = QUANTITY;
const sending = new Sending();
const producer = Ring.attach(workerData.ring, events).producer();

/** By 1 as an application does: the producer flushes by itself. By n, n events are made visible together. */
async function publish(from, to) {
  const step = by > 1 ? by : to - from;
  for (let id = from; id < to; ) {
    const next = Math.min(id + step, to);
    for (id = publishSome(id, next); id < next; id = publishSome(id, next)) {
      await producer.ready();
    }
    if (by > 1) producer.flush();
  }
}

/** Publishes while there is room; where it stopped. A function, because V8 compiles a loop that may await less well. */
function publishSome(from, to) {
  let id = from;
  while (id < to && producer.tryPublish(write, id)) {
    id++;
  }
  return id;
}

function write(event, id) {
  event.id = id;
  event.qty = quantity;
}

await publish(first, warm);
sending.begin();
await publish(warm, end);
sending.end();
