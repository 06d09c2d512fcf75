import { setImmediate } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { type Batch, BatchQueue } from 'millrace';
import { runScript } from '../process/run-program.js';
import { number, numbers, outcome, range } from './rings.js';

/** A queue whose handlers wait until the test settles them, one item a batch. */
function byHand(queueLimit = 100, concurrency = 16) {
  const taken: { item: number; settle: (result: string | Error) => void }[] = [];
  const handler = (batch: Batch<number>) => {
    const [item] = batch.take(1) as [number];
    return new Promise<(string | Error)[]>((resolve) => {
      taken.push({ item, settle: (result) => resolve([result]) });
    });
  };
  const queue = BatchQueue.create<number, string>(handler, { queueLimit, concurrency });
  return { queue, taken };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setImmediate();
}

function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, stop: (reason?: unknown) => controller.abort(reason) };
}

function published(count: number, capacity = 16) {
  const made = numbers(capacity);
  for (const n of range(0, count)) made.out.tryPublish(number, n);
  made.out.flush();
  const sequence = () => made.ring.stats().stages.read?.sequence;
  return { ...made, sequence };
}

test('an event is released when it and all before it have settled, badly too when somebody is told', async () => {
  const { ring, read, sequence } = published(4);
  const { queue, taken } = byHand();
  const errors: unknown[] = [];
  const failed = (error: unknown) => errors.push(error);
  const feeding = read.into(queue, { map: (event) => event.n, failed });
  await until(() => taken.length === 4);
  taken[2]?.settle('two');
  taken[1]?.settle(new Error('one'));
  await setImmediate();
  expect(sequence()).toBe(0);
  taken[0]?.settle('zero');
  await until(() => sequence() === 3);
  const closing = ring.close();
  await setImmediate();
  expect(sequence()).toBe(3);
  taken[3]?.settle('three');
  await feeding;
  expect(await closing).toEqual({ consumed: 4, abandoned: 0 });
  expect(errors).toEqual([new Error('one')]);
});

test('an item that fails with nobody told ends the feed, and its event comes again', async () => {
  const { ring, read, sequence } = published(4);
  const { queue, taken } = byHand();
  const numbers: number[] = [];
  const map = (event: { n: number }, at: number) => {
    numbers.push(at);
    return event.n;
  };
  const feeding = read.into(queue, { map });
  await until(() => taken.length === 4);
  taken[0]?.settle('zero');
  taken[1]?.settle(new Error('one'));
  taken[2]?.settle('two');
  taken[3]?.settle('three');
  await expect(feeding).rejects.toThrow('one');
  expect(numbers).toEqual([0, 1, 2, 3]);
  expect(sequence()).toBe(1);
  read.close();
  expect([...(ring.consumer('read').poll() ?? [])].length).toBe(3);
});

test('events that need no item are released in order too', async () => {
  const { read, sequence } = published(6);
  const { queue, taken } = byHand();
  const map = (event: { n: number }) => (event.n % 3 === 1 ? event.n : undefined);
  const feeding = outcome(read.into(queue, { map }));
  await until(() => taken.length === 2);
  expect(sequence()).toBe(1);
  taken[0]?.settle('one');
  await until(() => sequence() === 4);
  taken[1]?.settle('four');
  await until(() => sequence() === 6);
  read.close();
  expect(await feeding).toBe('ERR_MILLRACE_CLOSED');
});

test('a full queue holds the stage, and the producer, back', async () => {
  const { out, read, sequence } = published(4, 4);
  const { queue, taken } = byHand(2);
  const feeding = outcome(read.into(queue, { map: (event) => event.n }));
  await until(() => taken.length === 4);
  expect(out.tryPublish(number, 4)).toBe(false);
  const publishing = out.publish(number, 4);
  taken[0]?.settle('zero');
  await publishing;
  expect(sequence()).toBe(1);
  await until(() => taken.length === 5);
  for (const { settle } of taken) settle('well');
  await until(() => sequence() === 5);
  read.close();
  expect(await feeding).toBe('ERR_MILLRACE_CLOSED');
});

test('map throws: what was given to the queue settles and is released, the rest comes again', async () => {
  const { read, open, sequence } = published(8);
  const { queue, taken } = byHand();
  const map = (event: { n: number }) => {
    if (event.n === 5) throw new Error('five');
    return event.n === 4 ? undefined : event.n;
  };
  const feeding = outcome(read.into(queue, { map }));
  await until(() => taken.length === 4);
  for (const { settle } of taken.slice(1)) settle('well');
  await setImmediate();
  expect(sequence()).toBe(0);
  taken[0]?.settle('well');
  expect(await feeding).toMatchObject({ message: 'five' });
  expect(sequence()).toBe(5);
  read.close();
  expect(Array.from(open().poll() ?? [], (event) => event.n)).toEqual([5, 6, 7]);
});

