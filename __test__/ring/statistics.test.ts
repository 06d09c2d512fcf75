import { setImmediate } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterEach, expect, jest, test } from '@jest/globals';
import { Ring } from 'millrace';
import { layout as L } from '#dist/ring/layout.js';
import { all, before, closing, number, numbers, range } from './rings.js';

let now = 0;

/** A clock that stands still unless the test moves it. */
function clock() {
  now = 1000;
  return jest.spyOn(performance, 'now').mockImplementation(() => now);
}

afterEach(() => {
  jest.restoreAllMocks();
});

test('throughput is what was released a second, between two looks through the same object', () => {
  clock();
  const { ring, out, read } = numbers(16);
  const other = closing(Ring.attach(ring.handle));
  const throughput = (of: typeof other | typeof ring) => of.stats().stages.read?.throughput;
  const consume = (count: number) => {
    for (const n of range(0, count)) out.tryPublish(number, n);
    out.flush();
    while (read.poll());
  };
  expect([throughput(ring), read.stats().throughput]).toEqual([0, 0]);
  consume(10);
  now += 500;
  // From when the ring was made; a second look at the same moment tells the same.
  expect([throughput(ring), throughput(ring)]).toEqual([20, 20]);
  consume(5);
  now += 500;
  expect(throughput(ring)).toBe(10);
  // Each object has a span of its own.
  expect([throughput(other), read.stats().throughput]).toEqual([15, 15]);
  now += 1000;
  expect([throughput(ring), throughput(other), read.stats().throughput]).toEqual([0, 0, 0]);
});

test('a stage that joins again under its name is another, and has released nothing yet', () => {
  clock();
  const { ring, out, read } = numbers(16);
  const throughput = () => ring.stats().stages.watch?.throughput;
  const first = ring.join('watch', { maxBatch: 16 });
  for (const n of range(0, 10)) out.tryPublish(number, n);
  out.flush();
  expect(throughput()).toBe(0);
  first.poll();
  first.poll();
  now += 1000;
  expect(throughput()).toBe(10);
  first.close();
  // In the same seat, and further behind.
  using again = ring.join('watch', { from: 'oldest', maxBatch: 16 });
  now += 1000;
  expect(throughput()).toBe(0);
  for (const consumer of [read, again]) while (consumer.poll());
  now += 2000;
  expect(throughput()).toBe(5);
});

test('a sequence that wraps while another thread looks is told exactly', () => {
  const { ring, out, read } = before(2, () => numbers(4));
  for (const n of range(0, 2)) out.tryPublish(number, n);
  out.flush();
  // The cursor stood just before the wrap when it was looked at, and behind it a moment later.
  const { memory } = ring.handle as unknown as { memory: SharedArrayBuffer };
  const words = new Int32Array(memory);
  const [value, wraps] = [L.CURSOR_CELL, L.CURSOR_CELL + L.CELL_WRAPS];
  expect([words[value], words[wraps]]).toEqual([0, 1]);
  Object.assign(words, { [value]: -1, [wraps]: 0 });
  const { load } = Atomics;
  const looks = jest.spyOn(Atomics, 'load').mockImplementation(((array: Int32Array, at: number) => {
    const found = load(array, at);
    if (at === value) Object.assign(words, { [value]: 0, [wraps]: 1 });
    return found;
  }) as typeof load);
  expect(ring.stats().cursor).toBe(2 ** 32);
  looks.mockRestore();
  expect(all(read.poll())).toEqual([0, 1]);
});

test('wakes are counted by who makes them, and so are those that nobody needed', async () => {
  const { ring, out, read } = numbers(4, { wait: 'block' });
  const counts = () => {
    const { wakes, elided, stages } = ring.stats();
    return [wakes, elided, stages.read?.wakes, stages.read?.elided];
  };
  const publish = (count: number) => {
    for (const n of range(0, count)) out.tryPublish(number, n);
    out.flush();
  };
  expect(counts()).toEqual([0, 0, 0, 0]);
  publish(1);
  expect(counts()).toEqual([0, 1, 0, 0]);
  while (read.poll());
  expect(counts()).toEqual([0, 1, 0, 1]);
  const received = read.receive().then(all);
  await setImmediate();
  publish(4);
  // A ring of four slots flushes each event by itself; the first woke who waited.
  expect(counts()).toEqual([1, 4, 0, 1]);
  expect(await received).toEqual(range(0, 4));
  const room = out.publish(number, 4);
  while (read.poll());
  expect(counts()).toEqual([1, 4, 1, 1]);
  await room;
});

test('what is held does not count as passed, and printing is no look', () => {
  clock();
  const { ring, out, read } = numbers(16, { release: 'manual' });
  for (const n of range(0, 8)) out.tryPublish(number, n);
  out.flush();
  read.poll();
  now += 1000;
  expect(read.stats().throughput).toBe(0);
  read.release(6);
  now += 2000;
  for (const object of [ring, read]) inspect(object);
  expect(read.stats()).toMatchObject({ throughput: 3, lag: 2 });
  expect(ring.stats().stages.read?.throughput).toBe(2);
});
