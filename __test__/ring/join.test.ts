import { setImmediate } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterEach, expect, test } from '@jest/globals';
import { ByteRing, Ring } from 'millrace';
import type { RingMemory } from '#dist/ring/ring-memory.js';
import { firstSequence } from '#dist/ring/shared-ring.js';
import { runProgram } from '../process/run-program.js';
import { all, closing, number, outcome, range } from './rings.js';

const kinds = ['single', 'multi'] as const;
const definition = Ring.define({
  fields: { n: 'u32' },
  stages: { parse: { writes: ['n'] }, store: { after: ['parse'] } },
});

afterEach(() => {
  firstSequence.value = 0;
});

function make(options: { producers?: 'single' | 'multi'; maxConsumers?: number } = {}) {
  const ring = closing(Ring.create({ ...definition, capacity: 8, ...options }));
  const out = ring.producer();
  const publish = (from: number, to: number) => {
    const accepted = range(from, to).filter((n) => out.tryPublish(number, n)).length;
    out.flush();
    return accepted;
  };
  const [parse, store] = (['parse', 'store'] as const).map((name) =>
    ring.consumer(name, { maxBatch: 8 }),
  ) as [ReturnType<typeof ring.join>, ReturnType<typeof ring.join>];
  return { ring, out, publish, parse, store };
}

/** Has a stage pass what is ready, or `max` of it. */
function pass(consumer: { poll(max?: number): unknown }, max = 8): void {
  consumer.poll(max);
  consumer.poll(1);
}

test.each(kinds)('%s: a stage begins at the oldest event, or at what comes', async (producers) => {
  const { ring, publish, parse, store } = make({ producers });
  publish(0, 4);
  parse.poll(3);
  parse.poll(1); // parse has done 0 to 2
  store.poll(1);
  store.poll(1); // store has done 0
  const join = (name: string, after: 'parse'[], from: 'now' | 'oldest') =>
    ring.join(name, { after, from, maxBatch: 8 });
  const guests = [
    join('a', [], 'oldest'),
    join('b', ['parse'], 'oldest'),
    join('c', [], 'now'),
    join('d', ['parse'], 'now'),
  ];
  publish(4, 6);
  expect(guests.map((guest) => all(guest.poll()))).toEqual([[1, 2, 3, 4, 5], [1, 2], [4, 5], []]);
  for (const consumer of [parse, store]) pass(consumer);
  expect(guests.map((guest) => all(guest.poll()))).toEqual([[], [3, 4, 5], [], [3, 4, 5]]);
  for (const guest of guests) guest.close();
});

test.each(kinds)(
  '%s: a stage that joined holds the producers back until it leaves',
  async (producers) => {
    const { ring, out, publish, parse, store } = make({ producers });
    const watch = ring.join('watch');
    publish(0, 8);
    for (const consumer of [parse, store]) pass(consumer);
    const late = out.publishMany(8, (event, i) => number(event, 8 + i));
    await setImmediate();
    expect(parse.poll()).toBeUndefined();
    watch.close();
    await late;
    out.flush();
    const seen: number[] = [];
    while (seen.length < 8) {
      seen.push(...all(parse.poll()));
      await setImmediate();
    }
    expect(seen).toEqual(range(8, 16));
  },
);

test('every way to consume is there', async () => {
  const { ring, publish, parse, store } = make();
  const one = ring.join('one', { maxBatch: 8 });
  const two = ring.join('two', { after: ['store'], release: 'manual', maxBatch: 8 });
  publish(0, 3);
  for (const consumer of [parse, store]) pass(consumer);
  expect(all(await one.receive())).toEqual([0, 1, 2]);
  expect(all(two.poll())).toEqual([0, 1, 2]);
  two.release(2);
  expect(two.stats()).toMatchObject({ joined: true, sequence: 2, lag: 1, batches: 1 });
  const ending = ring.close();
  const rest: number[] = [];
  for await (const batch of one) rest.push(...all(batch));
  expect(rest).toEqual([]);
  expect(() => one.run(() => {})).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_WOULD_BLOCK' }),
  );
  two.release(3);
  expect(await ending).toEqual({ consumed: 3, abandoned: 0 });
});

test('a stage that joined is counted under its name in every thread, and gone when it has left', () => {
  firstSequence.value = -2;
  const { ring, publish, parse, store } = make();
  publish(0, 3);
  for (const consumer of [parse, store]) pass(consumer);
  const name = 'Überwachung 👀';
  const watch = ring.join(name, { from: 'oldest' });
  publish(3, 5);
  pass(watch, 1);
  const elsewhere = closing(Ring.attach(ring.handle));
  const expected = { joined: true, sequence: 2 ** 32 + 2, lag: 1 };
  expect(elsewhere.stats().stages).toMatchObject({ parse: { joined: false }, [name]: expected });
  expect(inspect(ring)).toContain(`${name}: 1 behind`);
  watch.close();
  expect(Object.keys(elsewhere.stats().stages)).toEqual(['parse', 'store']);
  using next = ring.join('next');
  expect(next.stats()).toMatchObject({ sequence: 2 ** 32 + 3, batches: 0 });
  expect(watch.stats()).toMatchObject(expected);
  expect(() => watch.poll()).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_CLOSED' }));
});

