import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { BatchQueue } from 'millrace';
import { drained, outcome, scripted } from './deferred.js';

describe('close', () => {
  test('runs what was pushed before it and takes nothing new', async () => {
    const { call, handler } = scripted();
    const queue = BatchQueue.create(handler, { maxBatch: 1 });
    const promises = [queue.push(1), queue.push(2)];
    const closing = queue.close();
    expect(await outcome(queue.push(3))).toBe('ERR_MILLRACE_CLOSED');
    expect(await outcome(queue.push(4, { timeout: 1000 }))).toBe('ERR_MILLRACE_CLOSED');
    for (const n of [0, 1]) {
      await drained();
      call(n).batch.take();
      call(n).resolve([`${n}`]);
    }
    expect(await closing).toEqual({ notRun: [], unfinished: [] });
    expect(await Promise.all(promises)).toEqual(['0', '1']);
  });

  test('is done at once when there is nothing to do, and is the same promise each time', async () => {
    const queue = BatchQueue.create(() => []);
    const closing = queue.close({ timeout: 60_000 });
    expect(queue.close()).toBe(closing);
    expect(await closing).toEqual({ notRun: [], unfinished: [] });
  });

  test('waits for a handler that runs, though its items were all withdrawn', async () => {
    const { call, handler } = scripted();
    const queue = BatchQueue.create(handler);
    const abort = new AbortController();
    const gone = outcome(queue.push(1, { signal: abort.signal }));
    await drained();
    call(0).batch.take();
    abort.abort();
    let closed = false;
    const closing = queue.close().then(() => {
      closed = true;
    });
    await drained();
    expect(closed).toBe(false);
    call(0).resolve(['a']);
    await closing;
    expect(await gone).toBe('ERR_MILLRACE_ABORTED');
  });

  test('after its timeout tells exactly what did not run and what still runs', async () => {
    const { call, calls, handler } = scripted();
    const queue = BatchQueue.create(handler, { concurrency: 2, maxBatch: 2 });
    const abort = new AbortController();
    const promises = [1, 2, 3, 4, 5].map((n) =>
      outcome(queue.push(n, n === 2 || n === 4 ? { signal: abort.signal } : undefined)),
    );
    await drained();
    call(0).batch.take();
    await drained();
    abort.abort();
    const closing = queue.close();
    expect(await Promise.all([queue.close({ timeout: 5 }), closing])).toEqual([
      { notRun: [3, 5], unfinished: [1] },
      { notRun: [3, 5], unfinished: [1] },
    ]);
    expect(call(1).batch.take()).toEqual([]);
    call(1).resolve([]);
    call(0).resolve(['a', 'b']);
    expect(await Promise.all(promises)).toEqual([
      'a',
      'ERR_MILLRACE_ABORTED',
      'ERR_MILLRACE_CLOSED',
      'ERR_MILLRACE_ABORTED',
      'ERR_MILLRACE_CLOSED',
    ]);
    await queue.idle();
    expect(calls).toHaveLength(2);
    expect(queue.stats()).toMatchObject({
      inFlight: 0,
      running: 0,
      rejected: { closed: 2, aborted: 2 },
    });
  });

  test('refuses a timeout that is none, and leaves the queue open', async () => {
    const queue = BatchQueue.create<number, number>((batch) => batch.take());
    await expect(queue.close({ timeout: -1 })).rejects.toMatchObject({
      code: 'ERR_MILLRACE_INVALID_ARGUMENT',
      message: expect.stringContaining('timeout must be milliseconds'),
    });
    expect(await queue.push(1)).toBe(1);
  });

  test('await using closes at the end of the block', async () => {
    let kept: BatchQueue<number, number>;
    let result: Promise<number>;
    {
      await using queue = BatchQueue.create<number, number>((batch) => batch.take());
      kept = queue;
      result = queue.push(1);
    }
    expect(kept.stats()).toMatchObject({ fulfilled: 1, waiting: 0 });
    expect(await result).toBe(1);
  });
});

describe('idle', () => {
  test('is lazy, and waits until nothing waits and nothing runs', async () => {
    const { call, handler } = scripted();
    const queue = BatchQueue.create(handler);
    await queue.idle();
    const pushed = queue.push(1);
    let idle = false;
    const waiting = queue.idle().then(() => {
      idle = true;
    });
    await drained();
    call(0).batch.take();
    await drained();
    expect(idle).toBe(false);
    call(0).resolve(['a']);
    await waiting;
    expect(await pushed).toBe('a');
  });

  test('may be awaited twice, and may be left', async () => {
    const { handler } = scripted();
    const queue = BatchQueue.create(handler);
    const pushed = outcome(queue.push(1));
    const idle = queue.idle({ timeout: 5 });
    await expect(Promise.resolve(idle)).rejects.toMatchObject({
      code: 'ERR_MILLRACE_TIMEOUT',
      message: 'waiting for the batch queue to be idle took longer than 5 ms',
    });
    await expect(Promise.resolve(idle)).rejects.toMatchObject({ code: 'ERR_MILLRACE_TIMEOUT' });
    await queue.close({ timeout: 0 });
    expect(await pushed).toBe('ERR_MILLRACE_CLOSED');
  });
});

test('stats count batches by size, and inspect shows the state', async () => {
  const queue = BatchQueue.create<number, number>((batch) => batch.take());
  for (const size of [1, 2, 3, 4, 5, 9]) {
    await Promise.all(Array.from({ length: size }, (_, i) => queue.push(i)));
  }
  expect(queue.stats()).toEqual({
    pushed: 24,
    waiting: 0,
    inFlight: 0,
    fulfilled: 24,
    rejected: { handler: 0, item: 0, result: 0, aborted: 0, timeout: 0, full: 0, closed: 0 },
    taken: 24,
    batches: 6,
    running: 0,
    largest: 9,
    sizes: [
      { upTo: 1, takes: 1 },
      { upTo: 2, takes: 1 },
      { upTo: 4, takes: 2 },
      { upTo: 8, takes: 1 },
      { upTo: 16, takes: 1 },
    ],
  });
  expect(inspect(queue, { breakLength: Infinity })).toBe(
    "BatchQueue { state: 'open', waiting: 0, inFlight: 0, running: 0, fulfilled: 24 }",
  );
});
