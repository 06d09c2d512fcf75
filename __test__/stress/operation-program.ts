import { parentPort, workerData } from 'node:worker_threads';
import { BatchQueue, Ring } from 'millrace';

/** Begins an operation that does not end by itself; who asked waits until it is in it, and terminates it. */
const { handle, operation } = workerData as { handle: never; operation: Operation };
const ring = Ring.attach<{ n: 'u32' }, { read: object }>(handle);

const write = (event: { n: number }) => {
  event.n = 1;
};
const told = () => parentPort?.postMessage('begun');
const forEver = () => {
  for (;;);
};

function producer({ full = true } = {}) {
  const out = ring.producer();
  for (let n = 0; full && n < ring.capacity; n++) out.tryPublish(write);
  out.flush();
  return out;
}

const read = () => ring.consumer('read', { maxBatch: 2 });

const operations = {
  publish: () => producer().publish(write),
  publishMany: () => producer().publishMany(3, write),
  ready: () => producer().ready(),
  'claim that waits': () => producer().claim(2),
  'claim that is open': async () => {
    (await producer({ full: false }).claim(2)).at(0).n = 1;
    setInterval(() => {}, 1000);
  },
  'write callback': () =>
    producer({ full: false }).tryPublish(() => {
      told();
      forEver();
    }),
  'flush into a full ring': () => {
    producer().tryPublish(write);
    setInterval(() => {}, 1000);
  },
  close: () => ring.close(),
  'for await': async () => {
    for await (const _ of read());
  },
  'for await with a batch in hand': async () => {
    for await (const _ of read()) await new Promise(() => setInterval(() => {}, 1000));
  },
  receive: () => read().receive(),
  run: () => read().run(() => {}),
  handler: () =>
    read().run(() => {
      told();
      forEver();
    }),
  backoff: () =>
    read().run(
      () => {
        told();
        throw new Error('again');
      },
      { onError: 'retry', backoff: 1 << 20 },
    ),
  waitSync: () => {
    const consumer = read();
    for (;;) if (consumer.waitSync()) consumer.poll();
  },
  into: () =>
    read().into(
      BatchQueue.create<number, number>((batch) => batch.take()),
      { map: ({ n }) => n },
    ),
  'into, unsettled': () =>
    read().into(
      BatchQueue.create<number, number>(() => new Promise(() => {})),
      { map: ({ n }) => n },
    ),
  join: async () => {
    for await (const _ of ring.join('visitor', { from: 'oldest' }));
  },
  'join that runs': () => ring.join('visitor').run(() => {}),
} as const;

export type Operation = keyof typeof operations;

const going = operations[operation];
// What blocks cannot tell afterwards.
told();
await going();
