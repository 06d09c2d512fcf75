import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, test } from '@jest/globals';
import { ByteRing, Ring } from 'millrace';
import { firstSequence } from '#dist/ring/shared-ring.js';
import type { Visit } from './join-program.js';
import { random } from './random.js';
import { closing } from './rings.js';

const fields = { n: 'u32', check: 'u32' } as const;
const stages = { read: {} } as const;

interface Numbered {
  n: number;
  check: number;
}

const write = (event: Numbered, n: number) => {
  event.n = n;
  event.check = (n ^ 0x5eed) >>> 0;
};

/** A ring of either kind whose sequences wrap after some hundred events. */
function create(bytes: boolean, producers: 'single' | 'multi') {
  firstSequence.value = -512;
  try {
    const options = { stages, producers, maxConsumers: 6 } as const;
    if (!bytes) {
      const ring = closing(Ring.create({ ...options, fields, capacity: 64 }));
      const out = ring.producer();
      return { ring, out, publish: (n: number) => out.tryPublish(write, n) };
    }
    const ring = closing(ByteRing.create({ ...options, header: fields, capacity: 2048 }));
    const out = ring.producer();
    return { ring, out, publish: (n: number) => out.tryPublish('x'.repeat(n % 50), write, n) };
  } finally {
    firstSequence.value = 0;
  }
}

const ways = ['run', 'for await', 'poll'] as const;
/** Ends of workers, one after the other, while events flow. */
const ends = 12;

test.each([
  { bytes: false, producers: 'single' },
  { bytes: false, producers: 'multi' },
  { bytes: true, producers: 'single' },
  { bytes: true, producers: 'multi' },
] as const)(
  'nobody loses or doubles an event while workers join, leave and are terminated (%p)',
  async ({ bytes, producers }) => {
    const seed = (Date.now() ^ (bytes ? 1 : 2) ^ (producers === 'multi' ? 4 : 8)) | 0;
    const below = random(seed);
    const { ring, out, publish } = create(bytes, producers);
    let over = false;
    const failures: unknown[] = [];
    const note = (error: unknown) => failures.push(error);

    const publishing = (async () => {
      let n = 0;
      while (!over) {
        if (publish(n)) n += 1;
        else await setImmediate();
        if (below(200) === 0) await setImmediate();
      }
      out.flush();
      return n;
    })();
    const reading = (async () => {
      let n = 0;
      for await (const batch of ring.consumer('read')) {
        for (const event of batch as Iterable<Numbered>) {
          if (event.n !== n) throw new Error(`${event.n} in place of ${n}`);
          n += 1;
        }
      }
      return n;
    })();

    const start = (at: number) => {
      const counts = new Int32Array(new SharedArrayBuffer(8));
      const way = ways[at % ways.length] as Visit['way'];
      const visit = { bytes, seed: seed + at, name: `visitor ${at}`, first: 2 ** 32 - 512, way };
      const workerData: Visit = { handle: ring.handle, counts, ...visit };
      const worker = new Worker(new URL('./join-program.js', import.meta.url), { workerData });
      worker.on('error', note);
      return { worker, counts };
    };
    const living = [0, 1, 2].map(start);
    for (let at = 3; at < 3 + ends; at++) {
      const { worker, counts } = living[at % 3] as (typeof living)[0];
      const seen = 1 + below(300);
      while ((counts[0] as number) < seen && failures.length === 0) await setImmediate();
      // This thread comes and goes too.
      using here = ring.join('here', { from: 'oldest' });
      let last: number | undefined;
      for (const event of (here.poll() ?? []) as Iterable<Numbered>) {
        if (event.n !== (last ?? event.n - 1) + 1) note(new Error(`${event.n} behind ${last}`));
        last = event.n;
      }
      await worker.terminate();
      living[at % 3] = start(at);
    }
    for (const { counts } of living) {
      while (counts[0] === 0 && failures.length === 0) await setImmediate();
    }
    over = true;
    const published = await publishing;
    const exits = living.map(({ worker }) => once(worker, 'exit'));
    const { abandoned } = await ring.close();
    await Promise.all(exits);
    expect({ seed, failures, abandoned }).toEqual({ seed, failures: [], abandoned: 0 });
    expect(await reading).toBe(published);
    expect(Object.keys(ring.stats().stages)).toEqual(['read']);
  },
);
