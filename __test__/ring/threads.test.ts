import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from '@jest/globals';
import { Ring, type RingOptions } from 'millrace';
import { type Order, orders } from './orders.js';
import { closing, outcome } from './rings.js';

const workers: Worker[] = [];

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

function start(ring: ReturnType<typeof create>, stages: string[], more: object = {}): Worker {
  const workerData = { handle: ring.handle, stages, ...more };
  const worker = new Worker(new URL('./stage-program.js', import.meta.url), { workerData });
  workers.push(worker);
  return worker;
}

const create = (options: RingOptions = {}) =>
  closing(Ring.create({ ...orders, ...options, capacity: 128 }));

/** How many events a worker says its stages saw, in order. */
async function counted(worker: Worker): Promise<number[]> {
  const [counts] = await once(worker, 'message');
  return counts;
}

async function publish(ring: ReturnType<typeof create>, count: number): Promise<void> {
  using out = ring.producer();
  for (let id = 0; id < count; id++) {
    await out.publish((event, id) => {
      event.id = id;
      event.price = 0;
      event.level = 0;
    }, id);
    if (id % 1000 === 0) await setTimeout(1);
  }
}

async function finished(ring: ReturnType<typeof create>, stage: 'store' | 'notify' | 'trace') {
  let n = 0;
  for await (const batch of ring.consumer(stage)) {
    expect(batch.sequence).toBe(n);
    for (const event of batch as Iterable<Order>) {
      if (event.id !== n) throw new Error(`${stage}: ${event.id} in place of ${n}`);
      n += 1;
      if (stage === 'trace') continue;
      if (event.price !== event.id * 2 || event.level !== event.id + 1) {
        throw new Error(`${stage} ran before a stage that it follows`);
      }
    }
  }
  return n;
}

const count = 20_000;

test.each([
  { producers: 'single', blocks: false, wait: 'adaptive' },
  { producers: 'single', blocks: true, wait: 'adaptive' },
  { producers: 'multi', blocks: false, wait: 'block' },
  { producers: 'multi', blocks: true, wait: 'block' },
] as const)(
  'a diamond and two sinks over three threads: every stage sees every event in order (%p)',
  async ({ producers, wait, blocks }) => {
    const ring = create({ producers, wait });
    const parse = counted(start(ring, ['parse'], { blocks }));
    const audit = counted(start(ring, ['audit'], { blocks }));
    const ends = (['store', 'notify', 'trace'] as const).map((stage) => finished(ring, stage));
    await publish(ring, count);
    expect(await ring.close()).toEqual({ consumed: count, abandoned: 0 });
    expect(await Promise.all(ends)).toEqual([count, count, count]);
    expect(await Promise.all([parse, audit])).toEqual([[count], [count]]);
    expect(ring.stats()).toMatchObject({ cursor: count, lost: 0, producers: 0 });
  },
);

test('one worker does several stages, multicast and one behind the other', async () => {
  const ring = create();
  const others = counted(start(ring, ['parse', 'audit', 'store', 'notify']));
  const trace = finished(ring, 'trace');
  await publish(ring, 5000);
  await ring.close();
  expect(await Promise.all([trace, others])).toEqual([5000, [5000, 5000, 5000, 5000]]);
});

test('rings that wait by yield serve threads that run', async () => {
  const ring = create({ wait: 'yield' });
  const stages = ['parse', 'audit', 'store', 'notify', 'trace'];
  const counts = stages.map((stage) => counted(start(ring, [stage], { blocks: true })));
  await publish(ring, 1000);
  await ring.close();
  expect(await Promise.all(counts)).toEqual(stages.map(() => [1000]));
});

test('a handler that fails in run stops the ring: its producers and the stages behind it are told', async () => {
  const ring = create();
  const worker = start(ring, ['parse'], { blocks: true, failAt: 100 });
  const failed = once(worker, 'error');
  const stages = ['audit', 'store', 'notify', 'trace'] as const;
  const ended = stages.map(async (stage) => {
    for await (const _ of ring.consumer(stage));
  });
  const ends = Promise.all(ended.map(outcome));
  expect(await outcome(publish(ring, 1_000_000))).toBe('ERR_MILLRACE_CONSUMER_FAILED');
  expect(await failed).toEqual([expect.objectContaining({ message: 'failed at 100' })]);
  // Audit and trace have seen all that was published; store and notify never will.
  const [, store, notify] = await ends;
  expect([store, notify]).toEqual(Array(2).fill('ERR_MILLRACE_CONSUMER_FAILED'));
  // Released up to the one that failed; what was behind it is told, and not waited for.
  const { cursor, lost, stages: left } = ring.stats();
  expect(left.parse?.sequence).toBe(100);
  expect(cursor + lost).toBeGreaterThan(100);
  const { consumed, abandoned } = await ring.close();
  expect(consumed).toBeLessThanOrEqual(100);
  expect(consumed + abandoned).toBe(cursor);
});

