import { inspect } from 'node:util';
import { afterEach, expect, jest, test } from '@jest/globals';
import { Ring } from 'millrace';
import { closing, number, numbers, range } from './rings.js';

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
