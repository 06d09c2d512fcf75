import { afterEach, expect, jest, test } from '@jest/globals';
import type * as Feed from '../../dist/batch/feed.js';
import type * as Batch from '../../dist/batch/index.js';
import { drained, scripted } from './deferred.js';

// The way of other parts into a queue; it is not exported by the package.
const built = new URL('../../../dist/batch/feed.js', import.meta.url);
const index = new URL('../../../dist/batch/index.js', import.meta.url);
const { BatchQueue }: typeof Batch = await import(index.href);
const { enqueue, whenRoom }: typeof Feed = await import(built.href);

afterEach(() => {
  jest.restoreAllMocks();
});

test('an item’s result or error goes to its function, with the argument given back', async () => {
  const { call, handler } = scripted();
  const queue = BatchQueue.create(handler);
  const told: unknown[] = [];
  const settled = (error: unknown, result: string | undefined, sequence: number) =>
    told.push([(error as Error | undefined)?.message, result, sequence]);
  const promised = queue.push(0);
  for (const n of [1, 2]) expect(enqueue(queue, n, settled, n * 100)).toBe(true);
  await drained();
  expect(call(0).batch.take()).toEqual([0, 1, 2]);
  call(0).resolve(['a', 'b', new Error('no')]);
  expect(await promised).toBe('a');
  expect(told).toEqual([
    [undefined, 'b', 100],
    ['no', undefined, 200],
  ]);
  expect(queue.stats()).toMatchObject({ pushed: 3, fulfilled: 2, rejected: { item: 1 } });
});

test('a handler that rejects with nothing is an error all the same', async () => {
  const { call, handler } = scripted();
  const queue = BatchQueue.create(handler);
  const told: unknown[] = [];
  enqueue(queue, 1, (error) => told.push(error), undefined);
  await drained();
  call(0).batch.take();
  call(0).reject(undefined);
  await queue.idle();
  expect(told).toEqual([expect.any(Error)]);
});

test('a full queue refuses without a trace, and tells of room after a take', async () => {
  const { call, handler } = scripted();
  const queue = BatchQueue.create(handler, { queueLimit: 2 });
  let answers = 0;
  const settled = () => {
    answers += 1;
  };
  let told = 0;
  const room = () => {
    told += 1;
  };
  expect([1, 2, 3].map((n) => enqueue(queue, n, settled, n))).toEqual([true, true, false]);
  expect(queue.stats().pushed).toBe(2);
  whenRoom(queue, room);
  await drained();
  expect(told).toBe(0);
  expect(call(0).batch.take(1)).toEqual([1]);
  expect(told).toBe(0);
  await drained();
  expect(told).toBe(1);
  expect(enqueue(queue, 3, settled, 3)).toBe(true);
  expect(call(0).batch.take()).toEqual([2, 3]);
  call(0).resolve(['a', 'b', 'c']);
  await queue.idle();
  expect([told, answers]).toEqual([1, 3]);
});

test('room that is there already is told of, though not at once', async () => {
  const queue = BatchQueue.create(() => []);
  let told = false;
  whenRoom(queue, () => {
    told = true;
  });
  expect(told).toBe(false);
  await null;
  expect(told).toBe(true);
});

test('a close tells who waits for room, refuses what comes, and answers what did not run', async () => {
  const { call, handler } = scripted();
  const queue = BatchQueue.create(handler, { queueLimit: 1 });
  const told: unknown[] = [];
  enqueue(queue, 1, (error) => told.push(error), undefined);
  await drained();
  whenRoom(queue, () => told.push('room'));
  const report = await queue.close({ timeout: 0 });
  expect(report).toEqual({ notRun: [1], unfinished: [] });
  expect(told).toEqual(['room', expect.objectContaining({ code: 'ERR_MILLRACE_CLOSED' })]);
  expect(() => enqueue(queue, 2, () => {}, undefined)).toThrow('closed');
  call(0).resolve([]);
});

test('a function that throws keeps no other item from its result, and is not lost', async () => {
  const { call, handler } = scripted();
  const queue = BatchQueue.create(handler);
  const thrown = new Error('thrown by settled');
  enqueue(
    queue,
    1,
    () => {
      throw thrown;
    },
    undefined,
  );
  const mate = queue.push(2);
  await drained();
  call(0).batch.take();
  const ticks: (() => void)[] = [];
  jest.spyOn(process, 'nextTick').mockImplementation((tick) => {
    ticks.push(tick as () => void);
  });
  call(0).resolve(['a', 'b']);
  expect(await mate).toBe('b');
  expect(ticks).toHaveLength(1);
  expect(ticks[0]).toThrow(thrown);
});
