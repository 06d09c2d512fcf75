import { once } from 'node:events';
import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { inspect } from 'node:util';
import { expect, test } from '@jest/globals';
import { BatchQueue } from 'millrace';
import { all, number, numbers, outcome, range } from './rings.js';

function filled(count: number, options: Parameters<typeof numbers>[1] = {}) {
  const made = numbers(16, options);
  for (const n of range(0, count)) made.out.tryPublish(number, n);
  made.out.flush();
  return made;
}

test('leaving by break releases what was passed; the rest comes again', async () => {
  const { ring, read } = filled(10);
  for await (const batch of read) {
    for (const event of batch) if (event.n === 3) break;
    break;
  }
  expect(ring.stats().stages.read).toMatchObject({ sequence: 3, lag: 7 });
  const seen: number[] = [];
  for await (const batch of read) {
    seen.push(...all(batch));
    break;
  }
  expect(seen).toEqual(range(3, 10));
  expect(ring.stats().stages.read).toMatchObject({ sequence: 10, lag: 0 });
});

test('leaving by throw releases what was passed; the rest comes again to the next opener', async () => {
  const { read, open } = filled(10);
  const loop = async () => {
    for await (const batch of read) {
      for (const event of batch) if (event.n === 6) throw new Error('six');
    }
  };
  await expect(loop()).rejects.toThrow('six');
  read.close();
  expect(all(open().poll())).toEqual(range(6, 10));
});

test('leaving before the first event releases none', async () => {
  const { read } = filled(3);
  for await (const _ of read) break;
  expect(all(read.poll())).toEqual([0, 1, 2]);
});

test("with release: 'manual' only what was released is gone", async () => {
  const { ring, read, open } = filled(10, { release: 'manual', maxBatch: 4 });
  const firsts: number[] = [];
  for await (const batch of read) {
    firsts.push(batch.sequence);
    if (batch.sequence === 4) read.release(6);
    if (batch.sequence === 8) break;
  }
  expect(firsts).toEqual([0, 4, 8]);
  expect(ring.stats().stages.read?.sequence).toBe(6);
  expect(() => read.release(5)).toThrow('a number from 6 to 6');
  expect(all(read.poll())).toEqual(range(6, 10));
  read.release(7);
  expect(() => read.release(11)).toThrow(TypeError);
  read.close();
  const next = open();
  expect(all(next.poll())).toEqual(range(7, 10).slice(0, 4));
});

test('poll gives at most what is asked for, and releases at the next step', () => {
  const { ring, read } = filled(5, { maxBatch: 3 });
  const batch = read.poll();
  expect([batch?.length, batch?.sequence]).toEqual([3, 0]);
  expect([batch?.at(0)?.n, batch?.at(-1)?.n, batch?.at(3), batch?.at(-4)]).toEqual([
    0,
    2,
    undefined,
    undefined,
  ]);
  expect(ring.stats().stages.read?.lag).toBe(5);
  expect(all(read.poll(1))).toEqual([3]);
  expect(all(read.poll(100))).toEqual([4]);
  expect(read.poll()).toBeUndefined();
  expect(ring.stats().stages.read?.lag).toBe(0);
  for (const max of [0, -1, 1.5]) expect(() => read.poll(max)).toThrow(TypeError);
});

test('a batch can be gone through again while it is valid', () => {
  const { read } = filled(3);
  const batch = read.poll();
  expect([all(batch), all(batch)]).toEqual([
    [0, 1, 2],
    [0, 1, 2],
  ]);
});

test('receive waits for a batch; one that loses has taken nothing', async () => {
  const { out, read } = numbers(4);
  expect(await outcome(read.receive({ timeout: 5 }))).toBe('ERR_MILLRACE_TIMEOUT');
  const stop = new AbortController();
  const lost = outcome(read.receive({ signal: stop.signal }));
  out.tryPublish(number, 7);
  out.flush();
  stop.abort();
  expect(await lost).toBe('ERR_MILLRACE_ABORTED');
  expect(all(await read.receive())).toEqual([7]);
  const waiting = read.receive().then(all);
  out.tryPublish(number, 8);
  expect(await waiting).toEqual([8]);
});

test('an operation that nobody awaits takes nothing', () => {
  const { read } = filled(1);
  read.receive();
  expect(all(read.poll())).toEqual([0]);
});

test('a consumer waits once at a time', async () => {
  const { read } = numbers(4);
  const first = outcome(read.receive({ timeout: 20 }));
  expect(await outcome(read.receive())).toBe('ERR_MILLRACE_INVALID_ARGUMENT');
  expect(await first).toBe('ERR_MILLRACE_TIMEOUT');
});

