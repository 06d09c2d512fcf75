import { parentPort, workerData } from 'node:worker_threads';
import { BatchQueue, type ByteProducer, ByteRing, native, Ring, Scheduler } from 'millrace';

/** Begins an operation that does not end by itself; who asked waits until it is in it, and terminates it. */
const { handle, operation, records } = workerData as {
  handle: never;
  operation: Operation;
  records: boolean;
};
type Stages = { read: object };
type Numbers = { n: 'u32' };
// The same operations, but for those that records have not.
const ring = records
  ? (ByteRing.attach(handle) as unknown as Ring<Numbers, Stages>)
  : Ring.attach<Numbers, Stages>(handle);
const places = records ? ring.capacity / 32 : ring.capacity;

const write = (event: { n: number }) => {
  event.n = 1;
};
const told = () => parentPort?.postMessage('begun');
/** A turn of the event loop that does not end. */
const stay = (): never => {
  told();
  for (;;);
};
const keepAlive = () => setInterval(() => {}, 1000);

/** A producer of events, or of records of a place each. */
function producer({ full = true } = {}) {
  const events = ring.producer();
  const bytes = events as unknown as ByteProducer<{ n: number }>;
  const out = {
    tryPublish: (fill: typeof write) =>
      records ? bytes.tryPublish('record', fill) : events.tryPublish(fill),
    publish: () => (records ? bytes.publish('record', write) : events.publish(write)),
    ready: (length = 6) => (records ? bytes.ready(length) : events.ready()),
    longest: bytes.maxPayload,
  };
  for (let n = 0; full && n < places; n++) out.tryPublish(write);
  events.flush();
  return Object.assign(out, { events });
}

const read = () => ring.consumer('read', { maxBatch: 2 });

const operations = {
  publish: () => producer().publish(),
  publishMany: () => producer().events.publishMany(3, write),
  'publishMany, in its callback': () =>
    producer({ full: false }).events.publishMany(3, (_, index) => {
      if (index === 1) stay();
    }),
  ready: async () => producer().ready(),
  'ready for a long record': async () => {
    const out = producer();
    await out.ready(out.longest);
  },
  'claim that waits': () => producer().events.claim(2),
  'claim that is open': async () => {
    (await producer({ full: false }).events.claim(2)).at(0).n = 1;
    keepAlive();
  },
  'write callback': () => producer({ full: false }).tryPublish(() => stay()),
  'accepted and not flushed': () => {
    const out = producer({ full: false });
    for (let n = 0; n < 3; n++) out.tryPublish(write);
    stay();
  },
  'flush into a full ring': () => {
    producer().tryPublish(write);
    keepAlive();
  },
  close: () => ring.close(),
  'for await': async () => {
    for await (const _ of read());
  },
  'for await with a batch in hand': async () => {
    for await (const _ of read()) await new Promise(keepAlive);
  },
  receive: () => read().receive(),
  run: () => read().run(() => {}),
  handler: () => read().run(() => stay()),
  backoff: () =>
    read().run(
      () => {
        told();
        throw new Error('again');
      },
      { onError: 'retry', backoff: 1 << 20 },
    ),
  'skipped callback': () =>
    read().run(
      () => {
        throw new Error('passed over');
      },
      { onError: 'skip', skipped: () => stay() },
    ),
  'poll with a batch in hand': () => {
    read().poll();
    keepAlive();
  },
  'batches held by hand': () => {
    const consumer = ring.consumer('read', { maxBatch: 2, release: 'manual' });
    consumer.poll();
    consumer.poll();
    keepAlive();
  },
  waitSync: () => {
    const consumer = read();
    for (;;) if (consumer.waitSync()) consumer.poll();
  },
  into: () =>
    read().into(
      BatchQueue.create<number, number>((batch) => batch.take()),
      { map: ({ n }) => n },
    ),
  'into, in its map': () =>
    read().into(
      BatchQueue.create<number, number>((batch) => batch.take()),
      { map: () => stay() },
    ),
  'into, unsettled': () =>
    read().into(
      BatchQueue.create<number, number>(() => new Promise(() => {})),
      { map: ({ n }) => n },
    ),
  'native stage': () =>
    ring.run('read', native.hash('sha256', { ...(records ? {} : { from: 'raw' }), to: 'tag' }), {
      scheduler: Scheduler.create(),
    }),
  join: async () => {
    for await (const _ of ring.join('visitor', { from: 'oldest' }));
  },
  'join that runs': () => ring.join('visitor').run(() => {}),
} as const;

export type Operation = keyof typeof operations;

const going = operations[operation];
// What blocks cannot tell afterwards. What is to be lost exactly has to be there when this is told.
if (operation !== 'accepted and not flushed') told();
await going();