test('nobody takes events beside a feed', async () => {
  const { ring, out, read } = numbers(8);
  await using queue = BatchQueue.create<number, number>((batch) => [...batch.take()]);
  const fed = read.into(queue, { map: ({ n }) => n });
  const refused = 'ERR_MILLRACE_INVALID_ARGUMENT';
  expect(() => read.poll()).toThrow(expect.objectContaining({ code: refused }));
  const others = [read.receive(), read.into(queue, { map: ({ n }) => n })];
  expect(await Promise.all(others.map(outcome))).toEqual([refused, refused]);
  for (const n of [0, 1, 2]) out.tryPublish(number, n);
  expect(await ring.close()).toEqual({ consumed: 3, abandoned: 0 });
  await fed;
  expect(read.poll()).toBeUndefined();
});

test('a queue that is closed ends the feeding, and what it did not take comes again', async () => {
  const { read, sequence } = published(3);
  const { queue, taken } = byHand();
  const feeding = outcome(
    read.into(queue, {
      map: (event) => {
        if (event.n === 2) queue.close({ timeout: 0 });
        return event.n;
      },
    }),
  );
  await until(() => taken.length === 2);
  for (const { settle } of taken) settle('well');
  expect(await feeding).toBe('ERR_MILLRACE_CLOSED');
  expect(sequence()).toBe(2);
  expect(read.poll()?.at(0)?.n).toBe(2);
});

const signals = {
  'while it sleeps': { count: 2, limit: 100, concurrency: 2 },
  'while the queue is full': { count: 6, limit: 1, concurrency: 1 },
};

test.each(Object.entries(signals))(
  'a feed that is aborted %s ends when what it gave has settled, and the rest comes again',
  async (_, { count, limit, concurrency }) => {
    const { out, read, sequence } = published(count);
    const { queue, taken } = byHand(limit, concurrency);
    const { signal, stop } = abortable();
    let ended = false;
    const feeding = outcome(read.into(queue, { map: (event) => event.n, signal })).finally(() => {
      ended = true;
    });
    await until(() => taken.length === concurrency && queue.stats().waiting === 2 - concurrency);
    await setImmediate();
    stop();
    await setImmediate();
    expect(ended).toBe(false);
    // Nothing more is taken from the ring.
    out.tryPublish(number, count);
    out.flush();
    await until(() => {
      for (const { settle } of taken) settle('well');
      return ended;
    });
    expect(await feeding).toBe('ERR_MILLRACE_ABORTED');
    expect(taken.map(({ item }) => item)).toEqual([0, 1]);
    expect(sequence()).toBe(2);
    expect(Array.from(read.poll() ?? [], ({ n }) => n)).toEqual(range(2, count + 1));
  },
);

test('a signal that is aborted before feeds nothing, and one that comes at the end changes nothing', async () => {
  const { ring, read, sequence } = published(1);
  const { queue, taken } = byHand();
  const map = (event: { n: number }) => event.n;
  const before = read.into(queue, { map, signal: AbortSignal.abort('before') });
  await expect(before).rejects.toMatchObject({ code: 'ERR_MILLRACE_ABORTED', cause: 'before' });
  const wrong = read.into(queue, { map, signal: 1 as never });
  expect(await outcome(wrong)).toBe('ERR_MILLRACE_INVALID_ARGUMENT');
  expect(sequence()).toBe(0);
  const { signal, stop } = abortable();
  const closing = ring.close();
  const feeding = read.into(queue, { map, signal });
  await until(() => taken.length === 1 && read.ended);
  await setImmediate();
  stop();
  taken[0]?.settle('well');
  await feeding;
  expect(await closing).toEqual({ consumed: 1, abandoned: 0 });
});

// The first consumer's item fails while its feed sleeps; the second is told of its own, in the same call, and closes the
// first.
const failing = `
  import { BatchQueue, Ring } from 'millrace';
  const make = () => {
    const ring = Ring.create({ fields: { n: 'u32' }, stages: { read: {} }, capacity: 4 });
    const out = ring.producer();
    const publish = () => (out.tryPublish((event) => { event.n = 1; }), out.flush());
    return { publish, read: ring.consumer('read') };
  };
  const [a, b, c] = [make(), make(), make()];
  const queue = BatchQueue.create(async (batch) => {
    const items = batch.take();
    while (a.read.stats().waits === 0) await new Promise(setImmediate);
    return items.map(() => new Error('bad'));
  });
  for (const { publish } of [a, b]) publish();
  const feeding = a.read.into(queue, { map: () => 1 }).catch(({ message }) => message);
  b.read.unref().into(queue, { map: () => 1, failed: () => a.read.close() });
  console.log(await feeding);
  setTimeout(c.publish, 50).unref();
  console.log((await c.read.receive()).length);
`;

test('a feed whose item fails as its consumer is closed lets go of the event loop once', async () => {
  expect(await runScript(failing)).toMatchObject({ code: 0, stdout: 'bad\n1\n' });
});

test('a consumer that is closed meanwhile releases nothing that has not settled', async () => {
  const { read, open, sequence } = published(3);
  const { queue, taken } = byHand();
  const feeding = outcome(read.into(queue, { map: (event) => event.n }));
  await until(() => taken.length === 3);
  read.close();
  for (const { settle } of taken) settle('late');
  expect(await feeding).toBe('ERR_MILLRACE_CLOSED');
  expect(sequence()).toBe(0);
  expect(open().poll()?.length).toBe(3);
});
