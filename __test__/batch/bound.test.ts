import { describe, expect, test } from '@jest/globals';
import { BatchQueue } from 'millrace';
import { drained, scripted } from './deferred.js';

describe('the first handler', () => {
  test('does not start while it is pushed to', () => {
    const { calls, handler } = scripted();
    const queue = BatchQueue.create(handler);
    queue.push(1);
    expect(calls).toHaveLength(0);
  });

  test('starts after the microtask queue has drained, through any chain of promises', async () => {
    const sizes: number[] = [];
    const queue = BatchQueue.create<number, number>((batch) => {
      sizes.push(batch.size);
      return batch.take();
    });
    const chain = async (depth: number) => {
      for (let i = 0; i < depth; i += 1) await null;
      return queue.push(depth);
    };
    expect(await Promise.all([0, 1, 7, 50, 1000].map(chain))).toEqual([0, 1, 7, 50, 1000]);
    expect(sizes).toEqual([5]);
  });

  test('starts before timers and I/O', async () => {
    const order: string[] = [];
    const queue = BatchQueue.create<number, number>((batch) => {
      order.push('handler');
      return batch.take();
    });
    const immediate = drained().then(() => order.push('immediate'));
    await Promise.all([queue.push(1), immediate]);
    expect(order).toEqual(['handler', 'immediate']);
  });
});

describe('an open batch', () => {
  test('is joined by what is pushed until it is taken', async () => {
    const { call, calls, handler } = scripted();
    const queue = BatchQueue.create(handler, { concurrency: 5 });
    const promises = [queue.push(1)];
    await drained();
    expect(call(0).batch.size).toBe(1);
    promises.push(queue.push(2), queue.push(3));
    await drained();
    expect(calls).toHaveLength(1);
    expect(call(0).batch.size).toBe(3);
    expect(call(0).batch.take()).toEqual([1, 2, 3]);
    expect(call(0).batch.size).toBe(0);
    call(0).resolve(['a', 'b', 'c']);
    expect(await Promise.all(promises)).toEqual(['a', 'b', 'c']);
  });

  test('gives no more than maxBatch, nor than was asked for; the oldest first', async () => {
    const { call, handler } = scripted();
    const queue = BatchQueue.create(handler, { maxBatch: 3 });
    const promises = [1, 2, 3, 4, 5, 6].map((n) => queue.push(n));
    await drained();
    expect(call(0).batch.size).toBe(3);
    expect(call(0).batch.take(2)).toEqual([1, 2]);
    expect(call(0).batch.take(100)).toEqual([3, 4, 5]);
    expect(call(0).batch.take()).toEqual([6]);
    expect(call(0).batch.take()).toEqual([]);
    call(0).resolve(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(await Promise.all(promises)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  });

  test('is followed by the next once it is taken and items wait, up to the concurrency', async () => {
    const { call, calls, handler } = scripted();
    const queue = BatchQueue.create(handler, { concurrency: 2 });
    const first = queue.push(1);
    await drained();
    call(0).batch.take();
    await drained();
    expect(calls).toHaveLength(1);
    const second = queue.push(2);
    await drained();
    expect(calls).toHaveLength(2);
    call(1).batch.take();
    const third = queue.push(3);
    await drained();
    expect(calls).toHaveLength(2);
    call(1).resolve(['b']);
    expect(await second).toBe('b');
    await drained();
    expect(calls).toHaveLength(3);
    call(2).batch.take();
    call(2).resolve(['c']);
    call(0).resolve(['a']);
    expect(await Promise.all([first, third])).toEqual(['a', 'c']);
  });

  test('and a taken one may both take: each item goes to one of them', async () => {
    const { call, handler } = scripted();
    const queue = BatchQueue.create(handler, { concurrency: 2 });
    const promises = [queue.push(1)];
    await drained();
    call(0).batch.take();
    promises.push(queue.push(2), queue.push(3));
    await drained();
    expect(call(0).batch.take(1)).toEqual([2]);
    expect(call(1).batch.take()).toEqual([3]);
    call(1).resolve(['c']);
    call(0).resolve(['a', 'b']);
    expect(await Promise.all(promises)).toEqual(['a', 'b', 'c']);
  });

  test('ends with its handler', async () => {
    const { call, handler } = scripted();
    const queue = BatchQueue.create(handler);
    const first = queue.push(1);
    await drained();
    call(0).batch.take();
    call(0).resolve(['a']);
    await first;
    queue.push(2).catch(() => {});
    expect(call(0).batch.size).toBe(0);
    expect(() => call(0).batch.take()).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_CLOSED' }),
    );
    await queue.close({ timeout: 0 });
  });

  test.each([0, -1, 1.5, Number.NaN, '3' as never])(
    'take(%p) is refused and takes nothing',
    async (max) => {
      const { call, handler } = scripted();
      const queue = BatchQueue.create(handler);
      const pushed = queue.push(1);
      await drained();
      expect(() => call(0).batch.take(max)).toThrow(
        expect.objectContaining({ code: 'ERR_MILLRACE_INVALID_ARGUMENT' }),
      );
      expect(call(0).batch.take()).toEqual([1]);
      call(0).resolve(['a']);
      await pushed;
    },
  );
});

test('a handler may push into its own queue', async () => {
  const queue: BatchQueue<number, number> = BatchQueue.create((batch) => {
    const items = batch.take();
    for (const item of items) if (item < 3) deeper.push(queue.push(item + 1));
    return items;
  });
  const deeper: Promise<number>[] = [];
  expect(await queue.push(1)).toBe(1);
  await queue.idle();
  expect(await Promise.all(deeper)).toEqual([2, 3]);
});

test('order holds over many batches, growth of the ring and its wrap', async () => {
  const seen: number[] = [];
  const queue = BatchQueue.create<number, number>(
    async (batch) => {
      const items = batch.take();
      seen.push(...items);
      return items.map((n) => -n);
    },
    { maxBatch: 37 },
  );
  const all: Promise<number>[] = [];
  let next = 0;
  for (let round = 0; round < 60; round += 1) {
    for (let i = 0; i < (round * 97) % 301; i += 1) all.push(queue.push(next++));
    await drained();
  }
  const results = await Promise.all(all);
  expect(seen).toEqual(Array.from({ length: next }, (_, i) => i));
  expect(results.every((result, i) => result === -i || i === 0)).toBe(true);
});

test.each([
  [{ maxBatch: 0 }, 'maxBatch'],
  [{ concurrency: 1.5 }, 'concurrency'],
  [{ queueLimit: '10' }, 'queueLimit'],
  [{ onFull: 'drop' }, 'onFull'],
  [null, 'options'],
])('create refuses %p', (options, name) => {
  expect(() => BatchQueue.create(() => [], options as never)).toThrow(
    expect.objectContaining({
      code: 'ERR_MILLRACE_INVALID_ARGUMENT',
      message: expect.stringContaining(`${name} must be`),
    }),
  );
});

test('create refuses a handler that is not a function', () => {
  expect(() => BatchQueue.create({} as never)).toThrow('handler must be a function');
});
