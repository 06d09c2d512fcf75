import { once } from 'node:events';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, test } from '@jest/globals';
import { Ring } from 'millrace';
import { number, outcome } from '../ring/rings.js';
import { long } from './budget.js';
import type { Operation } from './operation-program.js';

const producing: readonly Operation[] = [
  'publish',
  'publishMany',
  'ready',
  'claim that waits',
  'claim that is open',
  'write callback',
  'flush into a full ring',
];
const consuming: readonly Operation[] = [
  'for await',
  'for await with a batch in hand',
  'receive',
  'run',
  'handler',
  'backoff',
  'waitSync',
  'into',
  'into, unsettled',
];
const beside: readonly Operation[] = ['join', 'join that runs', 'close'];

/** Of several, the fastest tells what the library takes, and the others what the machine does meanwhile. */
const tries = long ? 50 : 3;

/** Terminates a worker in an operation, and holds the ring to its promises; milliseconds that `terminate()` took. */
async function terminated(operation: Operation, producers: 'single' | 'multi', workers: number) {
  const ring = Ring.create({
    fields: { n: 'u32' },
    stages: { read: workers > 0 ? { workers } : {} },
    capacity: 4,
    producers,
    maxProducers: 1,
  });
  try {
    let published = 0;
    const publish = async (count: number) => {
      using out = ring.producer();
      for (let n = 0; n < count; n++) await out.publish(number, n, { timeout: 20_000 });
      published += count;
    };
    if (consuming.includes(operation)) await publish(3);
    const workerData = { handle: ring.handle, operation };
    const worker = new Worker(new URL('./operation-program.js', import.meta.url), { workerData });
    await once(worker, 'message');
    // In it by then, or on the way: both have to do.
    await setTimeout(Math.random() * 100);
    const since = performance.now();
    await worker.terminate();
    const took = performance.now() - since;

    const before = ring.stats();
    expect(before).toMatchObject({ producers: 0 });
    expect(Object.keys(before.stages)).toEqual(['read']);
    const seen = (async () => {
      let count = 0;
      for await (const batch of ring.consumer('read')) for (const _ of batch) count += 1;
      return count;
    })();
    const code = await outcome(publish(8));
    // Who closes may not have come to that.
    expect(operation === 'close' ? [undefined, 'ERR_MILLRACE_CLOSED'] : [undefined]).toContain(
      code,
    );
    const { consumed, abandoned } = await ring.close({ timeout: 20_000 });
    const { lost, recovered, aborted, cursor, stages } = ring.stats();
    const left = before.stages.read?.sequence ?? 0;
    expect({ abandoned, lag: stages.read?.lag, aborted }).toEqual({
      abandoned: 0,
      lag: 0,
      aborted: 0,
    });
    expect(cursor).toBe(consumed + (producers === 'multi' ? recovered : 0));
    expect(await seen).toBe(consumed - left);
    if (!producing.includes(operation))
      expect({ published, lost }).toEqual({ published: consumed, lost: 0 });
    return took;
  } finally {
    ring.detach();
    await setImmediate();
  }
}

const cases = (['single', 'multi'] as const).flatMap((producers) => [
  ...[...producing, ...consuming, ...beside].map((operation) => ({
    operation,
    producers,
    workers: 0,
  })),
  ...consuming.map((operation) => ({ operation, producers, workers: 2 })),
]);

test.each(cases)(
  'a worker terminated in $operation ($producers, $workers sharing) leaves a ring that goes on',
  async ({ operation, producers, workers }) => {
    const took: number[] = [];
    for (let i = 0; i < tries; i++) took.push(await terminated(operation, producers, workers));
    expect(Math.min(...took)).toBeLessThan(300);
  },
  long ? 600_000 : 60_000,
);