test.each(['single', 'multi'] as const)(
  'a full ring that fails leaves a thread that published to it at work (%s)',
  async (producers) => {
    const ring = create({ producers });
    const full = new Worker(new URL('./fill-program.js', import.meta.url), {
      workerData: ring.handle,
    });
    workers.push(full);
    const [accepted] = await once(full, 'message');
    await once(start(ring, ['parse'], { blocks: true, failAt: 0 }), 'error');
    full.postMessage('how many are staged?');
    expect(await once(full, 'message')).toEqual([0]);
    expect(ring.stats()).toMatchObject({ cursor: 128, lost: accepted - 128 });
  },
);

test('a ring that closes can still fail: the stages behind are told', async () => {
  const ring = create();
  await publish(ring, 100);
  const ending = ring.close();
  const failed = once(start(ring, ['parse'], { blocks: true, failAt: 50 }), 'error');
  const audit = outcome(counted(start(ring, ['audit'])));
  expect(await outcome(finished(ring, 'store'))).toBe('ERR_MILLRACE_CONSUMER_FAILED');
  await failed;
  await audit;
  expect(await ending).toEqual({ consumed: 0, abandoned: 100 });
});

test('a stage is opened again after its worker was terminated, without loss', async () => {
  const ring = create();
  const audit = counted(start(ring, ['audit']));
  const ends = (['store', 'notify', 'trace'] as const).map((stage) => finished(ring, stage));
  const publishing = publish(ring, count);
  // Which numbers come first is the worker's own; that none is missing is seen by the stages behind.
  for (let lives = 0; lives < 5; lives++) {
    const { sequence = 0 } = ring.stats().stages.parse ?? {};
    const worker = start(ring, ['parse'], { blocks: lives % 2 === 0, from: sequence });
    while ((ring.stats().stages.parse?.sequence ?? 0) < Math.min(sequence + 500, count)) {
      await setTimeout(1);
    }
    await worker.terminate();
    expect(ring.stats().lost).toBe(0);
  }
  const { sequence = 0 } = ring.stats().stages.parse ?? {};
  const last = counted(start(ring, ['parse'], { from: sequence }));
  await publishing;
  expect(await ring.close()).toEqual({ consumed: count, abandoned: 0 });
  expect(await Promise.all(ends)).toEqual([count, count, count]);
  expect(await audit).toEqual([count]);
  expect(await last).toEqual([count - sequence]);
});

test('a handler takes nothing beside its run, and may release', async () => {
  const definition = Ring.define({ fields: { n: 'u32' }, stages: { read: {} } });
  const ring = closing(Ring.create({ ...definition, capacity: 16 }));
  const worker = new Worker(
    `import('millrace').then(async ({ Ring }) => {
      const { parentPort, workerData } = require('node:worker_threads');
      const read = Ring.attach(workerData).consumer('read');
      const seen = [];
      const takes = [() => read.poll(), () => read.waitSync({ timeout: 0 }), () => read.run(() => {})];
      read.run(({ n }, sequence) => {
        seen.push(n);
        for (const take of takes) {
          try { take(); } catch (error) { seen.push(error.code); }
        }
        read.release(sequence + 1);
      });
      parentPort.postMessage(seen);
    })`,
    { eval: true, workerData: ring.handle },
  );
  workers.push(worker);
  const told = once(worker, 'message');
  const out = ring.producer();
  for (const n of [0, 1, 2]) out.tryPublish((event) => Object.assign(event, { n }) && undefined);
  expect(await ring.close()).toEqual({ consumed: 3, abandoned: 0 });
  const refused = Array(3).fill('ERR_MILLRACE_INVALID_ARGUMENT');
  expect(await told).toEqual([[0, 1, 2].flatMap((n) => [n, ...refused])]);
});
