import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { Bell } from '#dist/park/bell.js';

/** Rings as crates/park/src/doorbell.rs does; the loop is called in a turn of its own. */
function ring(bell: Bell, source: number): void {
  Atomics.or(bell.words, 2 + (source >> 5), 1 << (source & 31));
  Atomics.or(bell.words, 1, 1 << (source >> 5));
  if (Atomics.exchange(bell.words, 0, 1) === 0) setImmediate(bell.answer);
}

/** Holds this thread up, as work does. */
function work(milliseconds: number): void {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}

const all = Array.from({ length: 1024 }, (_, source) => source);

test('every source that was rung for is called once', async () => {
  const called: number[] = [];
  const bell = new Bell((source) => called.push(source));
  for (const source of all) ring(bell, source);
  while (called.length < all.length) await turn();
  await turn();
  expect(called.sort((a, b) => a - b)).toEqual(all);
});

test('sources that are always ready come as often as each other, whatever their number', async () => {
  const sources = [0, 1, 31, 32, 500, 1023];
  const counts = new Map(sources.map((source) => [source, 0]));
  let calls = 0;
  const bell = new Bell((source) => {
    counts.set(source, (counts.get(source) ?? 0) + 1);
    calls += 1;
    if (calls < 600) ring(bell, source);
    Promise.resolve().then(() => work(source === 500 ? 0.3 : 0));
  });
  for (const source of sources) ring(bell, source);
  while (calls < 600) await turn();
  const numbers = [...counts.values()];
  expect(Math.max(...numbers) - Math.min(...numbers)).toBeLessThanOrEqual(1);
});

test('slow sources let the event loop go on after 5 ms, though their work is in microtasks', async () => {
  let calls = 0;
  let since = 0;
  let most = 0;
  const bell = new Bell((source) => {
    calls += 1;
    Promise.resolve()
      .then(() => {})
      .then(() => {
        work(1);
        since += 1;
        most = Math.max(most, since);
      });
    if (calls < 300) ring(bell, source);
  });
  for (const source of all.slice(0, 100)) ring(bell, source);
  while (calls < 300) {
    await turn();
    since = 0;
  }
  // One that is slow comes by surprise, so the first is alone; then it is as many as the time allows.
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(8);
});

test('a call from native code that comes again and again in one turn does not go on for ever', async () => {
  const called: number[] = [];
  const bell = new Bell((source) => {
    called.push(source);
    work(1);
  });
  // As Node does it, up to a thousand times: what rings during the call makes the next one at once.
  let turns = 0;
  const loop = setInterval(() => turns++, 1);
  for (let n = 0; n < 100; n++) {
    Atomics.or(bell.words, 2, 1 << (n % 32));
    Atomics.or(bell.words, 1, 1);
    if (Atomics.exchange(bell.words, 0, 1) === 0) bell.answer();
    if (Atomics.load(bell.words, 0) === 1) break;
  }
  expect(called.length).toBeLessThanOrEqual(8);
  const before = called.length;
  await turn();
  // What had been left rung was found all the same.
  expect(called.length).toBe(before + 1);
  clearInterval(loop);
  expect(Atomics.load(bell.words, 0)).toBe(0);
});

test('no ring is lost, whenever it comes', async () => {
  let seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 2 ** 31);
  const told = `seed ${seed}`;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >> 8) % below;
  };
  /** Rings that no call has answered yet, by source. */
  const owed = new Set<number>();
  let left = 20_000;
  const ringSome = () => {
    for (let n = random(4); n > 0 && left > 0; n--, left--) {
      const source = random(random(2) === 0 ? 1024 : 8);
      owed.add(source);
      ring(bell, source);
    }
  };
  const bell = new Bell((source) => {
    owed.delete(source);
    ringSome();
    if (random(100) === 0) Promise.resolve().then(ringSome);
    if (random(1000) === 0) work(3);
  });
  while (left > 0) {
    ringSome();
    await turn();
  }
  for (let turns = 0; owed.size > 0 && turns < 1000; turns++) await turn();
  expect({ told, owed: [...owed] }).toEqual({ told, owed: [] });
});
