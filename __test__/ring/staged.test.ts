import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from '@jest/globals';
import { ByteRing } from 'millrace';
import { flushAtEndOfTurn, flushStaged } from '#dist/ring/staged.js';
import { all, closing, number, numbers, range } from './rings.js';
import type { Copying } from './staged-program.js';

const workers: Worker[] = [];

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

test.each([
  { does: 'run', wait: 'adaptive' },
  { does: 'waitSync', wait: 'adaptive' },
  { does: 'waitSync', wait: 'yield' },
  { does: 'retry', wait: 'adaptive' },
] as const)(
  'what a full ring did not take follows while its producer blocks ($does, $wait)',
  async ({ does, wait }) => {
    const from = numbers(16, { wait });
    from.read.close();
    const to = numbers(8, { producers: 'multi' });
    const workerData: Copying = { from: from.ring.handle, to: to.ring.handle, does };
    const worker = new Worker(new URL('./staged-program.js', import.meta.url), { workerData });
    workers.push(worker);
    await once(worker, 'message');
    for (const n of range(0, 10)) expect(from.out.tryPublish(number, n)).toBe(true);
    from.out.flush();
    while (to.ring.stats().cursor < 8) await setImmediate();
    const seen: number[] = [];
    while (seen.length < 10) {
      seen.push(...all(to.read.poll()));
      await setImmediate();
    }
    expect(seen).toEqual(range(0, 10));
    expect(to.ring.stats().lost).toBe(0);
  },
  10_000,
);

test('a thread that blocked is woken on its event loop again when there is room', async () => {
  const from = numbers(16);
  from.read.close();
  const to = numbers(8, { producers: 'multi' });
  const workerData: Copying = { from: from.ring.handle, to: to.ring.handle, does: 'run' };
  const worker = new Worker(new URL('./staged-program.js', import.meta.url), { workerData });
  workers.push(worker);
  await once(worker, 'message');
  for (const n of range(0, 10)) from.out.tryPublish(number, n);
  const told = once(worker, 'message');
  await from.ring.close();
  await told;
  const seen: number[] = [];
  while (seen.length < 10) {
    seen.push(...all(to.read.poll()));
    await setImmediate();
  }
  expect(seen).toEqual(range(0, 10));
});

test('a flush that fails keeps no other producer from its own, in this turn and in later ones', async () => {
  const { ring, out } = numbers(16);
  const failing = {
    scheduled: false,
    flush() {
      throw new Error('first');
    },
  };
  const failingToo = {
    scheduled: false,
    flush() {
      throw new Error('second');
    },
  };
  flushAtEndOfTurn(failing);
  flushAtEndOfTurn(failingToo);
  out.tryPublish(number, 1);
  expect(flushStaged).toThrow('first');
  expect(ring.stats().cursor).toBe(1);
  out.tryPublish(number, 2);
  await setImmediate();
  expect(ring.stats().cursor).toBe(2);
});

test.each(['single', 'multi'] as const)(
  '%s: a ring of 1,024 slots or more has 256 events staged at most',
  async (producers) => {
    const { ring, out, read } = numbers(4096, { producers });
    for (const n of range(0, 257)) out.tryPublish(number, n);
    expect(ring.stats().cursor).toBe(256);
    await out.publishMany(300, (event, i) => number(event, i));
    expect(ring.stats().cursor).toBe(512);
    await setImmediate();
    expect(all(read.poll())).toHaveLength(557);
  },
);

test('a byte ring has 64 KiB staged at most', () => {
  const ring = closing(ByteRing.create({ capacity: 1 << 20, stages: { read: {} } }));
  const out = ring.producer();
  const record = Buffer.alloc(1016);
  for (const _ of range(0, 63)) out.tryPublish(record);
  expect(ring.stats().cursor).toBe(0);
  for (const _ of range(0, 2)) out.tryPublish(record);
  expect(ring.stats().cursor).toBe(64 * 32);
});

test('run flushes what its handler has published after each batch, before it takes the next one', async () => {
  const from = numbers(16);
  from.read.close();
  const to = numbers(64);
  const { out } = to;
  out.close();
  const workerData: Copying = { from: from.ring.handle, to: to.ring.handle, does: 'look' };
  const worker = new Worker(new URL('./staged-program.js', import.meta.url), { workerData });
  workers.push(worker);
  await once(worker, 'message');
  const told = once(worker, 'message');
  for (const n of range(0, 12)) from.out.tryPublish(number, n);
  from.out.flush();
  // Of batches of four: what was flushed when each event came.
  expect(await told).toEqual([[0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8]]);
});
