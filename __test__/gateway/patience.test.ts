import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { Database } from '../../examples/gateway/database/database.js';
import { Deferred } from '../../examples/gateway/deferred.js';
import { Patience } from '../../examples/gateway/patience.js';

const TIMEOUT = 5000;

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

/** A database that is away until it comes. */
class Absent implements Database {
  available = false;
  readonly generation = 1;
  readonly #came = new Deferred<void>();

  come(): void {
    this.available = true;
    this.#came.resolve();
  }

  whenAvailable(): Promise<void> {
    return this.#came.promise;
  }

  async execute(): Promise<never> {
    throw new Error('not asked for');
  }

  async close(): Promise<void> {}
}

/** What `whenUsable` says, and after how many milliseconds. */
async function outcome(patience: Patience): Promise<{ usable: boolean; after: number }> {
  const since = performance.now();
  let told: { usable: boolean; after: number } | undefined;
  void patience.whenUsable().then((usable) => {
    told = { usable, after: performance.now() - since };
  });
  while (told === undefined) await jest.advanceTimersByTimeAsync(1);
  return told;
}

test('the first command waits as long as the timeout says, and with it those that came by then', async () => {
  const patience = new Patience(new Absent(), TIMEOUT);
  patience.add(performance.now());
  patience.add(performance.now());
  await jest.advanceTimersByTimeAsync(1000);
  patience.add(performance.now());
  expect(await outcome(patience)).toEqual({ usable: false, after: 4000 });
  expect(patience.countLate()).toBe(2);
  patience.remove(2);
  expect(await outcome(patience)).toEqual({ usable: false, after: 1000 });
  expect(patience.countLate()).toBe(1);
});

test('a database that comes back ends the wait', async () => {
  const database = new Absent();
  const patience = new Patience(database, TIMEOUT);
  patience.add(performance.now());
  setTimeout(() => database.come(), 3000);
  expect(await outcome(patience)).toEqual({ usable: true, after: 3000 });
  expect(patience.countLate()).toBe(0);
});

test('what is taken from the ring while the gateway drains has waited since that began', async () => {
  const patience = new Patience(new Absent(), TIMEOUT);
  patience.drain(60_000, () => {});
  await jest.advanceTimersByTimeAsync(4000);
  patience.add(performance.now());
  expect(await outcome(patience)).toEqual({ usable: false, after: 1000 });
  expect(patience.countLate()).toBe(1);
});

test('at the end of the drain nothing waits, and what comes is not tried', async () => {
  const database = new Absent();
  const patience = new Patience(database, TIMEOUT);
  let over = 0;
  patience.drain(2000, () => over++);
  patience.add(performance.now());
  expect(await outcome(patience)).toEqual({ usable: false, after: 2000 });
  expect({ over, late: patience.countLate() }).toEqual({ over: 1, late: 1 });
  database.come();
  expect(await outcome(patience)).toEqual({ usable: false, after: expect.any(Number) });
});
