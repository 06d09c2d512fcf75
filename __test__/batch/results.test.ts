import { setTimeout as sleep } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { BatchQueue } from 'millrace';
import { drained, outcome, scripted } from './deferred.js';

afterEach(() => {
  jest.restoreAllMocks();
});

test('an Error among the results rejects its item only, from any realm', async () => {
  const foreign = runInNewContext(`new RangeError('far')`);
  const queue = BatchQueue.create<number, string>((batch) =>
    batch.take().map((n) => (n === 2 ? new Error('near') : n === 3 ? foreign : `${n}`)),
  );
  const promises = [1, 2, 3, 4].map((n) => outcome(queue.push(n)));
  expect(await Promise.all(promises)).toEqual(['1', 'near', 'far', '4']);
  expect(queue.stats()).toMatchObject({ fulfilled: 2, rejected: { item: 2 } });
});

test('results may be anything else, undefined and objects with a stack included', async () => {
  const odd = [undefined, null, { stack: 'x', message: 'y' }, [], 0];
  const queue = BatchQueue.create<number, unknown>(
    (batch) => batch.take().map((n) => odd[n]) as Error[],
  );
  expect(await Promise.all(odd.map((_, n) => queue.push(n)))).toEqual(odd);
});

test.each([
  ['too few', ['a'], 'expected 2 results, got 1'],
  ['too many', ['a', 'b', 'c'], 'expected 2 results, got 3'],
  ['nothing', undefined, 'expected 2 results, got undefined'],
  ['a map', new Map([[1, 'a']]), 'expected 2 results, got Map(1)'],
])('a handler that returns %s rejects all it took, and says so', async (_, results, message) => {
  const queue = BatchQueue.create<number, string>((batch) => {
    batch.take(2);
    return results as string[];
  });
  const settled = await Promise.allSettled([queue.push(1), queue.push(2)]);
  for (const one of settled) {
    expect(one).toMatchObject({
      status: 'rejected',
      reason: { code: 'ERR_MILLRACE_BATCH_RESULT' },
    });
    expect((one as PromiseRejectedResult).reason.message).toContain(message);
  }
  expect(queue.stats()).toMatchObject({ fulfilled: 0, inFlight: 0, rejected: { result: 2 } });
});

describe.each(['throws', 'rejects'])('a handler that %s', (how) => {
  const fail = (error: Error) => {
    if (how === 'throws') throw error;
    return Promise.reject(error);
  };

  test('rejects what it took with its error; the rest is left to the next handler', async () => {
    const failure = new Error('down');
    let runs = 0;
    const queue = BatchQueue.create<number, number>((batch) => {
      runs += 1;
      const items = batch.take(2);
      return runs === 1 ? fail(failure) : items;
    });
    const settled = await Promise.allSettled([1, 2, 3, 4].map((n) => queue.push(n)));
    expect(settled).toEqual([
      { status: 'rejected', reason: failure },
      { status: 'rejected', reason: failure },
      { status: 'fulfilled', value: 3 },
      { status: 'fulfilled', value: 4 },
    ]);
    expect(queue.stats()).toMatchObject({ batches: 2, rejected: { handler: 2 } });
  });

  test('before it took anything leaves all to the next, pauses longer and longer, warns once', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const started: number[] = [];
    const queue = BatchQueue.create<number, number>((batch) => {
      started.push(performance.now());
      return started.length < 4 ? fail(new Error('no connection')) : batch.take();
    });
    expect(await Promise.all([queue.push(1), queue.push(2)])).toEqual([1, 2]);
    const pauses = started.slice(1).map((at, i) => at - (started[i] as number));
    // Timers are never early by more than the rounding of their clock.
    for (const [i, pause] of pauses.entries()) expect(pause).toBeGreaterThan(10 * 2 ** i - 2);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]?.[1]).toMatchObject({
      code: 'MILLRACE_BATCH_UNTAKEN',
      detail: expect.stringContaining('no connection'),
    });
  });
});

test('a handler that never takes leaves its items, without a hot loop', async () => {
  jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  let runs = 0;
  let lazy = true;
  const queue = BatchQueue.create<number, number>((batch) => {
    runs += 1;
    return lazy ? [] : batch.take();
  });
  const pushed = queue.push(1);
  await sleep(100);
  // 10 + 20 + 40 ms of pauses: the fifth run would come at 150 ms.
  expect(runs).toBeGreaterThan(1);
  expect(runs).toBeLessThanOrEqual(4);
  lazy = false;
  expect(await pushed).toBe(1);
});

test('a handler that asks and finds nothing is no failure', async () => {
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const { call, handler } = scripted();
  const queue = BatchQueue.create(handler);
  const abort = new AbortController();
  const gone = outcome(queue.push(1, { signal: abort.signal }));
  await drained();
  abort.abort();
  expect(call(0).batch.take()).toEqual([]);
  call(0).resolve([]);
  expect(await gone).toBe('ERR_MILLRACE_ABORTED');
  await queue.idle();
  expect(warn).not.toHaveBeenCalled();
});
