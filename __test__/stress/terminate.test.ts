import { once } from 'node:events';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, test } from '@jest/globals';
import { type ByteProducer, ByteRing, Ring, type RingOptions } from 'millrace';
import { number, outcome } from '../ring/rings.js';
import { long } from './budget.js';
import type { Operation } from './operation-program.js';

const producing: readonly Operation[] = [
  'publish',
  'publishMany',
  'publishMany, in its callback',
  'ready',
  'ready for a long record',
  'claim that waits',
  'claim that is open',
  'write callback',
  'accepted and not flushed',
  'flush into a full ring',
];
const consuming: readonly Operation[] = [
  'for await',
  'for await with a batch in hand',
  'receive',
  'run',
  'handler',
  'backoff',
  'skipped callback',
  'poll with a batch in hand',
  'batches held by hand',
  'waitSync',
  'into',
  'into, in its map',
  'into, unsettled',
  'native stage',
];
/** Those in which the worker has something and has released nothing: all comes again. */
const inHand: readonly Operation[] = [
  'handler',
  'backoff',
  'skipped callback',
  'poll with a batch in hand',
  'batches held by hand',
  'into, in its map',
  'into, unsettled',
];
/** What only events have. */
const ofEvents: readonly Operation[] = [
  'publishMany',
  'publishMany, in its callback',
  'claim that waits',
  'claim that is open',
];
const ofRecords: readonly Operation[] = ['ready for a long record'];
/** What waits without an event loop, which only rings whose consumers sleep can wake. */
const withoutLoop: readonly Operation[] = [
  'publish',
  'ready',
  'run',
  'handler',
  'backoff',
  'skipped callback',
  'poll with a batch in hand',
  'batches held by hand',
  'waitSync',
  'native stage',
  'join that runs',
  'close',
];
const beside: readonly Operation[] = ['join', 'join that runs', 'close'];

/** Of several, the fastest tells what the library takes, and the others what the machine does meanwhile. */
const tries = long ? 50 : 3;

interface Case {
  readonly operation: Operation;
  readonly producers: 'single' | 'multi';
  readonly workers: number;
  readonly records: boolean;
  readonly wait: NonNullable<RingOptions['wait']>;
}

/** A ring of four events, or of four records of a place each; of many, where some are to stay unflushed. */
function make({ operation, producers, workers, records, wait }: Case) {
  const fields = { n: 'u32', raw: 'bytes(4)', tag: 'bytes(4)' } as const;
  const read = workers > 0 ? { workers } : { writes: ['tag' as const] };
  const options = { stages: { read }, producers, maxProducers: 1, wait };
  const places = operation === 'accepted and not flushed' ? 64 : 4;
  return records
    ? ByteRing.create({ ...options, header: fields, capacity: places * 32 })
    : Ring.create({ ...options, fields, capacity: places });
}

/** Terminates a worker in an operation, and holds the ring to its promises; milliseconds that `terminate()` took. */
async function terminated(one: Case) {
  const { operation, producers, records, wait } = one;
  const ring = make(one) as Ring<{ n: 'u32' }, { read: object }>;
  try {
    let published = 0;
    const publish = async (count: number) => {
      using out = ring.producer();
      const bytes = out as unknown as ByteProducer<{ n: number }>;
      for (let n = 0; n < count; n++) {
        if (records) await bytes.publish('record', number, n, { timeout: 20_000 });
        else await out.publish(number, n, { timeout: 20_000 });
      }
      published += count;
    };
    if (consuming.includes(operation)) await publish(3);
    const workerData = { handle: ring.handle, operation, records };
    const worker = new Worker(new URL('./operation-program.js', import.meta.url), { workerData });
    await once(worker, 'message');
    // In it by then, or on the way: both have to do.
    await setTimeout(Math.random() * 100);
    const since = performance.now();
    await worker.terminate();
    const took = performance.now() - since;

    const before = ring.stats();
    expect(before).toMatchObject({ producers: 0 });
    expect(Object.keys(before.stages)).toEqual(['read']);
    const seen = (async () => {
      let count = 0;
      const consumer = ring.consumer('read');
      if (wait !== 'yield' && wait !== 'spin') {
        for await (const batch of consumer) for (const _ of batch) count += 1;
      }
      for (; !consumer.ended; await setImmediate()) {
        for (const _ of consumer.poll() ?? []) count += 1;
      }
      // The last batch may be in hand when nothing more will come.
      consumer.close();
      return count;
    })();
    const code = await outcome(publish(8));
    // Who closes may not have come to that.
    expect(operation === 'close' ? [undefined, 'ERR_MILLRACE_CLOSED'] : [undefined]).toContain(
      code,
    );
    const { consumed, abandoned } = await ring.close({ timeout: 20_000 });
    const { lost, recovered, aborted, cursor, stages } = ring.stats();
    const left = before.stages.read?.sequence ?? 0;
    expect({ abandoned, lag: stages.read?.lag, aborted }).toEqual({
      abandoned: 0,
      lag: 0,
      aborted: 0,
    });
    expect(cursor).toBe(consumed + (producers === 'multi' ? recovered : 0));
    expect(await seen).toBe(consumed - left);
    if (inHand.includes(operation)) expect(left).toBe(0);
    if (operation === 'accepted and not flushed') {
      expect({ lost, published: published - consumed }).toEqual({ lost: 3, published: 0 });
    }
    if (!producing.includes(operation))
      expect({ published, lost }).toEqual({ published: consumed, lost: 0 });
    return took;
  } finally {
    ring.detach();
    await setImmediate();
  }
}

const cases = (['single', 'multi'] as const).flatMap((producers) => {
  const all = [...producing, ...consuming, ...beside];
  const shared = consuming.filter((operation) => operation !== 'native stage');
  const events = { producers, workers: 0, records: false, wait: 'adaptive' } as const;
  const records = { ...events, records: true };
  const one = (options: Omit<Case, 'operation'>) => (operation: Operation) => ({
    operation,
    ...options,
  });
  return [
    ...all.filter((operation) => !ofRecords.includes(operation)).map(one(events)),
    ...shared.map(one({ ...events, workers: 2 })),
    ...all.filter((operation) => !ofEvents.includes(operation)).map(one(records)),
    ...shared.map(one({ ...records, workers: 2 })),
    ...withoutLoop.map(one({ ...events, wait: producers === 'single' ? 'yield' : 'spin' })),
  ];
});

test.each(cases)(
  'a worker terminated in $operation ($producers, $workers sharing, records: $records, $wait) leaves a ring that goes on',
  async (one) => {
    const took: number[] = [];
    for (let i = 0; i < tries; i++) took.push(await terminated(one));
    expect(Math.min(...took)).toBeLessThan(300);
  },
  long ? 600_000 : 60_000,
);
