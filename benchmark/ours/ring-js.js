import { Ring } from 'millrace';
import { Transfer } from '../frame/transfer.js';
import { events } from './ring-events.js';

const transfer = new Transfer();
const producers = transfer.producers === 1 ? 'single' : 'multi';
const ring = Ring.create({ ...events, capacity: 65_536, producers });
const consumer = ring.consumer('sum');
for (let i = 0; i < transfer.producers; i++) {
  await transfer.start(new URL('ring-js-worker.js', import.meta.url), { ring: ring.handle });
}

let sum = 0;
let count = 0;

function consume(batch) {
  let wrapped = 0;
  for (const event of batch) {
    wrapped = (wrapped + event.id + event.qty) | 0;
  }
  sum = (sum + wrapped) | 0;
  count += batch.length;
  transfer.progress(count);
}

/** What is ready is polled, which allocates nothing; only a wait costs a promise. */
for await (const first of consumer) {
  for (let batch = first; batch; batch = consumer.poll()) {
    consume(batch);
  }
  if (count >= transfer.total) {
    break;
  }
}
await transfer.finish(sum);
