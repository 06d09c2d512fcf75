import { setImmediate } from 'node:timers/promises';
import { afterEach, expect, jest, test } from '@jest/globals';
import {
  BatchQueue,
  ByteRing,
  type ConsumerOptions,
  native,
  Ring,
  type RingOptions,
  Scheduler,
} from 'millrace';
import { binding } from '#dist/native/binding.js';
import { layout } from '#dist/ring/layout.js';
import { firstSequence } from '#dist/ring/shared-ring.js';
import { all, closing, number, outcome, range } from './rings.js';

afterEach(() => {
  firstSequence.value = 0;
});

/** A ring of numbers that workers share, and a stage behind them. */
function shared(workers: number, options: RingOptions & { capacity?: number } = {}) {
  const stages = { work: { workers }, behind: { after: ['work'] } } as const;
  const definition = Ring.define({ fields: { n: 'u32' }, stages });
  const ring = closing(Ring.create({ ...definition, capacity: 16, ...options }));
  const out = ring.producer();
  const publish = (from: number, to: number) => {
    for (const n of range(from, to)) expect(out.tryPublish(number, n)).toBe(true);
    out.flush();
  };
  const open = (more?: ConsumerOptions) => ring.consumer('work', { maxBatch: 16, ...more });
  const behind = ring.consumer('behind', { maxBatch: 16 });
  return { ring, publish, open, behind, stage: () => ring.stats().stages.work };
}

/** The numbers that come to a consumer until it ends. */
async function rest(consumer: AsyncIterable<Iterable<{ n: number }>>): Promise<number[]> {
  const seen: number[] = [];
  for await (const batch of consumer) seen.push(...all(batch));
  return seen;
}

test('workers share what is ready, and the stage behind them gets it in order', () => {
  const { publish, open, behind, stage } = shared(2);
  const [one, other] = [open(), open()];
  publish(0, 8);
  const batches = [one.poll(), other.poll()];
  expect(batches.map(all)).toEqual([
    [0, 1, 2, 3],
    [4, 5],
  ]);
  expect(batches.map((batch) => batch?.sequence)).toEqual([0, 4]);
  // The other was faster: what it has done waits for what is before it.
  expect(all(other.poll())).toEqual([6]);
  expect(behind.poll()).toBeUndefined();
  expect(stage()).toMatchObject({ sequence: 0, lag: 8 });
  expect(all(one.poll())).toEqual([7]);
  expect(all(behind.poll())).toEqual(range(0, 6));
  expect(one.poll()).toBeUndefined();
  expect(other.poll()).toBeUndefined();
  expect(all(behind.poll())).toEqual([6, 7]);
  expect(stage()).toMatchObject({ sequence: 8, lag: 0, batches: 4 });
});

test('a stage is open to as many workers as it has', () => {
  const { ring, open } = shared(2);
  const one = open();
  open();
  const refused = expect.objectContaining({
    code: 'ERR_MILLRACE_INVALID_ARGUMENT',
    message: expect.stringContaining("the last of 2 workers of stage 'work' is open already"),
  });
  expect(() => open()).toThrow(refused);
  one.close();
  open();
  expect(() => closing(Ring.attach(ring.handle)).consumer('work')).toThrow(refused);
});

test('a ring that is let go of gives its workers back', () => {
  const { ring, open } = shared(2);
  const elsewhere = closing(Ring.attach(ring.handle));
  elsewhere.consumer('work');
  elsewhere.consumer('work');
  elsewhere.detach();
  open();
  open();
});

test.each([0, 31, 1.5, '2', Number.NaN, null])('%p workers are refused', (workers) => {
  expect(() => shared(workers as number)).toThrow(
    expect.objectContaining({
      code: 'ERR_MILLRACE_INVALID_ARGUMENT',
      message: expect.stringContaining('stages.work.workers must be a whole number from 1 to 30'),
    }),
  );
});

