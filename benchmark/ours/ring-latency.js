import { Ring } from 'millrace';
import { startAsking } from '../frame/round-trips.js';
import { events } from './ring-events.js';

const wait = process.argv[4];
const [there, back] = [0, 1].map(() => Ring.create({ ...events, capacity: 1024, wait }));
const asked = there.consumer('sum');
const answer = back.producer();
await startAsking(new URL('ring-latency-worker.js', import.meta.url), {
  there: there.handle,
  back: back.handle,
});

function write(event, id) {
  event.id = id;
  event.qty = 0;
}

for await (const batch of asked) {
  for (const event of batch) {
    answer.tryPublish(write, event.id);
  }
  answer.flush();
}
