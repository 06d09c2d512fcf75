import { setImmediate } from 'node:timers/promises';
import { Ring } from 'millrace';

/** Forgets what takes part in a ring that is used on, or keeps only a batch or a wait of it. Needs --expose-gc. */
const fields = { n: 'u32' } as const;
const ring = Ring.create({ fields, stages: { read: {}, spare: {} }, capacity: 2, maxConsumers: 8 });
const read = ring.consumer('read');
const warnings: string[] = [];
process.on('warning', ({ message }) => warnings.push(message));
const write = (event: { n: number }) => {
  event.n = 1;
};

/** Collects until it is so, or for some turns. */
async function collect(isSo = () => false): Promise<boolean> {
  for (let i = 0; i < 100 && !isSo(); i++) {
    globalThis.gc?.();
    await setImmediate();
  }
  return isSo();
}

const stages = () => Object.keys(ring.stats().stages);

// A producer: what it has accepted is seen, and another may have its seat.
(() => ring.producer().tryPublish(write))();
await collect(() => ring.stats().producers === 0);
const producers = ring.stats().producers;
const out = ring.producer();
const seen = read.poll()?.length;
read.poll();

const waiting = (() => {
  ring.join('watch').poll();
  ring.join('closed').close();
  ring.consumer('spare').poll();
  return (async () => (await ring.join('waiting').receive())?.length)();
})();
const { batch, iterator } = (() => ({
  batch: ring.join('batch', { from: 'oldest' }).poll(),
  iterator: ring.join('iterator', { from: 'oldest' }).poll()?.[Symbol.iterator](),
}))();
await collect(() => !stages().includes('watch'));
const spare = (() => {
  // Refused while it is open.
  using consumer = ring.consumer('spare');
  return consumer.poll()?.length;
})();
await collect();
const left = stages();
const held = [batch?.at(0)?.n, iterator?.next().value?.n];

out.tryPublish(write);
out.flush();
console.log(
  JSON.stringify({ producers, seen, spare, left, held, waited: await waiting, warnings }),
);
ring.detach();
