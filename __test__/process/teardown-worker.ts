import { setTimeout } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Ring, Scheduler } from 'millrace';
import { check, gossip, hash, jobs, own, results, stageOf, write } from './teardown-rings.js';

/** Lives until it is terminated: consumes, publishes, and waits, in every way there is. */
const { place, sender, blocks, multi, handles } = workerData;

const heard = Ring.attach(handles.gossip, gossip);
const todo = Ring.attach(handles.jobs, jobs);
const done = Ring.attach(handles.results, results);
const mine = Ring.create({ ...own, capacity: 16, producers: multi ? 'multi' : 'single' });

// A thread of its own for every fourth: it writes and rings while its environment ends.
const scheduler = sender % 4 === 0 ? Scheduler.create() : undefined;
if (scheduler) mine.run('hash', hash, { scheduler }).catch(() => {});

const outs = [heard.producer(), done.producer(), mine.producer()] as const;
const consumers = [todo.consumer(stageOf(place) as 'hash'), mine.consumer('here')] as const;

async function publish(out: (typeof outs)[number]): Promise<never> {
  for (;;) {
    for (let i = 0; i < 20; i++) out.tryPublish(write, sender);
    await out.publish(write, sender);
    await setTimeout(1);
  }
}

async function consume(consumer: (typeof consumers)[number]): Promise<void> {
  for await (const batch of consumer) for (const event of batch) check(event);
}

parentPort?.postMessage('at work');
if (blocks) {
  // What is waited for on the event loop has begun to wait, and is never answered.
  for (const out of outs) publish(out);
  for (const consumer of consumers) consume(consumer);
  await null;
  const [out] = outs;
  heard.consumer(stageOf(place)).run((event, sequence) => {
    check(event);
    if (sequence % 8 === 0) out.tryPublish(write, sender);
  });
} else {
  const listen = heard.consumer(stageOf(place), { maxBatch: 10 });
  await Promise.all([...outs.map(publish), ...consumers.map(consume), consume(listen as never)]);
}
