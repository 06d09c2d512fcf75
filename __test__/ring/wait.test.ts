import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from '@jest/globals';
import { Ring, type SharedRing } from 'millrace';
import { closing, number, numbers, outcome, range } from './rings.js';
import type { Waited, Waiting } from './wait-program.js';

const workers: Worker[] = [];

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

function start(ring: SharedRing, asked: Waiting = {}): Worker {
  const workerData = { handle: ring.handle, ...asked };
  const worker = new Worker(new URL('./wait-program.js', import.meta.url), { workerData });
  workers.push(worker);
  return worker;
}

/** What a worker tells at its end, past what it tells of timeouts. */
async function told(worker: Worker): Promise<Waited> {
  for (;;) {
    const [message] = await once(worker, 'message');
    if (message !== 'timeout') return message;
  }
}

/** A ring of numbers whose stage is free for a worker. */
function free(options: Parameters<typeof numbers>[1] = {}) {
  const { ring, out, read } = numbers(16, options);
  read.close();
  return { ring, out };
}

const waits = ['block', 'yield', 'spin', 'adaptive'] as const;

test.each(waits)(
  "a worker that waits by '%s' polls all events, and is told of the end",
  async (wait) => {
    const { ring, out } = free({ wait });
    const waited = told(start(ring, { options: { maxBatch: 4 } }));
    for (const n of range(0, 500)) await out.publish(number, n);
    expect(await ring.close()).toEqual({ consumed: 500, abandoned: 0 });
    expect(await waited).toMatchObject({ numbers: range(0, 500), timeouts: 0, ended: true });
  },
);

test.each(waits)(
  "by '%s': a wait ends when its time is up, and the next one goes on",
  async (wait) => {
    const { ring, out } = free({ wait });
    const worker = start(ring, { timeout: 30 });
    const waited = told(worker);
    await once(worker, 'message');
    await once(worker, 'message');
    await out.publish(number, 7);
    await ring.close();
    const { numbers: seen, timeouts, shortest, parked, ended } = await waited;
    expect([seen, ended]).toEqual([[7], true]);
    expect(timeouts).toBeGreaterThanOrEqual(2);
    expect(shortest).toBeGreaterThanOrEqual(30);
    expect(parked > 0).toBe(wait === 'block' || wait === 'adaptive');
  },
);

test('a timeout of 0 looks, and does not sleep', async () => {
  const { ring } = free({ wait: 'block' });
  const worker = start(ring, { timeout: 0, waits: 20 });
  const { timeouts, parked } = await told(worker);
  expect(timeouts).toBe(20);
  expect(parked).toBe(0);
});

test('waiting releases the batch before, and flushes what the thread has published', async () => {
  const { ring, out } = free();
  const copies = numbers(16);
  copies.out.close();
  const waited = told(start(ring, { copies: copies.ring.handle }));
  // Its first wait ends with this one; the second is only over when we close, and we do so when we have the copy.
  await out.publish(number, 5);
  expect(Array.from((await copies.read.receive()) ?? [], ({ n }) => n)).toEqual([5]);
  while (ring.stats().stages.read?.sequence !== 1) await new Promise(setImmediate);
  await ring.close();
  expect(await waited).toMatchObject({ numbers: [5], timeouts: 0 });
});

test('a stage behind one that failed is told while it waits', async () => {
  const definition = Ring.define({
    fields: { n: 'u32' },
    stages: { first: {}, read: { after: ['first'] } },
  });
  const ring = closing(Ring.create({ ...definition, capacity: 16 }));
  const worker = start(ring);
  const waited = told(worker);
  await ring.producer().publish(number, 1);
  while (ring.stats().stages.read?.waits === 0) await new Promise(setImmediate);
  const failing = new Worker(
    `import('millrace').then(({ Ring }) => {
      const first = Ring.attach(require('node:worker_threads').workerData).consumer('first');
      first.run(() => { throw new Error('first failed'); });
    })`,
    { eval: true, workerData: ring.handle },
  );
  workers.push(failing);
  const [error] = await once(failing, 'error');
  expect(error.message).toBe('first failed');
  expect(await waited).toMatchObject({ numbers: [], thrown: 'ERR_MILLRACE_CONSUMER_FAILED' });
});

test.each(waits)(
  "terminating a worker that waits by '%s' ends it, and frees the stage",
  async (wait) => {
    const { ring, out } = free({ wait });
    const sleeps = wait === 'block' || wait === 'adaptive';
    const worker = start(ring, { timeout: sleeps ? 10_000 : 20 });
    // In its sleep, or in its loop.
    if (!sleeps) await once(worker, 'message');
    else while (ring.stats().stages.read?.waits === 0) await new Promise(setImmediate);
    const since = performance.now();
    await worker.terminate();
    // Far below the end of the wait.
    expect(performance.now() - since).toBeLessThan(5000);
    out.tryPublish(number, 1);
    out.flush();
    expect(Array.from(ring.consumer('read').poll() ?? [], ({ n }) => n)).toEqual([1]);
  },
);

test('the main thread is refused, whatever is ready', async () => {
  const { ring, out, read } = numbers(4);
  const refused = expect.objectContaining({ code: 'ERR_MILLRACE_WOULD_BLOCK' });
  expect(() => read.waitSync()).toThrow(refused);
  out.tryPublish(number, 1);
  out.flush();
  expect(() => read.waitSync({ timeout: 0 })).toThrow(refused);
  expect(() => read.waitSync({ timeout: -1 })).toThrow(TypeError);
  expect(() => read.waitSync({ signal: new AbortController().signal } as object)).toThrow(
    'signal must be left out: a thread that blocks does not see it',
  );
  read.close();
  expect(() => read.waitSync()).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_CLOSED' }));
  expect(await outcome(ring.close({ timeout: 0 }))).toEqual({ consumed: 0, abandoned: 1 });
});