test('stages and workers have 31 places', () => {
  const stages = { a: { workers: 14 }, b: { workers: 14 }, c: {} };
  expect(() => Ring.define({ fields: {}, stages })).not.toThrow();
  expect(() => Ring.define({ fields: {}, stages: { ...stages, d: {} } })).toThrow(
    'at most 31 stages and workers together',
  );
});

test('workers of several stages do not meet', () => {
  const stages = { a: { workers: 3 }, b: { after: ['a'], workers: 2 }, c: {} } as const;
  const definition = Ring.define({ fields: { n: 'u32' }, stages });
  const ring = closing(Ring.create({ ...definition, capacity: 16 }));
  const out = ring.producer();
  for (const n of range(0, 6)) out.tryPublish(number, n);
  out.flush();
  const a = [1, 2, 3].map(() => ring.consumer('a'));
  const b = [1, 2].map(() => ring.consumer('b'));
  expect(a.map((one) => all(one.poll()))).toEqual([[0, 1], [2, 3], [4]]);
  expect(b.map((one) => one.poll())).toEqual([undefined, undefined]);
  expect(all(a[0]?.poll())).toEqual([5]);
  expect(b.map((one) => all(one.poll()))).toEqual([[0], [1]]);
  const { stages: counts } = ring.stats();
  expect([counts.a?.lag, counts.b?.lag, counts.c?.lag]).toEqual([4, 6, 6]);
});

test.each(['close', 'detach', 'break'] as const)(
  'what a worker has not released comes to the others: by %s',
  async (how) => {
    const { ring, publish, open, behind } = shared(2);
    const elsewhere = closing(Ring.attach(ring.handle));
    const leaving = elsewhere.consumer('work', { maxBatch: 4 });
    publish(0, 4);
    const staying = open();
    for await (const batch of leaving) {
      // Two are passed when the third is in hand.
      for (const event of batch) if (event.n === 1) break;
      if (how === 'break') break;
      if (how === 'close') leaving.close();
      else elsewhere.detach();
      break;
    }
    const seen: number[] = [];
    for (let batch = staying.poll(); batch; batch = staying.poll()) seen.push(...all(batch));
    expect(seen).toEqual([1, 2, 3]);
    expect(all(behind.poll())).toEqual(range(0, 4));
  },
);

test('what the last worker leaves comes to the next that is opened, in parts if it wants small ones', () => {
  const { publish, open, stage } = shared(1);
  const last = open();
  publish(0, 4);
  expect(last.poll()).toHaveLength(4);
  last.close();
  const next = open({ maxBatch: 3 });
  expect(all(next.poll())).toEqual(range(0, 3));
  expect(all(next.poll())).toEqual([3]);
  expect(stage()?.sequence).toBe(3);
});

test('a worker that waits is woken for what another leaves, and not told the end before', async () => {
  const { ring, publish, open, behind } = shared(2);
  const leaving = open();
  const staying = open();
  publish(0, 1);
  expect(leaving.poll()).toHaveLength(1);
  const seen = rest(staying);
  const following = rest(behind);
  const closed = ring.close();
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  expect(staying.ended).toBe(false);
  leaving.close();
  expect([await seen, await following]).toEqual([[0], [0]]);
  expect(staying.ended).toBe(true);
  expect(await closed).toEqual({ consumed: 1, abandoned: 0 });
});

test('a worker that waits is told the end when another has released the last batch', async () => {
  const { ring, publish, open } = shared(2);
  const [last, waiting] = [open(), open()];
  publish(0, 1);
  expect(last.poll()).toHaveLength(1);
  const seen = rest(waiting);
  await setImmediate();
  await ring.close({ timeout: 0 });
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  expect(last.poll()).toBeUndefined();
  expect(await seen).toEqual([]);
});

