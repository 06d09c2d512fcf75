import { setImmediate } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterEach, expect, test } from '@jest/globals';
import { BatchQueue } from 'millrace';

// Read when the package is loaded.
process.env.MILLRACE_CHECK = '1';
const { ByteRing } = await import('millrace');
const { firstSequence } = await import('#dist/ring/shared-ring.js');
const { all, closing, number, numbers, outcome, range } = await import('./rings.js');

const stale = expect.objectContaining({ code: 'ERR_MILLRACE_STALE' });
const refused = expect.objectContaining({ code: 'ERR_MILLRACE_INVALID_ARGUMENT' });

afterEach(() => {
  firstSequence.value = 0;
});

/** A ring whose stage is released by hand, three events a batch. */
function held(count: number, capacity = 16) {
  const made = numbers(capacity, { release: 'manual', maxBatch: 3 });
  for (const n of range(0, count)) made.out.tryPublish(number, n);
  made.out.flush();
  const next = () => made.read.poll() as NonNullable<ReturnType<typeof made.read.poll>>;
  return { ...made, next };
}

/** Records of one to three granules, around the end of the ring and the wrap of sequences. */
function heldRecords(count: number, capacity = 1024) {
  firstSequence.value = -5;
  const ring = closing(ByteRing.create({ capacity, header: { n: 'u32' }, stages: { read: {} } }));
  const out = ring.producer();
  const publish = (n: number) =>
    out.tryPublish(Buffer.alloc((n % 3) * 32 + 8, n), (header) => {
      header.n = n;
    });
  for (const n of range(0, count)) publish(n);
  out.flush();
  const read = ring.consumer('read', { release: 'manual', maxBatch: 4 });
  const next = () => read.poll() as NonNullable<ReturnType<typeof read.poll>>;
  return { ring, out, publish, read, next };
}

test('batches stay valid until they are released, however many are held', () => {
  const { ring, read, next } = held(9);
  const batches = [next(), next(), next()];
  expect(read.poll()).toBeUndefined();
  expect(batches.map((batch) => [batch.sequence, batch.end])).toEqual([
    [0, 3],
    [3, 6],
    [6, 9],
  ]);
  expect(batches.map(all)).toEqual([range(0, 3), range(3, 6), range(6, 9)]);
  const [first, second, third] = batches as [
    ReturnType<typeof next>,
    ReturnType<typeof next>,
    ReturnType<typeof next>,
  ];
  const [kept, later] = [first.at(1), second.at(1)];
  read.release(first.end);
  expect(ring.stats().stages.read).toMatchObject({ sequence: 3, lag: 6 });
  expect(() => all(first)).toThrow(stale);
  expect(() => first.at(0)).toThrow(stale);
  expect(() => kept?.n).toThrow(stale);
  expect(() => kept?.copy()).toThrow(stale);
  expect(inspect(kept)).toBe('an event after its step');
  expect([later?.n, all(second), all(third)]).toEqual([4, range(3, 6), range(6, 9)]);
  // What they cover is told as long as they are kept.
  expect([first.sequence, first.end, first.length]).toEqual([0, 3, 3]);
});

test('a batch that was released in part gives its rest, at the places it had', () => {
  const { read, next } = held(6);
  const batch = next();
  const second = next();
  const seen: number[] = [];
  for (const event of batch) {
    seen.push(event.n);
    read.release(event.n + 1);
    expect(() => event.n).toThrow(stale);
    if (seen.length === 2) break;
  }
  expect(seen).toEqual([0, 1]);
  expect(all(batch)).toEqual([2]);
  expect([batch.length, batch.at(2)?.n, batch.at(-1)?.n]).toEqual([3, 2, 2]);
  expect(() => batch.at(1)).toThrow(stale);
  // Two batches, and a part of the second, at once.
  read.release(4);
  expect(all(second)).toEqual([4, 5]);
});

test('an iteration that meets what was released meanwhile says so', () => {
  const { read, next } = held(3);
  const seen: number[] = [];
  const loop = () => {
    for (const event of next()) {
      seen.push(event.n);
      read.release(2);
    }
  };
  expect(loop).toThrow(stale);
  expect(seen).toEqual([0]);
});

test('held batches hold the producers back, and each release makes room', async () => {
  const { out, read, next } = held(4, 4);
  const [first, second] = [next(), next()];
  expect(out.tryPublish(number, 4)).toBe(false);
  const publishing = out.publishMany(3, (event, i) => number(event, 4 + i));
  read.release(first.end);
  await publishing;
  out.flush();
  expect(all(second)).toEqual([3]);
  expect(all(next())).toEqual([4, 5, 6]);
});

test('receive and for await give batches of their own too', async () => {
  const { read } = held(9);
  const batches = [await read.receive(), await read.receive()];
  for await (const batch of read) {
    expect([...batches, batch].map(all)).toEqual([range(0, 3), range(3, 6), range(6, 9)]);
    break;
  }
  expect.assertions(1);
});

test('leaving a loop gives back what was not released: it comes again, and the old batch is stale', async () => {
  const { ring, read, next } = held(6);
  let left: ReturnType<typeof next> | undefined;
  for await (const batch of read) {
    read.release(batch.sequence + 1);
    left = batch;
    break;
  }
  expect(ring.stats().stages.read?.sequence).toBe(1);
  const again = next();
  expect(all(again)).toEqual([1, 2, 3]);
  expect(() => left?.at(2)).toThrow(stale);
  expect(() => all(left)).toThrow(stale);
  expect(() => read.release(5)).toThrow(refused);
});

