import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from '@jest/globals';
import { BatchQueue, native, type Producer, Ring, Scheduler } from 'millrace';
import type { Asked } from './claims-program.js';
import { all, closing, number, numbers, range } from './rings.js';

const workers: Worker[] = [];

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

function start(ring: { handle: unknown }, asked: Omit<Asked, 'handle'>): Worker {
  const workerData = { ...asked, handle: ring.handle };
  const worker = new Worker(new URL('./claims-program.js', import.meta.url), { workerData });
  workers.push(worker);
  return worker;
}

/** A generator of numbers below a bound, the same for the same seed (mulberry32). */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Publishes numbers from `from` to `to`, with claims of which a part is used, and some that are aborted, between. */
async function publishWithGaps(out: Producer<{ n: number }>, from: number, to: number, seed = 1) {
  const below = seeded(seed);
  for (let n = from; n < to; ) {
    using claim = await out.claim(1 + below(4));
    const used = Math.min(below(claim.length + 1), to - n);
    for (let at = 0; at < used; at++) claim.at(at).n = n++;
    claim.commit(used);
    if (below(3) === 0 && n < to) await out.publish(number, n++);
  }
}

test('a ring goes on when workers with an open claim are terminated, many times', async () => {
  const { ring, out, read } = numbers(64, { producers: 'multi' });
  const below = seeded(7);
  const seen: number[] = [];
  const consuming = (async () => {
    for await (const batch of read) seen.push(...all(batch));
  })();
  let recovered = 0;
  let published = 0;
  for (let life = 0; life < 12; life++) {
    const sizes = range(0, 1 + below(4)).map(() => 1 + below(10));
    const worker = start(ring, { does: 'claim', sizes, from: 1000 * (life + 1) });
    await once(worker, 'message');
    // Behind the claim that stays open.
    for (const n of range(0, 3)) expect(out.tryPublish(number, life * 3 + n)).toBe(true);
    out.flush();
    await worker.terminate();
    const last = sizes.at(-1) as number;
    recovered += last;
    published += sizes.reduce((sum, size) => sum + size, 0) - last + 3;
    expect(ring.stats()).toMatchObject({ recovered, aborted: 0, lost: 0, producers: 1 });
  }
  expect(await ring.close()).toEqual({ consumed: published, abandoned: 0 });
  await consuming;
  expect(seen.filter((n) => n < 1000)).toEqual(range(0, 36));
  // Of the dead nothing is seen but what they had committed.
  const theirs = seen.filter((n) => n >= 1000);
  expect(theirs).toHaveLength(published - 36);
  for (const [i, n] of theirs.entries()) {
    const before = theirs[i - 1];
    expect(n === Math.floor(n / 1000) * 1000 || n === (before as number) + 1).toBe(true);
  }
});

test('a single producer whose worker is terminated leaves its claim to the next one', async () => {
  const definition = Ring.define({ fields: { n: 'u32' }, stages: { read: {} } });
  const ring = closing(Ring.create({ ...definition, capacity: 16 }));
  const read = ring.consumer('read', { maxBatch: 16 });
  const worker = start(ring, { does: 'claim', sizes: [3, 16 - 3], from: 0 });
  await once(worker, 'message');
  await worker.terminate();
  expect(ring.stats()).toMatchObject({ recovered: 13, lost: 0, producers: 0, cursor: 3 });
  const out = ring.producer();
  for (const n of range(3, 16)) expect(out.tryPublish(number, n)).toBe(true);
  out.flush();
  expect(all(read.poll())).toEqual(range(0, 16));
});

test('a ring that closes ends when the worker with the open claim is terminated', async () => {
  const { ring, out, read } = numbers(16, { producers: 'multi' });
  const worker = start(ring, { does: 'claim', sizes: [4] });
  await once(worker, 'message');
  out.tryPublish(number, 1);
  const ending = ring.close();
  const batches: number[][] = [];
  const consuming = (async () => {
    for await (const batch of read) batches.push(all(batch));
  })();
  await worker.terminate();
  await consuming;
  expect(batches).toEqual([[1]]);
  expect(await ending).toEqual({ consumed: 1, abandoned: 0 });
});

test.each([
  { run: {}, fails: [] },
  { run: { onError: 'skip' as const }, fails: [5, 6, 30, 99] },
  { run: { onError: 'retry' as const, backoff: 0 }, fails: [5, 6, 30, 99] },
])('run sees what was committed, and nothing else (%p)', async ({ run, fails }) => {
  const { ring, out, read } = numbers(64, { producers: 'multi' });
  read.close();
  const worker = start(ring, { does: 'run', run, fails });
  const told = once(worker, 'message');
  await publishWithGaps(out, 0, 500);
  const { consumed } = await ring.close();
  const [seen] = (await told) as [[n: number, sequence: number, last: boolean][]];
  expect(consumed).toBe(500);
  const skipped = new Set(run.onError === 'skip' ? fails : []);
  const numbersSeen = seen.map(([n]) => n);
  // A batch that is begun again hands out its first events again.
  const once_ = run.onError === 'retry' ? [...new Set(numbersSeen)] : numbersSeen;
  expect(once_).toEqual(range(0, 500).filter((n) => !skipped.has(n)));
  for (const [i, [, sequence, last]] of seen.entries()) {
    const next = seen[i + 1];
    // What is not the last of its batch has its neighbour behind it.
    if (!last && next && skipped.size === 0 && fails.length === 0)
      expect(next[1]).toBe(sequence + 1);
  }
  expect(ring.stats().stages.read?.skipped).toBe(skipped.size);
});