test('native work does not share a stage', async () => {
  const stages = { work: { workers: 2, writes: ['digest'] } } as const;
  const ring = closing(
    ByteRing.create({ capacity: 1024, header: { digest: 'bytes(32)' }, stages }),
  );
  const scheduler = Scheduler.create();
  const hash = native.hash('sha256', { to: 'digest' });
  await expect(ring.run('work', hash, { scheduler })).rejects.toMatchObject({
    code: 'ERR_MILLRACE_INVALID_ARGUMENT',
    message: expect.stringContaining("stage 'work': a stage that workers share"),
  });
  await scheduler.close();
});

test('one event of two that wait: one gets it, and both are told the end', async () => {
  const { ring, publish, open, behind } = shared(2);
  const ends = Promise.all([rest(open()), rest(open()), rest(behind)]);
  await setImmediate();
  publish(0, 1);
  await setImmediate();
  await ring.close();
  const [one, other, all] = await ends;
  expect([...one, ...other]).toEqual([0]);
  expect(all).toEqual([0]);
});

test('a slow worker holds nobody back until the ring is full', () => {
  const { publish, open, behind, stage } = shared(2);
  const slow = open({ maxBatch: 1 });
  const fast = open();
  publish(0, 16);
  expect(slow.poll()).toHaveLength(1);
  const seen: number[] = [];
  for (let batch = fast.poll(); batch; batch = fast.poll()) seen.push(...all(batch));
  expect(seen).toEqual(range(1, 16));
  expect(stage()?.sequence).toBe(0);
  slow.poll();
  expect(all(behind.poll())).toEqual(range(0, 16));
});

test('released by hand: in order within a batch, and the next comes when all of it is', async () => {
  const { publish, open, stage } = shared(1);
  const work = open({ maxBatch: 4, release: 'manual' });
  publish(0, 8);
  expect(all(work.poll())).toEqual(range(0, 4));
  expect(work.poll()).toBeUndefined();
  work.release(2);
  expect(stage()?.sequence).toBe(2);
  expect(() => work.release(5)).toThrow('sequence must be a number from 2 to 4');
  const next = Promise.resolve(work.receive()).then((batch) => all(batch));
  await setImmediate();
  work.release(4);
  expect(await next).toEqual(range(4, 8));
  work.close();
  expect(stage()?.sequence).toBe(4);
  expect(all(open().poll())).toEqual(range(4, 8));
});

test.each([2 ** 31 - 5, 2 ** 32 - 5])('numbers are exact from %d on', (first) => {
  firstSequence.value = first | 0;
  const { ring, publish, open, behind, stage } = shared(3);
  const workers = [open(), open(), open()];
  const seen: number[] = [];
  for (const n of range(0, 40)) {
    if (n % 5 === 0) publish(n, n + 5);
    const batch = workers[n % 3]?.poll();
    for (const [at, event] of [...all(batch)].entries()) {
      expect((batch?.sequence as number) + at).toBe(first + event);
      seen.push(event);
    }
    if (n % 5 === 4) {
      for (const worker of workers) seen.push(...all(worker.poll()));
      for (const worker of workers) worker.poll();
      behind.poll();
    }
  }
  expect(seen.sort((a, b) => a - b)).toEqual(range(0, 40));
  expect(stage()?.sequence).toBe(first + 40);
  // What they are counted by would be wrong only two runs of 2^31 later.
  const { memory } = ring.handle as unknown as { memory: SharedArrayBuffer };
  const word = layout.STAGE_CELLS + layout.CELL_HALVES;
  expect(new Int32Array(memory)[word]).toBe((first + 5) / 2 ** 31);
});

