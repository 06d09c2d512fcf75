import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import { BatchQueue } from 'millrace';
import { drained, outcome, scripted } from './deferred.js';

test("a push beyond the limit rejects with 'reject', and fits again after a take", async () => {
  const { call, handler } = scripted();
  const queue = BatchQueue.create(handler, { queueLimit: 2, onFull: 'reject' });
  const accepted = [queue.push(1), queue.push(2)];
  expect(await outcome(queue.push(3))).toBe('ERR_MILLRACE_FULL');
  await drained();
  expect(call(0).batch.take(1)).toEqual([1]);
  accepted.push(queue.push(4));
  expect(await outcome(queue.push(5, { timeout: 1000 }))).toBe('ERR_MILLRACE_FULL');
  expect(call(0).batch.take()).toEqual([2, 4]);
  call(0).resolve(['a', 'b', 'd']);
  expect(await Promise.all(accepted)).toEqual(['a', 'b', 'd']);
  expect(queue.stats()).toMatchObject({ pushed: 5, fulfilled: 3, rejected: { full: 2 } });
});

test("a push beyond the limit waits with 'wait', in order", async () => {
  const { call, handler } = scripted();
  const queue = BatchQueue.create(handler, { queueLimit: 2 });
  const promises = [1, 2, 3, 4, 5].map((n) => queue.push(n));
  await drained();
  expect(call(0).batch.size).toBe(2);
  expect(call(0).batch.take()).toEqual([1, 2]);
  expect(call(0).batch.take()).toEqual([3, 4]);
  expect(call(0).batch.take()).toEqual([5]);
  call(0).resolve(['a', 'b', 'c', 'd', 'e']);
  expect(await Promise.all(promises)).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test('an aborted item makes room', async () => {
  const { call, handler } = scripted();
  const queue = BatchQueue.create(handler, { queueLimit: 1, onFull: 'reject' });
  const abort = new AbortController();
  const gone = outcome(queue.push(1, { signal: abort.signal }));
  expect(await outcome(queue.push(2))).toBe('ERR_MILLRACE_FULL');
  abort.abort();
  const kept = queue.push(3);
  await drained();
  expect(call(0).batch.take()).toEqual([3]);
  call(0).resolve(['c']);
  expect(await kept).toBe('c');
  expect(await gone).toBe('ERR_MILLRACE_ABORTED');
});

test('refused pushes against a handler that never ends leave no memory behind', async () => {
  const { handler } = scripted();
  const queue = BatchQueue.create(handler, { queueLimit: 1000, onFull: 'reject' });
  let full = 0;
  const refused = () => {
    full += 1;
  };
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const used = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  let before = 0;
  for (let round = 0; round < 40; round += 1) {
    for (let i = 0; i < 5000; i += 1) queue.push(i).catch(refused);
    await drained();
    if (round === 20) before = used();
  }
  expect(full).toBe(199_000);
  expect(queue.stats()).toMatchObject({ pushed: 200_000, waiting: 1000, rejected: { full } });
  expect(used() - before).toBeLessThan(1024 * 1024);
  await queue.close({ timeout: 0 });
});