test('a stage that joined reads only', () => {
  const { ring, publish } = make();
  publish(0, 1);
  using watch = ring.join('watch', { from: 'oldest' });
  for (const event of watch.poll() ?? []) {
    expect(() => {
      // @ts-expect-error: it owns no field
      event.n = 7;
    }).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_FIELD_OWNERSHIP' }));
  }
});

test('close waits for a stage that joined, until it is done or leaves', async () => {
  for (const leaves of [true, false]) {
    const { ring, publish, parse, store } = make();
    const watch = ring.join('watch');
    publish(0, 5);
    for (const consumer of [parse, store]) pass(consumer);
    expect(await ring.close({ timeout: 1 })).toEqual({ consumed: 0, abandoned: 5 });
    pass(watch, 2);
    const ending = ring.close();
    if (leaves) watch.close();
    else pass(watch);
    expect(await ending).toEqual({ consumed: 5, abandoned: 0 });
  }
});

test('a thread that detaches has left', () => {
  const { ring, publish, parse, store } = make();
  const elsewhere = Ring.attach(ring.handle, definition);
  elsewhere.join('watch');
  publish(0, 8);
  for (const consumer of [parse, store]) pass(consumer);
  expect(publish(8, 9)).toBe(0);
  elsewhere.detach();
  expect(publish(8, 9)).toBe(1);
});

test('who is forgotten has left, with one warning a kind; a batch and a wait keep their consumer', async () => {
  const { code, stdout } = await runProgram('../ring/forgotten-guest', [], ['--expose-gc']);
  expect(JSON.parse(stdout)).toEqual({
    producers: 0,
    seen: 1,
    spare: 1,
    left: ['read', 'spare', 'waiting', 'batch', 'iterator'],
    held: [1, 1],
    waited: 1,
    warnings: [
      'a producer was collected without close()',
      'a consumer was collected without close()',
    ],
  });
  expect(code).toBe(0);
});

test('what cannot join is refused', async () => {
  const { ring } = make({ maxConsumers: 4 });
  const join = (name: unknown, options?: object) =>
    outcome(call(() => ring.join(name as string, options)));
  const call = async (f: () => unknown) => f();
  const invalid = 'ERR_MILLRACE_INVALID_ARGUMENT';
  for (const name of ['', 'x'.repeat(49), 'ü'.repeat(25), 'a\0', '\ud800', 7, undefined, 'store']) {
    expect(await join(name)).toBe(invalid);
  }
  const options = [
    { after: ['none'] },
    { after: 'parse' },
    { from: 'then' },
    { maxBatch: 0 },
    { release: 'late' },
  ];
  for (const one of options) expect(await join('watch', one)).toBe(invalid);
  using one = ring.join('one');
  expect(await join('one')).toBe(invalid);
  // Nobody follows a stage that may leave.
  expect(await join('two', { after: ['one'] })).toBe(invalid);
  using two = ring.join('two');
  expect(await join('three')).toBe('ERR_MILLRACE_FULL');
  two.close();
  using three = ring.join('three');
  expect([one.stage, three.stage]).toEqual(['one', 'three']);
  void ring.close({ timeout: 0 });
  expect(await join('late')).toBe('ERR_MILLRACE_CLOSED');
  ring.detach();
  expect(await join('late')).toBe('ERR_MILLRACE_CLOSED');
});

test.each([1, 32, 2.5, '3'])('maxConsumers %p is refused', (maxConsumers) => {
  const options = { ...definition, capacity: 8, maxConsumers: maxConsumers as number };
  expect(() => Ring.create(options)).toThrow(TypeError);
});

test('31 stages leave no seat, as many as are declared may be all', async () => {
  const stages = Object.fromEntries(range(0, 31).map((n) => [`stage${n}`, {}]));
  const fields = { n: 'u32' } as const;
  const rings = [
    Ring.create({ fields, stages, capacity: 8 }),
    Ring.create({ ...definition, capacity: 8, maxConsumers: 2 }),
  ];
  for (const ring of rings.map(closing)) {
    expect(() => ring.join('watch')).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_FULL' }),
    );
  }
});

test('a failed ring tells who joins', () => {
  const { ring } = make();
  (ring as unknown as { memory: RingMemory }).memory.fail('read', new Error('made to'));
  expect(() => ring.join('watch')).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_CONSUMER_FAILED' }),
  );
});

test.each(kinds)('%s: a stage joins a byte ring at whole records', (producers) => {
  const ring = closing(ByteRing.create({ capacity: 1024, stages: { read: {} }, producers }));
  const out = ring.producer();
  const read = ring.consumer('read');
  for (const text of ['a'.repeat(100), 'b', 'c'.repeat(40)]) out.tryPublish(text);
  out.flush();
  pass(read, 1);
  using oldest = ring.join('oldest', { from: 'oldest' });
  using now = ring.join('now');
  out.tryPublish('d');
  out.flush();
  const texts = (batch: Iterable<{ bytes: Buffer }> | undefined) =>
    Array.from(batch ?? [], ({ bytes }) => bytes.toString()[0]);
  expect([texts(oldest.poll()), texts(now.poll())]).toEqual([['b', 'c', 'd'], ['d']]);
});