test('into a queue: one batch at a time, released when its items have settled', async () => {
  const { ring, publish, open, behind, stage } = shared(2);
  const settle: (() => void)[] = [];
  const taken: number[][] = [];
  const queue = BatchQueue.create<number, number>(async (batch) => {
    const items = batch.take();
    taken.push([...items]);
    await new Promise<void>((resolve) => settle.push(resolve));
    return items;
  });
  publish(0, 8);
  const map = (event: { n: number }) => (event.n % 4 === 3 ? undefined : event.n);
  const feeds = [open({ maxBatch: 2 }), open()].map((work) => work.into(queue, { map }));
  const following = rest(behind);
  await setImmediate();
  // Two of the first batch, four of the second: the next come when these are settled.
  expect(taken).toEqual([[0, 1, 2, 4]]);
  expect(stage()?.sequence).toBe(0);
  const closed = ring.close();
  while (stage()?.lag !== 0) {
    settle.shift()?.();
    await setImmediate();
  }
  await Promise.all(feeds);
  expect(await following).toEqual(range(0, 8));
  expect(await closed).toEqual({ consumed: 8, abandoned: 0 });
  expect(taken.flat().sort()).toEqual([0, 1, 2, 4, 5, 6]);
});

test('a feed whose consumer was closed leaves the batch to who took it over', async () => {
  const { publish, open, stage } = shared(2);
  let settle = () => {};
  const queue = BatchQueue.create<number, number>(async (batch) => {
    const items = batch.take();
    await new Promise<void>((resolve) => {
      settle = resolve;
    });
    return items;
  });
  const first = open();
  publish(0, 4);
  const feeding = outcome(first.into(queue, { map: ({ n }) => n }));
  while (queue.stats().running === 0) await setImmediate();
  first.close();
  const second = open();
  expect(all(second.poll())).toEqual(range(0, 4));
  settle();
  expect(await feeding).toBe('ERR_MILLRACE_CLOSED');
  expect(all(open().poll())).toEqual([]);
  expect(stage()?.sequence).toBe(0);
  second.poll();
  expect(stage()?.sequence).toBe(4);
});

test.each(['claimWork', 'finishWork', 'handBackWork'] as const)(
  'what fails in %s is told as an internal error',
  (name) => {
    const { publish, open } = shared(1);
    const work = open();
    publish(0, 4);
    if (name !== 'claimWork') work.poll();
    const failing = jest.spyOn(binding, name).mockImplementation(() => {
      throw new Error('panicked');
    });
    try {
      expect(() => (name === 'handBackWork' ? work.close() : work.poll())).toThrow(
        expect.objectContaining({
          code: 'ERR_MILLRACE_INTERNAL',
          message: expect.stringContaining("sharing stage 'work'"),
        }),
      );
    } finally {
      failing.mockRestore();
    }
  },
);

test('what a worker released early is not taken back, nor counted again', async () => {
  const { publish, open, stage } = shared(1);
  const work = open();
  publish(0, 4);
  for await (const batch of work) {
    for (const event of batch) {
      if (event.n === 1) break;
    }
    work.release(3);
    break;
  }
  expect(stage()).toMatchObject({ sequence: 3, batches: 1 });
  expect(all(work.poll())).toEqual([3]);
});

test('records go to workers whole', async () => {
  const stages = { work: { workers: 2 } } as const;
  firstSequence.value = -9;
  const ring = closing(ByteRing.create({ capacity: 1024, header: { n: 'u32' }, stages }));
  const out = ring.producer();
  const workers = [ring.consumer('work', { maxBatch: 3 }), ring.consumer('work')];
  const seen: number[] = [];
  let n = 0;
  for (let round = 0; round < 50; round++) {
    while (out.tryPublish(Buffer.alloc((n % 4) * 40, n), (record) => (record.n = n))) n += 1;
    out.flush();
    const batches = workers.map((work) => work.poll());
    for (const batch of batches) {
      for (const record of batch ?? []) {
        expect(record.bytes).toEqual(Buffer.alloc((record.n % 4) * 40, record.n));
        seen.push(record.n);
      }
    }
  }
  workers[1]?.close();
  const closed = ring.close();
  for await (const batch of workers[0] ?? []) {
    for (const record of batch) seen.push(record.n);
  }
  await closed;
  // What the second had in hand when it was closed came again.
  expect([...new Set(seen)].sort((a, b) => a - b)).toEqual(range(0, n));
});
