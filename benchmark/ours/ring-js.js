import { Ring } from 'millrace';
import { Transfer } from '../frame/transfer.js';
import { events } from './ring-events.js';

const transfer = new Transfer();
const ring = Ring.create({ ...events, capacity: 65_536 });
const consumer = ring.consumer('sum');
await transfer.start(new URL('ring-js-worker.js', import.meta.url), { ring: ring.handle });

let sum = 0;
let count = 0;
for await (const batch of consumer) {
  for (const event of batch) {
    sum = (sum + event.id + event.qty) | 0;
  }
  count += batch.length;
  transfer.progress(count);
  if (count >= transfer.total) {
    break;
  }
}
await transfer.finish(sum);
