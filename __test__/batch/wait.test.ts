import { getEventListeners } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { BatchQueue } from 'millrace';
import { drained, outcome, scripted } from './deferred.js';
import { random } from './random.js';

describe('an item that is aborted', () => {
  test('before it is taken leaves the batch', async () => {
    const { call, handler } = scripted();
    const queue = BatchQueue.create(handler);
    const abort = new AbortController();
    const kept = [queue.push(1), queue.push(3)];
    const gone = queue.push(2, { signal: abort.signal });
    const reason = new Error('enough');
    await drained();
    abort.abort(reason);
    await expect(gone).rejects.toMatchObject({ code: 'ERR_MILLRACE_ABORTED', cause: reason });
    expect(call(0).batch.size).toBe(2);
    expect(call(0).batch.take()).toEqual([1, 3]);
    call(0).resolve(['a', 'c']);
    expect(await Promise.all(kept)).toEqual(['a', 'c']);
  });

  test('after it was taken rejects at once, and its result is dropped', async () => {
    const { call, handler } = scripted();
    const queue = BatchQueue.create(handler);
    const abort = new AbortController();
    const gone = queue.push(1, { signal: abort.signal });
    const kept = queue.push(2);
    await drained();
    expect(call(0).batch.take()).toEqual([1, 2]);
    abort.abort();
    await expect(gone).rejects.toMatchObject({ code: 'ERR_MILLRACE_ABORTED' });
    expect(queue.stats()).toMatchObject({ inFlight: 1, rejected: { aborted: 1 } });
    call(0).resolve(['a', 'b']);
    expect(await kept).toBe('b');
    expect(queue.stats()).toMatchObject({ inFlight: 0, fulfilled: 1, taken: 2 });
  });

  test('before it is pushed is never there, and is counted', async () => {
    const queue = BatchQueue.create<number, number>((batch) => batch.take());
    expect(await outcome(queue.push(1, { signal: AbortSignal.abort() }))).toBe(
      'ERR_MILLRACE_ABORTED',
    );
    expect(queue.stats()).toMatchObject({ pushed: 1, waiting: 0, rejected: { aborted: 1 } });
  });

  test('with all others leaves nothing to run', async () => {
    const { calls, handler } = scripted();
    const queue = BatchQueue.create(handler);
    const abort = new AbortController();
    const gone = [1, 2].map((n) => outcome(queue.push(n, { signal: abort.signal })));
    abort.abort();
    await drained();
    expect(calls).toHaveLength(0);
    expect(await Promise.all(gone)).toEqual(['ERR_MILLRACE_ABORTED', 'ERR_MILLRACE_ABORTED']);
  });
});

test('an item whose timeout passes leaves the batch, and one that settles leaves no timer', async () => {
  const { call, handler } = scripted();
  const queue = BatchQueue.create(handler);
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const kept = queue.push(1, { timeout: 60_000 });
  expect(timers()).toBe(before + 1);
  await expect(queue.push(2, { timeout: 1 })).rejects.toMatchObject({
    code: 'ERR_MILLRACE_TIMEOUT',
    message: 'waiting for the result of a batch took longer than 1 ms',
  });
  expect(call(0).batch.take()).toEqual([1]);
  call(0).resolve(['a']);
  expect(await kept).toBe('a');
  expect(timers()).toBe(before);
  expect(queue.stats()).toMatchObject({ rejected: { timeout: 1 } });
});

test('many items under one signal have one listener, and none when they have settled', async () => {
  const { call, handler } = scripted();
  const queue = BatchQueue.create(handler);
  const { signal } = new AbortController();
  for (let round = 0; round < 2; round += 1) {
    const promises = Array.from({ length: 100 }, (_, i) => queue.push(i, { signal }));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    await drained();
    call(round).resolve(call(round).batch.take().map(String));
    await Promise.all(promises);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  }
});

test.each([
  [{ timeout: -1 }, 'timeout must be milliseconds'],
  [{ timeout: 2 ** 31 }, 'timeout must be milliseconds'],
  [{ timeout: '5' }, "got '5'"],
  [{ signal: {} }, 'signal must be an AbortSignal'],
  [5, 'options must be an object'],
])('a push with %p rejects and pushes nothing', async (options, message) => {
  const queue = BatchQueue.create<number, number>((batch) => batch.take());
  await expect(queue.push(1, options as never)).rejects.toMatchObject({
    code: 'ERR_MILLRACE_INVALID_ARGUMENT',
    message: expect.stringContaining(message),
  });
  expect(queue.stats().pushed).toBe(0);
});

test('an abort storm: every promise settles once, and the counts add up', async () => {
  const seed = (Math.random() * 2 ** 32) >>> 0;
  console.log(`abort storm, seed ${seed}`);
  const next = random(seed);
  const ran = new Set<number>();
  const queue = BatchQueue.create<number, number>(
    async (batch) => {
      for (let i = next() * 4; i > 0; i -= 1) await drained();
      const items = batch.take(1 + Math.floor(next() * 200));
      for (const item of items) ran.add(item);
      for (let i = next() * 4; i > 0; i -= 1) await drained();
      if (next() < 0.05) throw new Error('handler');
      return items.map((item) => (next() < 0.05 ? new Error('item') : item));
    },
    { maxBatch: 150, concurrency: 3, queueLimit: 2000, onFull: 'reject' },
  );
  const counts: Record<string, number> = {};
  const total = 20_000;
  const all: Promise<void>[] = [];
  const aborts: AbortController[] = [];
  for (let i = 0; i < total; i += 1) {
    const abort = i % 2 === 0 ? new AbortController() : undefined;
    if (abort) aborts.push(abort);
    const settled = outcome(queue.push(i, abort && { signal: abort.signal })).then((how) => {
      const key = typeof how === 'number' ? 'fulfilled' : String(how);
      counts[key] = (counts[key] ?? 0) + 1;
      if (how === i) expect(ran.has(i)).toBe(true);
      if (typeof how === 'number') expect(how).toBe(i);
    });
    all.push(settled);
    if (next() < 0.4) aborts.splice(Math.floor(next() * aborts.length), 1)[0]?.abort();
    if (next() < 0.01) await drained();
  }
  await queue.idle();
  await Promise.all(all);
  const stats = queue.stats();
  const { rejected } = stats;
  expect(stats).toMatchObject({ pushed: total, waiting: 0, inFlight: 0, running: 0 });
  expect(counts).toEqual({
    fulfilled: stats.fulfilled,
    item: rejected.item,
    handler: rejected.handler,
    ERR_MILLRACE_ABORTED: rejected.aborted,
    ERR_MILLRACE_FULL: rejected.full,
  });
  expect(stats.fulfilled + Object.values(rejected).reduce((sum, n) => sum + n, 0)).toBe(total);
  expect(ran.size).toBe(stats.taken);
  expect(stats.sizes.reduce((sum, { takes }) => sum + takes, 0)).toBeLessThanOrEqual(stats.batches);
});
