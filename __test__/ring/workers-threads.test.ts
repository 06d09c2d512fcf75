import { once } from 'node:events';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from '@jest/globals';
import { ByteRing, Ring, type RingOptions } from 'millrace';
import { firstSequence } from '#dist/ring/shared-ring.js';
import { random } from '../batch/random.js';
import { closing, outcome } from './rings.js';
import type { Work } from './work-program.js';

const threads: Worker[] = [];

afterEach(async () => {
  firstSequence.value = 0;
  await Promise.all(threads.splice(0).map((thread) => thread.terminate()));
});

const FIRST = 2 ** 32 - 500;
const CAPACITY = 256;

const fields = { n: 'u32', first: 'u32', times: 'u32', at: 'f64' } as const;
const stages = (workers: number) =>
  ({
    work: { workers, writes: ['first', 'times', 'at'] },
    behind: { after: ['work'] },
  }) as const;
type Shared = Ring<typeof fields, ReturnType<typeof stages>>;

function blank(event: { n: number; first: number; times: number }, n: number): void {
  event.n = n;
  event.first = 0;
  event.times = 0;
}

/** A ring of events whose sequences begin just before the wrap, and how to fill it. */
function events(workers: number, options: RingOptions) {
  const definition = Ring.define({ fields, stages: stages(workers) });
  const ring = closing(Ring.create({ ...definition, capacity: CAPACITY, ...options }));
  const publish = async (count: number) => {
    using out = ring.producer();
    for (let n = 0; n < count; n++) await out.publish(blank, n);
  };
  return { ring, publish };
}

/** The same with records, of one to three granules. */
function records(workers: number, options: RingOptions) {
  const made = { capacity: CAPACITY * 32, header: fields, stages: stages(workers), ...options };
  const ring = closing(ByteRing.create(made));
  const publish = async (count: number) => {
    using out = ring.producer();
    for (let n = 0; n < count; n++) {
      await out.publish(Buffer.alloc((n % 3) * 32), (record) => blank(record, n));
    }
  };
  // What these tests do with it is the same.
  return { ring: ring as unknown as Shared, publish };
}

const kinds = { events, records };

/** A ring whose stage `work` is shared by so many, and threads for them. */
function shared(workers: number, kind: keyof typeof kinds, options: RingOptions = {}) {
  firstSequence.value = FIRST | 0;
  const { ring, publish } = kinds[kind](workers, options);
  let me = 0;
  const start = async (way: Work['way'], more: Partial<Work> = {}) => {
    me += 1;
    const bytes = kind === 'records';
    const workerData = { handle: ring.handle, me, way, maxBatch: 16, bytes, ...more };
    const thread = new Worker(new URL('./work-program.js', import.meta.url), { workerData });
    threads.push(thread);
    await once(thread, 'message');
    return { thread, me: workerData.me };
  };
  return { ring, publish, start };
}

/** Every event, in order; gives those that were had more than once, by who had them first. */
async function followed(ring: Shared, kind: keyof typeof kinds) {
  const again = new Map<number, number>();
  let n = 0;
  for await (const batch of ring.consumer('behind')) {
    for (const event of batch) {
      if (event.n !== n) throw new Error(`${event.n} in place of ${n}`);
      if (event.times === 0) throw new Error(`${n} was released before a worker had it`);
      if (kind === 'events' && event.at !== FIRST + n) {
        throw new Error(`${event.at} in place of ${FIRST + n}`);
      }
      if (event.times > 1) again.set(event.first, (again.get(event.first) ?? 0) + 1);
      n += 1;
    }
  }
  return { n, again };
}

const told = async (thread: Worker) => (await once(thread, 'message'))[0] as number;
const sum = (numbers: number[]) => numbers.reduce((all, n) => all + n, 0);

test.each([
  { kind: 'events', producers: 'single', wait: 'adaptive', ways: ['run', 'run', 'run'] },
  { kind: 'events', producers: 'multi', wait: 'block', ways: ['run', 'for await', 'receive'] },
  { kind: 'records', producers: 'single', wait: 'block', ways: ['receive', 'for await', 'run'] },
  { kind: 'records', producers: 'multi', wait: 'adaptive', ways: ['run', 'run'] },
] as const)('each event goes to one worker: %p', async ({ kind, ways, ...options }) => {
  const count = 20_000;
  const { ring, publish, start } = shared(ways.length, kind, options);
  const workers = await Promise.all(ways.map((way) => start(way)));
  const counts = Promise.all(workers.map(({ thread }) => told(thread)));
  const following = followed(ring, kind);
  await publish(count);
  expect(await ring.close()).toMatchObject({ abandoned: 0 });
  expect(sum(await counts)).toBe(count);
  expect(await following).toEqual({ n: count, again: new Map() });
  expect(ring.stats().stages.work?.lag).toBe(0);
});