test('two waits begun together do not end each other: the second is refused, ready or not', async () => {
  const { read } = filled(2);
  const [first, second] = [read.receive(), read.receive()];
  const outcomes = await Promise.all([first.then(all), outcome(second)]);
  expect(outcomes).toEqual([[0, 1], 'ERR_MILLRACE_INVALID_ARGUMENT']);
});

test('a step of a loop beside somebody who waits is refused, ready or not, and takes nothing', async () => {
  const { ring, out, read } = numbers(8);
  const [one, other] = [read[Symbol.asyncIterator](), read[Symbol.asyncIterator]()];
  const refused = 'ERR_MILLRACE_INVALID_ARGUMENT';
  for (const wait of [() => one.next(), () => read.receive()]) {
    const waiting = Promise.resolve(wait());
    // An operation begins when it is awaited.
    await undefined;
    const sleeping = [other.next(), read.receive()].map(outcome);
    out.tryPublish(number, 7);
    out.flush();
    // What is ready now is for who waited first, and has not heard of it.
    const ready = [other.next(), read.receive()].map(outcome);
    expect(await Promise.all([...sleeping, ...ready])).toEqual(Array(4).fill(refused));
    const told = await waiting;
    expect(all(told && 'done' in told ? told.value : told)).toEqual([7]);
  }
  // Nobody waits any more, however the last wait ended.
  expect(await outcome(read.receive({ timeout: 0 }))).toBe('ERR_MILLRACE_TIMEOUT');
  await ring.close();
  expect(await other.next()).toEqual({ done: true, value: undefined });
});

test('steps begun together do not end each other: the second is refused, however it is made', async () => {
  const { ring, out, read } = numbers(8, { maxBatch: 2 });
  const [one, other] = [read[Symbol.asyncIterator](), read[Symbol.asyncIterator]()];
  const refused = 'ERR_MILLRACE_INVALID_ARGUMENT';
  await using queue = BatchQueue.create<number, number>((batch) => [...batch.take()]);
  for (const n of range(0, 8)) out.tryPublish(number, n);
  out.flush();
  // From the second on what is ready is given at once.
  for (const first of [0, 2, 4, 6]) {
    const given = one.next();
    const others = [one.next(), other.next(), read.into(queue, { map: ({ n }) => n })];
    expect(() => read.poll()).toThrow(expect.objectContaining({ code: refused }));
    expect(await Promise.all(others.map(outcome))).toEqual(Array(3).fill(refused));
    expect(all((await given).value)).toEqual([first, first + 1]);
  }
  expect(read.poll()).toBeUndefined();
  expect(ring.stats().stages.read?.lag).toBe(0);
});

test('a poll does not take what somebody was promised', async () => {
  const { read } = filled(2);
  let seen: number[] | undefined;
  const receiving = read.receive().then((batch) => {
    seen = all(batch);
  });
  expect(() => read.poll()).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_INVALID_ARGUMENT' }),
  );
  await receiving;
  expect(seen).toEqual([0, 1]);
  expect(read.poll()).toBeUndefined();
});

test('leaving a loop ends the step that is waited for, which has taken nothing', async () => {
  const { out, read } = numbers(8);
  const loop = read[Symbol.asyncIterator]();
  const step = loop.next();
  expect(await loop.return?.()).toEqual({ done: true, value: undefined });
  for (const n of [0, 1]) out.tryPublish(number, n);
  out.flush();
  expect(all(read.poll())).toEqual([0, 1]);
  expect(await step).toEqual({ done: true, value: undefined });
  // Left is left.
  expect(await loop.next()).toEqual({ done: true, value: undefined });
  expect(read.poll()).toBeUndefined();
});

test('leaving a loop whose step has found something gives that back', async () => {
  const { out, read } = numbers(8);
  const loop = read[Symbol.asyncIterator]();
  const step = loop.next();
  await setTimeout(0);
  out.tryPublish(number, 0);
  out.flush();
  await loop.return?.();
  await step;
  expect(all(read.poll())).toEqual([0]);
});

test('leaving one loop leaves the wait of another', async () => {
  const { out, read } = numbers(8);
  const [one, other] = [read[Symbol.asyncIterator](), read[Symbol.asyncIterator]()];
  const step = one.next();
  await other.return?.();
  out.tryPublish(number, 0);
  out.flush();
  expect(all((await step).value)).toEqual([0]);
});

