import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Ring, Scheduler } from 'millrace';
import { binding } from '#dist/native/binding.js';
import { environment } from '#dist/park/environment.js';
import { random } from '../batch/random.js';
import {
  check,
  gossip,
  hash,
  jobs,
  places,
  results,
  stageOf,
  write,
  writeHashed,
} from './teardown-rings.js';

/**
 * Starts and terminates workers at random moments, several alive at a time, and prints what is left: run by
 * teardown.test.ts as `teardown-load.js SEED WORKERS WARM_UP`, with --expose-gc.
 */
const [seed, total, warmUp] = process.argv.slice(2).map(Number) as [number, number, number];
const next = random(seed);

const multi = { producers: 'multi', maxProducers: 32 } as const;
const rings = {
  jobs: Ring.create({ ...jobs, capacity: 64 }),
  gossip: Ring.create({ ...gossip, ...multi, capacity: 128 }),
  results: Ring.create({ ...results, ...multi, capacity: 256 }),
};
const handles = Object.fromEntries(
  Object.entries(rings).map(([name, ring]) => [name, ring.handle]),
);
const ended = new AbortController();

async function publishJobs(): Promise<void> {
  using out = rings.jobs.producer();
  while (!ended.signal.aborted) {
    for (let i = 0; i < 10; i++) out.tryPublish(writeHashed, 0);
    await setTimeout(1);
  }
}

let received = 0;
async function consumeResults(): Promise<void> {
  using consumer = rings.results.consumer('main');
  const { signal } = ended;
  while (!signal.aborted) {
    // Aborted in the middle of a wait, at the end.
    const batch = await consumer.receive({ signal }).then(
      (batch) => batch,
      () => [],
    );
    for (const event of batch ?? []) {
      check(event);
      received += 1;
    }
  }
}

/** One worker's life. */
async function live(place: number, sender: number): Promise<void> {
  const worker = new Worker(new URL('./teardown-worker.js', import.meta.url), {
    workerData: { place, sender, handles, blocks: next() < 0.3, multi: next() < 0.5 },
  });
  worker.on('error', (error) => {
    console.error(`worker ${sender}:`, error);
    process.exitCode = 1;
  });
  // A few before they run or while they start, most in the middle of their work.
  const early = next() < 0.2;
  if (!early) await once(worker, 'message');
  await setTimeout(next() * 40);
  await worker.terminate();
}

let started = 0;
async function fill(place: number, until: number): Promise<void> {
  while (started < until) {
    started += 1;
    await live(place, started);
  }
}

async function liveUntil(count: number): Promise<number> {
  await Promise.all(Array.from({ length: places }, (_, place) => fill(place, count)));
  globalThis.gc?.();
  await setTimeout(20);
  return process.memoryUsage.rss() / 2 ** 20;
}

type AnyRing = Ring<typeof gossip.fields, Record<string, object>>;

/** Sender of the events that are published when every worker is gone. */
const last = 0xffffffff;
const count = 1000;

async function consumeLast(ring: AnyRing, stage: string): Promise<number> {
  using consumer = ring.consumer(stage);
  let seen = 0;
  for await (const batch of consumer) {
    for (const event of batch) {
      check(event);
      if (event.sender === last) seen += 1;
    }
    if (seen >= count) break;
  }
  return seen;
}

/** Every seat is free again, and what is published from now on arrives everywhere. */
async function use(ring: AnyRing, stages: string[]) {
  const seats = ring.stats().producers;
  const seen = stages.map((stage) => consumeLast(ring, stage));
  using out = ring.producer();
  for (let i = 0; i < count; i++) await out.publish(write, last);
  const arrived = await Promise.all(seen);
  return { seats, whole: arrived.every((n) => n === count), ...(await ring.close()) };
}

const scheduler = Scheduler.create({ nativeWorkers: 2 });
const hashing = rings.jobs.run('hash', hash, { scheduler });
const publishing = publishJobs();
const consuming = consumeResults();
const warm = await liveUntil(warmUp);
const end = await liveUntil(total);
ended.abort();
await Promise.all([publishing, consuming]);
const everywhere = Array.from({ length: places }, (_, place) => stageOf(place));
const again = [
  await use(rings.jobs, everywhere),
  await use(rings.gossip, everywhere),
  await use(rings.results as AnyRing, ['main']),
];
await hashing;
await scheduler.close();
const [regions] = binding.environmentStats(environment);
const lost = rings.gossip.stats().lost + rings.results.stats().lost;
console.log(JSON.stringify({ started, received, lost, warm, end, regions, rings: again }));