test('a worker that blocks is not told the end because another was faster', async () => {
  const { ring, start } = shared(2, 'events', { wait: 'block' });
  const workers = await Promise.all(
    ['waitSync', 'waitSync'].map(() => start('waitSync', { maxBatch: 1 })),
  );
  const ends = workers.map(({ thread }) =>
    Promise.race([told(thread), once(thread, 'error').then(([error]) => error)]),
  );
  const following = followed(ring, 'events');
  using out = ring.producer();
  for (let n = 0; n < 4000; n++) {
    await out.publish(blank, n);
    out.flush();
    // Both are asleep again, or about to be.
    if (n % 4 === 0) await setImmediate();
  }
  await ring.close();
  await following;
  const counts = await Promise.all(ends);
  expect(counts).toEqual([expect.any(Number), expect.any(Number)]);
  expect(sum(counts)).toBe(4000);
});

test('workers of a ring that waits by yield', async () => {
  const { ring, publish, start } = shared(2, 'events', { wait: 'yield' });
  const workers = [await start('run'), await start('run')];
  const counts = Promise.all(workers.map(({ thread }) => told(thread)));
  await publish(CAPACITY);
  const closed = ring.close({ timeout: 0 });
  expect(sum(await counts)).toBe(CAPACITY);
  await closed;
  const batch = ring.consumer('behind', { maxBatch: CAPACITY }).poll();
  expect(Array.from(batch ?? [], (event) => event.times)).toEqual(Array(CAPACITY).fill(1));
});

test.each(['events', 'records'] as const)(
  'with workers that are terminated nothing is lost, and only what they had comes again: %s',
  async (kind) => {
    const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 2 ** 31);
    const next = random(seed);
    const below = (most: number) => Math.floor(next() * most);
    const ways = ['run', 'for await', 'receive'] as const;
    const { ring, publish, start } = shared(3, kind);
    const anyone = () => start(ways[below(3)] ?? 'run', { maxBatch: 1 + below(40) });
    const working = [await anyone(), await anyone(), await anyone()];
    const following = followed(ring, kind);
    const deaths = 10;
    const count = 1_000_000;
    let published = false;
    const publishing = publish(count).then(() => {
      published = true;
    });
    const dead = new Set<number>();
    while (dead.size < deaths && !published) {
      await setTimeout(below(20));
      const at = below(3);
      const { thread, me } = working[at] as (typeof working)[0];
      dead.add(me);
      await thread.terminate();
      working[at] = await anyone();
    }
    await publishing;
    const { abandoned } = await ring.close();
    const { n, again } = await following;
    const living = [...again.keys()].filter((me) => !dead.has(me));
    expect({ seed, abandoned, n, living }).toEqual({ seed, abandoned: 0, n: count, living: [] });
    expect(dead.size).toBeGreaterThan(0);
  },
);

test('a worker that sleeps is woken for what another had when it went', async () => {
  const { ring, start } = shared(2, 'events');
  const elsewhere = closing(Ring.attach(ring.handle));
  const going = elsewhere.consumer('work');
  const out = ring.producer();
  out.tryPublish(blank, 0);
  out.flush();
  expect(going.poll()?.length).toBe(1);
  const { thread } = await start('run');
  while (ring.stats().stages.work?.waits === 0) await setTimeout(1);
  elsewhere.detach();
  const counts = told(thread);
  expect(await ring.consumer('behind').receive()).toHaveLength(1);
  await ring.close({ timeout: 0 });
  expect(await counts).toBe(1);
});

test('a worker that fails stops the ring, and no other is handed the event', async () => {
  const { ring, publish, start } = shared(3, 'events');
  const workers = [1, 2, 3].map(() => start('run', { failAt: 5000 }));
  const ends = (await Promise.all(workers)).map(async ({ thread }) => {
    const [error] = await once(thread, 'error');
    return error.code ?? error.message;
  });
  const following = outcome(followed(ring, 'events'));
  expect(await outcome(publish(1_000_000))).toBe('ERR_MILLRACE_CONSUMER_FAILED');
  expect((await Promise.all(ends)).sort()).toEqual([
    'ERR_MILLRACE_CONSUMER_FAILED',
    'ERR_MILLRACE_CONSUMER_FAILED',
    'failed at 5000',
  ]);
  expect(await following).toBe('ERR_MILLRACE_CONSUMER_FAILED');
  // Released up to the one that failed.
  expect(ring.stats().stages.work?.sequence).toBe(FIRST + 5000);
});
