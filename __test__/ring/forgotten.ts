import { setImmediate } from 'node:timers/promises';
import { Ring } from 'millrace';
import { binding } from '#dist/native/binding.js';
import { environment } from '#dist/park/environment.js';

/** Forgets rings in every state, and prints which of them are left. Needs --expose-gc. */
const definition = Ring.define({ fields: { n: 'u32' }, stages: { read: {} } });
const create = () => Ring.create({ ...definition, capacity: 4, producers: 'multi' });
const regions = () => binding.environmentStats(environment)[0] as number;

async function collect(left: number): Promise<number> {
  for (let i = 0; i < 200 && regions() > left; i++) {
    globalThis.gc?.();
    await setImmediate();
  }
  return regions();
}

function forget(): void {
  create();
  const opened = create();
  opened.producer().tryPublish((event) => {
    event.n = 1;
  });
  opened.consumer('read');
}

async function forgetClosed(): Promise<void> {
  await create().close();
  create().detach();
}

const warnings: string[] = [];
process.on('warning', ({ message }) => warnings.push(message));

await forgetClosed();
const afterClosed = [await collect(0), warnings.length];

// What is forgotten beside what is used: a consumer alone keeps its ring, and so does a wait alone.
const { consumer, out } = (() => {
  const ring = create();
  return { consumer: ring.consumer('read'), out: ring.producer() };
})();
let heard = 0;
const late = (() => {
  const ring = create();
  const { handle } = ring;
  (async () => {
    for await (const batch of ring.consumer('read')) {
      heard += batch.length;
      return;
    }
  })();
  return handle;
})();
forget();
const afterForgotten = [await collect(2), warnings.length];

out.tryPublish((event) => {
  event.n = 7;
});
out.flush();
const still = consumer.poll()?.at(0)?.n;
const again = Ring.attach(late, definition);
again.producer().tryPublish((event) => {
  event.n = 8;
});
while (heard === 0) await setImmediate();
console.log(JSON.stringify({ afterClosed, afterForgotten, still, heard, warnings }));
