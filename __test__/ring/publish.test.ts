import { setImmediate, setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { ByteRing, Ring } from 'millrace';
import { all, closing, number, numbers, outcome, range } from './rings.js';

const kinds = ['single', 'multi'] as const;

test('a full ring takes nothing until the slowest stage has released', () => {
  const { out, read } = numbers(4);
  for (const n of range(0, 4)) expect(out.tryPublish(number, n)).toBe(true);
  expect(out.tryPublish(number, 4)).toBe(false);
  expect(all(read.poll(2))).toEqual([0, 1]);
  expect(out.tryPublish(number, 4)).toBe(false);
  expect(all(read.poll(1))).toEqual([2]);
  expect(out.tryPublish(number, 4)).toBe(true);
  expect(out.tryPublish(number, 5)).toBe(true);
  expect(out.tryPublish(number, 6)).toBe(false);
});

test('a full multi-producer ring takes what one flush holds, and publishes it when there is room', async () => {
  const { ring, out, read } = numbers(64, { producers: 'multi' });
  let n = 0;
  while (out.tryPublish(number, n)) n += 1;
  // A flush of a small ring is a quarter of it.
  expect(n).toBe(64 + 16);
  expect(ring.stats().cursor).toBe(64);
  const seen: number[] = [];
  for await (const batch of read) {
    seen.push(...all(batch));
    if (seen.length === n) break;
  }
  expect(seen).toEqual(range(0, n));
});

test.each(kinds)('%s: publish waits for room, in order', async (producers) => {
  const { ring, out, read } = numbers(4, { producers });
  const count = 500;
  const publishing = (async () => {
    for (const n of range(0, count)) await out.publish(number, n);
    await ring.close();
  })();
  const seen: number[] = [];
  for await (const batch of read) {
    seen.push(...all(batch));
    if (seen.length % 7 === 0) await setImmediate();
  }
  await publishing;
  expect(seen).toEqual(range(0, count));
});

test.each(kinds)(
  '%s: publishMany fills events by their place, however little room there is',
  async (producers) => {
    const { out, read } = numbers(8, { producers });
    const many = out.publishMany(8, (event, i, base: number) => number(event, base + i), 100);
    await many;
    const more = out.publishMany(8, (event, i) => number(event, i));
    const seen: number[] = [];
    for await (const batch of read) {
      seen.push(...all(batch));
      if (seen.length === 16) break;
    }
    await more;
    expect(seen).toEqual([...range(100, 108), ...range(0, 8)]);
    for (const n of [0, 9, 1.5, Number.NaN]) {
      expect(await outcome(out.publishMany(n, number as never))).toBe(
        'ERR_MILLRACE_INVALID_ARGUMENT',
      );
    }
  },
);

test('a wait for room ends with its signal or timeout, and takes nothing', async () => {
  const { ring, out, read } = numbers(2);
  for (const n of [0, 1]) out.tryPublish(number, n);
  const stop = new AbortController();
  const reason = new Error('enough');
  const publishing = out.publish(number, 2, { signal: stop.signal });
  const ready = out.ready({ signal: stop.signal }).then(
    () => {},
    (error) => error,
  );
  stop.abort(reason);
  await expect(publishing).rejects.toMatchObject({ code: 'ERR_MILLRACE_ABORTED', cause: reason });
  expect(await ready).toMatchObject({ code: 'ERR_MILLRACE_ABORTED' });
  expect(await outcome(out.publish(number, 2, { timeout: 5 }))).toBe('ERR_MILLRACE_TIMEOUT');
  expect(await outcome(out.ready({ timeout: 5 }))).toBe('ERR_MILLRACE_TIMEOUT');
  expect(await outcome(out.publishMany(2, number as never, 0, { timeout: 5 }))).toBe(
    'ERR_MILLRACE_TIMEOUT',
  );
  expect(ring.stats().cursor).toBe(2);
  const waiting = out.ready();
  read.poll();
  read.poll();
  await waiting;
  expect(out.tryPublish(number, 2)).toBe(true);
});

test.each(kinds)(
  '%s: what was aborted before, or is asked for with wrong options, is not accepted',
  async (producers) => {
    const { ring, out } = numbers(4, { producers });
    const bytes = closing(ByteRing.create({ capacity: 256, stages: { read: {} }, producers }));
    const records = bytes.producer();
    const [aborted, invalid] = ['ERR_MILLRACE_ABORTED', 'ERR_MILLRACE_INVALID_ARGUMENT'];
    for (const [options, code] of [
      [{ signal: AbortSignal.abort() }, aborted],
      [{ signal: 5 }, invalid],
      [{ timeout: -1 }, invalid],
      [5, invalid],
    ] as [never, string][]) {
      expect(await outcome(out.publish(number, 1, options))).toBe(code);
      expect(await outcome(out.publishMany(2, number as never, 0, options))).toBe(code);
      expect(await outcome(records.publish('x', undefined, undefined, options))).toBe(code);
    }
    // A timeout is for the wait, which this needs not.
    await out.publish(number, 1, { timeout: 0 });
    for (const producer of [out, records]) producer.flush();
    expect([ring.stats().cursor, bytes.stats().cursor]).toEqual([1, 0]);
  },
);

test('who waits for much room is not forgotten when who waits for little gets it', async () => {
  const { out, read } = numbers(2);
  for (const n of [0, 1]) out.tryPublish(number, n);
  const both = Promise.all([out.publish(number, 2), out.publish(number, 3), out.ready()]);
  const seen: number[] = [];
  for await (const batch of read) {
    seen.push(...all(batch));
    if (seen.length === 4) break;
  }
  await both;
  expect(seen).toEqual([0, 1, 2, 3]);
});

test.each(kinds)(
  '%s: what is accepted is seen at the end of the turn, when a quarter of the ring is staged, or after a flush',
  async (producers) => {
    const { ring, out } = numbers(256, { producers });
    const cursor = () => ring.stats().cursor;
    out.tryPublish(number, 0);
    await null;
    expect(cursor()).toBe(0);
    await setImmediate();
    expect(cursor()).toBe(1);
    for (const n of range(1, 64)) out.tryPublish(number, n);
    expect(cursor()).toBe(1);
    for (const n of [64, 65]) out.tryPublish(number, n);
    expect(cursor()).toBe(65);
    out.flush();
    expect(cursor()).toBe(66);
  },
);

test('waiting flushes first', async () => {
  const { ring, out, read } = numbers(8);
  const elsewhere = numbers(8);
  elsewhere.out.tryPublish(number, 1);
  expect(elsewhere.ring.stats().cursor).toBe(0);
  const waiting = outcome(read.receive({ timeout: 1 }));
  // Operations begin when they are awaited. The end of the turn comes later than microtasks.
  await null;
  expect(elsewhere.ring.stats().cursor).toBe(1);
  await waiting;
  out.tryPublish(number, 1);
  const closing = ring.close({ timeout: 0 });
  expect(ring.stats().cursor).toBe(1);
  expect(await closing).toEqual({ consumed: 0, abandoned: 1 });
});

test.each(kinds)('%s: a write that throws leaves nothing behind', async (producers) => {
  const { ring, out, read } = numbers(4, { producers });
  const broken = () => {
    throw new Error('broken');
  };
  expect(() => out.tryPublish(broken)).toThrow('broken');
  out.tryPublish(number, 1);
  expect(() => out.tryPublish(broken)).toThrow('broken');
  out.tryPublish(number, 2);
  const closing = ring.close();
  expect(all(read.poll())).toEqual([1, 2]);
  read.poll();
  expect(await closing).toEqual({ consumed: 2, abandoned: 0 });
});

test.each(kinds)('%s: a closed producer says so, and gives its seat back', async (producers) => {
  const { ring, out } = numbers(4, {
    producers,
    ...(producers === 'multi' && { maxProducers: 1 }),
  });
  expect(() => ring.producer()).toThrow('open already');
  out.tryPublish(number, 1);
  out.close();
  out.close();
  expect(ring.stats()).toMatchObject({ cursor: 1, producers: 0, lost: 0 });
  const closed = expect.objectContaining({ code: 'ERR_MILLRACE_CLOSED' });
  expect(() => out.tryPublish(number, 2)).toThrow(closed);
  expect(await outcome(out.publish(number, 2))).toBe('ERR_MILLRACE_CLOSED');
  expect(await outcome(out.ready())).toBe('ERR_MILLRACE_CLOSED');
  const next = ring.producer();
  expect(next.tryPublish(number, 2)).toBe(true);
});

test('several producers of a thread share a ring', async () => {
  const { ring, out, read } = numbers(16, { producers: 'multi' });
  const other = ring.producer();
  const publishing = [out, other].map(async (producer, which) => {
    for (const n of range(0, 200)) {
      await producer.publish(number, which * 1000 + n);
      if (n % 13 === 0) await setTimeout(0);
    }
  });
  const closing = Promise.all(publishing).then(() => ring.close());
  const seen: number[] = [];
  for await (const batch of read) seen.push(...all(batch));
  expect(seen.filter((n) => n < 1000)).toEqual(range(0, 200));
  expect(seen.filter((n) => n >= 1000)).toEqual(range(1000, 1200));
  expect(await closing).toEqual({ consumed: 400, abandoned: 0 });
});

test('a producer that is closed while the ring is full keeps its seat until all it accepted is in', async () => {
  const { ring, out, read } = numbers(4, { producers: 'multi' });
  let n = 0;
  while (out.tryPublish(number, n)) n += 1;
  out.close();
  expect(() => out.tryPublish(number, n)).toThrow('this producer is closed');
  expect(ring.stats().producers).toBe(1);
  const seen: number[] = [];
  for await (const batch of read) {
    seen.push(...all(batch));
    if (seen.length === n) break;
  }
  expect(seen).toEqual(range(0, n));
  expect(ring.stats()).toMatchObject({ producers: 0, lost: 0 });
});

test('what was accepted and can no longer be published is counted', async () => {
  const { ring, out } = numbers(4, { producers: 'multi' });
  const other = closing(Ring.attach(ring.handle));
  let n = 0;
  while (out.tryPublish(number, n)) n += 1;
  ring.detach();
  expect(other.stats()).toMatchObject({ cursor: 4, lost: n - 4, producers: 0 });
});

test('who finds room taken by others each time waits no longer than its timeout', async () => {
  const { ring, out, read } = numbers(8, { producers: 'multi', maxBatch: 1 });
  const bytes = closing(
    ByteRing.create({ capacity: 256, stages: { read: {} }, producers: 'multi' }),
  );
  const others = [ring.producer(), bytes.producer()] as const;
  const [records, reading] = [bytes.producer(), bytes.consumer('read', { maxBatch: 32 })];
  const taken = () => {
    others[0].flush();
    others[1].flush();
    while (others[0].tryPublish(number, 0));
    while (others[1].tryPublish('x'));
    return false;
  };
  taken();
  const { tryPublish } = out;
  // @ts-expect-error: what `publishMany` is made of
  const few = out.tryPublishSome;
  Object.assign(out, { tryPublish: taken, tryPublishSome: () => Number(taken()) });
  Object.assign(records, { tryPublish: taken });
  const releasing = setInterval(() => {
    read.poll();
    reading.poll();
  }, 5);
  try {
    const waits = [
      out.publish(number, 1, { timeout: 60 }),
      out.publishMany(2, number as never, 0, { timeout: 60 }),
      records.publish('y', undefined, undefined, { timeout: 60 }),
    ].map(outcome);
    const given = setTimeout(
      2000,
      waits.map(() => 'waits on'),
      { ref: false },
    );
    expect(await Promise.race([Promise.all(waits), given])).toEqual(
      waits.map(() => 'ERR_MILLRACE_TIMEOUT'),
    );
  } finally {
    clearInterval(releasing);
    Object.assign(out, { tryPublish, tryPublishSome: few });
  }
});
