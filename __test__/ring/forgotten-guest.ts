import { setImmediate } from 'node:timers/promises';
import { Ring } from 'millrace';

/** Forgets the consumer of a stage that has joined a ring which is used on. Needs --expose-gc. */
const fields = { n: 'u32' } as const;
const ring = Ring.create({ fields, stages: { read: {} }, capacity: 2 });
const out = ring.producer();
const read = ring.consumer('read');

const publish = () => {
  const taken = out.tryPublish((event) => {
    event.n = 1;
  });
  out.flush();
  return taken;
};

(() => {
  ring.join('watch').poll();
  ring.join('closed').close();
})();
while (publish()) read.poll();
read.poll();

const warnings: string[] = [];
process.on('warning', ({ message }) => warnings.push(message));
for (let i = 0; i < 200 && ring.stats().stages.watch; i++) {
  globalThis.gc?.();
  await setImmediate();
}
await setImmediate();
const stages = Object.keys(ring.stats().stages);
console.log(JSON.stringify({ stages, published: publish(), warnings }));
ring.detach();
