import { Ring } from 'millrace';
import { startSending } from '../frame/one-way.js';
import { times } from './ring-times.js';

const ring = Ring.create({ ...times, capacity: 1024 });
const consumer = ring.consumer('read');
const { arrived } = await startSending(new URL('ring-delay-worker.js', import.meta.url), {
  ring: ring.handle,
});

for await (const batch of consumer) {
  for (const event of batch) {
    arrived(event.sent);
  }
}
