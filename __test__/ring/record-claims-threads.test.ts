import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from '@jest/globals';
import { BatchQueue, ByteRing, native, type RecordClaim, Scheduler } from 'millrace';
import { random } from './random.js';
import type { Asked } from './record-claims-program.js';
import { closing, range } from './rings.js';

const workers: Worker[] = [];

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

function start(ring: { handle: unknown }, asked: Omit<Asked, 'handle'>): Worker {
  const workerData = { ...asked, handle: ring.handle };
  const worker = new Worker(new URL('./record-claims-program.js', import.meta.url), { workerData });
  workers.push(worker);
  return worker;
}

function records(capacity: number, producers: 'single' | 'multi') {
  const header = { n: 'u8' } as const;
  return closing(ByteRing.create({ capacity, header, stages: { read: {} } as const, producers }));
}

/** Payload bytes of a record of so many places. */
const places = (n: number) => 32 * n - 16;

test('a ring goes on when workers with a record claimed are terminated, many times', async () => {
  const ring = records(2048, 'multi');
  const [out, read] = [ring.producer(), ring.consumer('read')];
  const below = random(7);
  const seen: string[] = [];
  const consuming = (async () => {
    for await (const batch of read) {
      expect(batch.length).toBeGreaterThan(0);
      for (const { bytes } of batch) seen.push(`${bytes}`);
    }
  })();
  const expected: string[] = [];
  let recovered = 0;
  for (const life of range(0, 10)) {
    const sizes = range(0, 1 + below(4)).map(() => places(1 + below(16)));
    const worker = start(ring, { sizes, text: `life ${life}` });
    await once(worker, 'message');
    expected.push(...sizes.slice(1).map(() => `life ${life}`));
    // Behind the claim that stays open.
    for (const n of range(0, 3)) {
      expect(out.tryPublish(`behind ${life}, ${n}`)).toBe(true);
      expected.push(`behind ${life}, ${n}`);
    }
    out.flush();
    await worker.terminate();
    const before = recovered;
    ({ recovered } = ring.stats());
    // With the padding before it, where it would have crossed the end of the ring.
    expect(recovered - before).toBeGreaterThanOrEqual(((sizes.at(-1) as number) + 16) / 32);
    expect(ring.stats()).toMatchObject({ aborted: 0, lost: 0, producers: 1 });
  }
  expect((await ring.close()).abandoned).toBe(0);
  await consuming;
  expect(seen).toEqual(expected);
});

test('a single producer whose worker is terminated leaves its claim to the next one', async () => {
  const ring = records(512, 'single');
  const read = ring.consumer('read', { maxBatch: 512 });
  const worker = start(ring, { sizes: [places(3), places(8)], text: 'theirs' });
  await once(worker, 'message');
  await worker.terminate();
  expect(ring.stats()).toMatchObject({ recovered: 8, lost: 0, producers: 0 });
  const out = ring.producer();
  out.tryPublish('ours');
  out.flush();
  expect(Array.from(read.poll() ?? [], ({ bytes }) => `${bytes}`)).toEqual(['theirs', 'ours']);
});

test('a ring that closes ends when the worker with the open claim is terminated', async () => {
  const ring = records(512, 'multi');
  const [out, read] = [ring.producer(), ring.consumer('read')];
  const worker = start(ring, { sizes: [100], text: 'ghost' });
  await once(worker, 'message');
  out.tryPublish('behind');
  const ending = ring.close();
  const batches: string[][] = [];
  const consuming = (async () => {
    for await (const batch of read) batches.push(Array.from(batch, ({ bytes }) => `${bytes}`));
  })();
  await worker.terminate();
  await consuming;
  expect(batches).toEqual([['behind']]);
  expect((await ending).abandoned).toBe(0);
});

test('native stages, loops and queues see what was committed, and nothing else', async () => {
  const ring = closing(
    ByteRing.create({
      capacity: 2048,
      header: { n: 'u32', digest: 'bytes(32)' },
      stages: { digest: { writes: ['digest'] }, read: { after: ['digest'] }, feed: {} },
      producers: 'multi',
    }),
  );
  await using scheduler = Scheduler.create({ nativeWorkers: 1 });
  const done = ring.run('digest', native.hash('sha256', { to: 'digest' }), { scheduler });
  const seen: [number, boolean][] = [];
  const reading = (async () => {
    for await (const batch of ring.consumer('read')) {
      for (const { n, bytes, digest } of batch) {
        seen.push([n, createHash('sha256').update(bytes).digest().equals(digest)]);
      }
    }
  })();
  const queue = BatchQueue.create<number, number>((batch) => batch.take());
  const fed: number[] = [];
  const feeding = ring.consumer('feed').into(queue, { map: ({ n }) => fed.push(n) });
  const out = ring.producer();
  const below = random(3);
  for (let n = 0; n < 500; ) {
    using claim: RecordClaim<{ n: number }> = await out.claim(below(700));
    claim.bytes.fill(n);
    claim.header.n = n;
    if (below(3) === 0) continue;
    claim.commit(below(claim.length + 1));
    n += 1;
  }
  expect((await ring.close()).abandoned).toBe(0);
  await Promise.all([reading, done, feeding]);
  expect(seen).toEqual(range(0, 500).map((n) => [n, true]));
  expect(fed).toEqual(range(0, 500));
  expect(ring.stats().aborted).toBeGreaterThan(0);
  await queue.close();
});
