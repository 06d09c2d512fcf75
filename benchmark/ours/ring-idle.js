import { Ring } from 'millrace';
import { CONSUMERS, EVENTS, startIdle } from '../frame/idle.js';

const stages = Object.fromEntries(Array.from({ length: CONSUMERS }, (_, at) => [`see${at}`, {}]));
const ring = Ring.create({ fields: { number: 'u32' }, stages, capacity: 1024 });
const data = { ring: ring.handle, way: process.argv[2] };
await startIdle(new URL('ring-idle-worker.js', import.meta.url), (at) => {
  return { ...data, stage: `see${at}` };
});

const out = ring.producer();
await out.publishMany(EVENTS, (event, number) => {
  event.number = number;
});
out.close();
// Kept until then: a ring that is collected while it is measured costs a collection.
process.on('exit', () => ring.detach());