test('a loop ends when everything was handed out, and close when everything was released', async () => {
  const { ring, read } = held(6);
  const closed = ring.close();
  let ended = false;
  const watched = closed.then(() => {
    ended = true;
  });
  const batches = [];
  for await (const batch of read) batches.push(batch);
  await setImmediate();
  expect([ended, read.ended, batches.map(all)]).toEqual([
    false,
    true,
    [
      [0, 1, 2],
      [3, 4, 5],
    ],
  ]);
  read.release(6);
  await watched;
  expect(await closed).toEqual({ consumed: 6, abandoned: 0 });
});

test('closing the consumer gives the rest to the next opener, and ends what was held', () => {
  const { ring, read, next, open } = held(6);
  const batches = [next(), next()];
  const event = batches[1]?.at(0);
  read.release(2);
  read.close();
  expect(() => event?.n).toThrow(stale);
  for (const batch of batches) expect(() => all(batch)).toThrow(stale);
  expect(() => read.release(3)).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_CLOSED' }));
  expect(ring.stats().stages.read?.sequence).toBe(2);
  expect(all(open().poll())).toEqual([2, 3, 4]);
});

test.each([-1, 7, 1.5, Number.NaN, '3' as never])('release(%p) is refused', (sequence) => {
  const { ring, read, next } = held(6);
  next();
  next();
  expect(() => read.release(sequence)).toThrow('sequence must be a number from 0 to 6');
  expect(ring.stats().stages.read?.sequence).toBe(0);
});

test('records are held, released in part and found stale as events are', () => {
  const { ring, read, next } = heldRecords(12);
  const start = 2 ** 32 - 5;
  const batches = [next(), next(), next()];
  const contents = batches.map((batch) =>
    Array.from(batch, (record) => [record.n, record.sequence, record.copy()[0]]),
  );
  expect(contents.flat().map(([n]) => n)).toEqual(contents.flat().map(([, , byte]) => byte));
  const [first, second] = batches as [ReturnType<typeof next>, ReturnType<typeof next>];
  expect([first.sequence, first.end]).toEqual([start, second.sequence]);
  const [one] = second;
  const inside = contents[1]?.[1]?.[1] as number;
  read.release(inside);
  expect(ring.stats().stages.read?.sequence).toBe(inside);
  expect(() => one?.bytes).toThrow(stale);
  expect(() => one?.n).toThrow(stale);
  expect(() => all(first)).toThrow(stale);
  expect(all(second)).toEqual(contents[1]?.slice(1).map(([n]) => n));
  expect(Array.from(second, ({ sequence }) => sequence)[0]).toBe(inside);
  read.release(second.end);
  expect(() => all(second)).toThrow(stale);
});

test('a batch of records that was released in part keeps the places they had', () => {
  const { read, next } = heldRecords(6);
  const [asked, unasked] = [next(), next()];
  expect(asked.length).toBe(2);
  const second = asked.at(1) as { sequence: number };
  const { sequence } = second;
  read.release(sequence);
  expect([asked.length, asked.at(-1)?.n]).toEqual([2, 1]);
  expect(() => asked.at(0)).toThrow(stale);
  read.release(unasked.end);
  expect(() => second.sequence).toThrow(stale);
  expect(() => unasked.length).toThrow(stale);
});

test('a number within a record is no place to release up to', () => {
  // One granule, two, and two of padding before the third, which does not fit into the end of the ring.
  const { read, next } = heldRecords(3);
  const batch = next();
  const [first, second] = Array.from(batch, ({ sequence }) => sequence) as [number, number];
  expect([first, second, batch.end]).toEqual([first, first + 1, first + 5]);
  for (const inside of [second + 1, batch.end - 1]) {
    expect(() => read.release(inside)).toThrow("a number where a record begins, or a batch's end");
  }
  read.release(second);
  read.release(batch.end);
  expect(() => read.release(second)).toThrow(refused);
});

test('the end of a byte ring is passed by hand: padding belongs to what is before it', () => {
  const { out, publish, read, next } = heldRecords(0, 256);
  const seen: number[] = [];
  for (const n of range(0, 40)) {
    expect(publish(n)).toBe(true);
    out.flush();
    const batch = next();
    seen.push(...all(batch));
    read.release(batch.end);
  }
  expect(seen).toEqual(range(0, 40));
  expect(read.stats().lag).toBe(0);
});

test('into feeds what is held and not released again, and releases what settles', async () => {
  const { ring, read, next } = held(7);
  const first = next();
  next();
  read.release(2);
  const items: number[] = [];
  const queue = BatchQueue.create<number, undefined>((batch) => {
    const taken = batch.take();
    items.push(...taken);
    return taken.map(() => undefined);
  });
  const feeding = read.into(queue, { map: (event) => event.n });
  expect(() => all(first)).toThrow(stale);
  expect(await ring.close()).toEqual({ consumed: 7, abandoned: 0 });
  await feeding;
  await queue.close();
  expect(items).toEqual(range(2, 7));
});

test("with release: 'auto' an event may be released early, and leaving does not take that back", async () => {
  const { ring, out, read } = numbers(8);
  for (const n of range(0, 8)) out.tryPublish(number, n);
  out.flush();
  for await (const batch of read) {
    const [event] = batch;
    read.release(3);
    expect(() => event?.n).toThrow(stale);
    expect(all(batch)).toEqual(range(3, 8));
    for (const left of batch)
      if (left.n === 5) read.release(6);
      else if (left.n === 6) break;
    expect(ring.stats().stages.read?.sequence).toBe(6);
    for (const _ of batch) {
      read.release(7);
      break;
    }
    break;
  }
  expect(ring.stats().stages.read?.sequence).toBe(7);
  expect(await outcome(out.publish(number, 8))).toBeUndefined();
  out.flush();
  expect(all(read.poll())).toEqual([7, 8]);
});
