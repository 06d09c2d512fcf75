import { setTimeout } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { ByteRing, Ring, Scheduler } from 'millrace';
import {
  check,
  checkDigest,
  checkHashed,
  gossip,
  hash,
  jobs,
  long,
  longHash,
  longRecord,
  own,
  results,
  stageOf,
  write,
  writeHashed,
} from './teardown-rings.js';

/** Lives until it is terminated: consumes, publishes, and waits, in every way there is. */
const { place, sender, blocks, multi, handles } = workerData;

const heard = Ring.attach(handles.gossip, gossip);
const todo = Ring.attach(handles.jobs, jobs);
const done = Ring.attach(handles.results, results);
const mine = Ring.create({ ...own, capacity: 16, producers: multi ? 'multi' : 'single' });

const records = ByteRing.create(long);

// A thread of its own: it hashes, writes and rings while its environment ends.
const scheduler = Scheduler.create({ nativeWorkers: 1 });
for (const hashing of [
  mine.run('hash', hash, { scheduler }),
  records.run('hash', longHash, { scheduler }),
]) {
  hashing.catch(() => {});
}

interface Out<E> {
  tryPublish(fill: (event: E, sender: number) => void, sender: number): boolean;
  publish(fill: (event: E, sender: number) => void, sender: number): Promise<unknown>;
}

async function publish<E>(out: Out<E>, fill: (event: E, sender: number) => void): Promise<never> {
  for (;;) {
    for (let i = 0; i < 20; i++) out.tryPublish(fill, sender);
    await out.publish(fill, sender);
    await setTimeout(1);
  }
}

async function consume<E>(
  consumer: AsyncIterable<Iterable<E>>,
  look: (event: E) => void,
): Promise<void> {
  for await (const batch of consumer) for (const event of batch) look(event);
}

async function publishLong(): Promise<never> {
  const out = records.producer();
  for (let number = 0; ; number++) {
    const record = longRecord(number);
    await out.publish(record, (header) => {
      header.number = number;
    });
    // As many as the ring holds at a time: the hashing is what takes time, and other threads need some, too.
    if (number % 7 === 6) await setTimeout(1);
  }
}

const out = heard.producer();
const ownOut = mine.producer();
const resultsOut = done.producer();
const jobsIn = todo.consumer(stageOf(place) as 'hash');

/** All that is waited for on the event loop. */
const parts = () => [
  publish(out, write),
  publish(resultsOut, write),
  publish(ownOut, writeHashed),
  publishLong(),
  consume(jobsIn, checkHashed),
  consume(mine.consumer('here'), checkHashed),
  consume(records.consumer('here'), (record) =>
    checkDigest(record.number, record.bytes, record.digest),
  ),
];

parentPort?.postMessage('at work');
if (blocks) {
  // What is waited for on the event loop has begun to wait, and is never answered.
  parts();
  await null;
  heard.consumer(stageOf(place)).run((event, sequence) => {
    check(event);
    if (sequence % 8 === 0) out.tryPublish(write, sender);
  });
} else {
  const listen = heard.consumer(stageOf(place), { maxBatch: 10 });
  await Promise.all([...parts(), consume(listen, check)]);
}