test('a stream that is destroyed while it waits for a batch takes none', async () => {
  const { out, read } = numbers(8);
  const stream = Readable.from(read);
  stream.resume();
  await setTimeout(0);
  stream.destroy();
  await once(stream, 'close');
  out.tryPublish(number, 0);
  out.flush();
  await setTimeout(0);
  expect(all(read.poll())).toEqual([0]);
});

test('timers run while a loop finds something every time', async () => {
  const { out, read } = numbers(4);
  let late = false;
  const timer = setTimeout(1).then(() => {
    late = true;
  });
  const since = performance.now();
  out.tryPublish(number, 1);
  for await (const _ of read) {
    if (late || performance.now() - since > 5000) break;
    // Not flushed yet: nothing is there when the loop looks first.
    out.tryPublish(number, 1);
  }
  expect(late).toBe(true);
  await timer;
});

test('timers run while receive finds something every time', async () => {
  const { out, read } = numbers(4);
  let late = false;
  const timer = setTimeout(1).then(() => {
    late = true;
  });
  const since = performance.now();
  while (!late && performance.now() - since < 5000) {
    out.tryPublish(number, 1);
    await read.receive();
  }
  expect(late).toBe(true);
  await timer;
});

test('a stage is open once at a time', () => {
  const { read, open } = filled(2);
  expect(open).toThrow("stage 'read' is open already");
  read.close();
  read.close();
  expect(() => read.poll()).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_CLOSED' }));
  expect(all(open().poll())).toEqual([0, 1]);
});

test('run is refused where it would block the main thread', () => {
  const { ring, read } = filled(1);
  expect(() => read.run(() => {})).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_WOULD_BLOCK' }),
  );
  expect(ring.stats().stages.read?.lag).toBe(1);
});

test.each(['yield', 'spin'] as const)(
  "a ring that waits by '%s' is polled, not awaited",
  async (wait) => {
    const { out, read } = numbers(4, { wait });
    expect(await outcome(read.receive())).toBe('ERR_MILLRACE_INVALID_ARGUMENT');
    out.tryPublish(number, 1);
    out.flush();
    // Also where something is ready, so that it is seen at the first try.
    expect(await outcome(read[Symbol.asyncIterator]().next())).toBe(
      'ERR_MILLRACE_INVALID_ARGUMENT',
    );
    await using queue = BatchQueue.create<number, number>((batch) => [...batch.take()]);
    const fed = read.into(queue, { map: ({ n }) => n });
    expect(await outcome(fed)).toBe('ERR_MILLRACE_INVALID_ARGUMENT');
    expect(all(read.poll())).toEqual([1]);
  },
);

test('a consumer that is closed leaves its stage alone, whatever it is asked for', async () => {
  const { ring, out, read, open } = numbers(16, { producers: 'multi' });
  const loop = read[Symbol.asyncIterator]();
  read.close();
  const next = open();
  // Who looks passes over what was given up, and brings the stage's sequence to there.
  out.tryClaim(4)?.abort();
  for (const n of [1, 2]) out.tryPublish(number, n);
  out.flush();
  expect(all(next.poll())).toEqual([1, 2]);
  next.poll();
  const { sequence } = ring.stats().stages.read as { sequence: number };
  const asked = [() => read.receive(), () => loop.next(), async () => read.poll()];
  const outcomes = asked.map((ask) => outcome(ask()));
  expect(await Promise.all(outcomes)).toEqual(Array(3).fill('ERR_MILLRACE_CLOSED'));
  expect([read.ended, ring.stats().stages.read?.sequence]).toEqual([true, sequence]);
});

test.each([{ maxBatch: 0 }, { maxBatch: 1.5 }, { release: 'sometimes' as never }])(
  'options %p are refused',
  (options) => {
    const { read, ring } = numbers(4);
    read.close();
    expect(() => ring.consumer('read', options)).toThrow(TypeError);
    // And leave the stage free.
    ring.consumer('read');
  },
);

test('rings, producers and consumers print what matters', () => {
  const { ring, out, read } = filled(3);
  expect(inspect(ring)).toBe('Ring { capacity: 16, cursor: 3, read: 3 behind }');
  expect(inspect(out)).toBe('SingleProducer { staged: 0, open: true }');
  expect(inspect(read)).toBe("Consumer { stage: 'read', sequence: 0, lag: 3 }");
});

test('unless said otherwise a batch is at most a quarter of the ring: the producers go on behind it', () => {
  const { ring, out, read } = numbers(16);
  read.close();
  for (const n of range(0, 16)) out.tryPublish(number, n);
  out.flush();
  const next = ring.consumer('read');
  expect(all(next.poll())).toEqual(range(0, 4));
  expect(all(next.poll())).toEqual(range(4, 8));
});