test('a batch behind slots that were given up is begun again behind them', async () => {
  const { ring, out, read } = numbers(16, { producers: 'multi' });
  read.close();
  out.tryClaim(2)?.abort();
  for (const n of [1, 2]) out.tryPublish(number, n);
  out.flush();
  const run = { onError: 'retry' as const, backoff: 0 };
  const told = once(start(ring, { does: 'run', run, fails: [2] }), 'message');
  await ring.close();
  expect(await told).toEqual([
    [
      [1, 2, false],
      [1, 2, false],
      [2, 3, true],
    ],
  ]);
});

test('a feed that has passed slots that were given up stays behind them', async () => {
  const queue = BatchQueue.create<number, number>((batch) => batch.take());
  const { ring, out, read } = numbers(16, { producers: 'multi' });
  const feeding = read.into(queue, { map: (event) => event.n });
  const reached = async (sequence: number) => {
    while (read.stats().sequence !== sequence) await setImmediate();
  };
  out.tryPublish(number, 1);
  await reached(1);
  out.tryClaim(2)?.abort();
  await reached(3);
  await ring.close();
  await feeding;
  expect(read.stats().sequence).toBe(3);
  await queue.close();
});

test('receive, for await and into see what was committed, and nothing else', async () => {
  const queue = BatchQueue.create<number, number>((batch) => batch.take());
  const ring = closing(
    Ring.create({
      ...Ring.define({
        fields: { n: 'u32' },
        stages: { each: {}, loop: {}, feed: { after: ['each'] } },
      }),
      capacity: 32,
      producers: 'multi',
    }),
  );
  const received: number[] = [];
  const looped: number[] = [];
  const fed: number[] = [];
  const each = ring.consumer('each', { maxBatch: 3 });
  const consuming = [
    (async () => {
      for (let batch = await each.receive(); batch; batch = await each.receive()) {
        received.push(...all(batch));
      }
    })(),
    (async () => {
      for await (const batch of ring.consumer('loop')) looped.push(...all(batch));
    })(),
    ring.consumer('feed').into(queue, {
      map(event) {
        fed.push(event.n);
        return event.n % 3 === 0 ? undefined : event.n;
      },
    }),
  ];
  await publishWithGaps(ring.producer(), 0, 400, 3);
  expect(await ring.close()).toEqual({ consumed: 400, abandoned: 0 });
  await Promise.all(consuming);
  for (const seen of [received, looped, fed]) expect(seen).toEqual(range(0, 400));
  for (const stage of Object.values(ring.stats().stages)) expect(stage.lag).toBe(0);
  await queue.close();
});

test('a native stage passes over what was given up', async () => {
  const ring = closing(
    Ring.create({
      fields: { n: 'u32', text: 'utf8(20)', digest: 'bytes(32)' },
      stages: { digest: { writes: ['digest'] }, read: { after: ['digest'] } },
      capacity: 32,
      producers: 'multi',
    }),
  );
  await using scheduler = Scheduler.create({ nativeWorkers: 1 });
  const hash = native.hash('sha256', { from: 'text', to: 'digest' });
  const done = ring.run('digest', hash, { scheduler });
  let wrong = 0;
  let n = 0;
  const reading = (async () => {
    for await (const batch of ring.consumer('read')) {
      for (const event of batch) {
        const digest = createHash('sha256').update(`event ${n}`).digest();
        if (event.n !== n++ || !digest.equals(event.digest)) wrong += 1;
      }
    }
  })();
  const out = ring.producer();
  for (let next = 0; next < 500; ) {
    using claim = await out.claim(1 + (next % 5));
    const used = Math.max(0, claim.length - (next % 3) * (next % 2));
    for (let at = 0; at < used; at++) {
      const event = claim.at(at);
      event.n = next + at;
      event.text = `event ${next + at}`;
    }
    if (used > 0) claim.commit(used);
    else claim.abort();
    next += used;
    if (used === 0) {
      await out.publish((event) => {
        event.n = next;
        event.text = `event ${next}`;
      });
      next += 1;
    }
  }
  const { consumed } = await ring.close();
  await Promise.all([reading, done]);
  expect({ wrong, consumed }).toEqual({ wrong: 0, consumed: n });
  expect(ring.stats().aborted).toBeGreaterThan(0);
});
