import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from '@jest/globals';
import { ByteRing, Ring } from 'millrace';
import { firstSequence } from '#dist/ring/shared-ring.js';
import type { Failing, Seen } from './policy-program.js';
import { all, closing, numbers, outcome, range } from './rings.js';

const workers: Worker[] = [];

afterEach(async () => {
  firstSequence.value = 0;
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

const stages = { read: { writes: ['tries'] }, behind: { after: ['read'] } } as const;

/** A ring of numbers with a stage `read`, for workers, and one behind it, which sees what was released and assigned. */
function events(first = 0) {
  firstSequence.value = first;
  const fields = { n: 'u32', tries: 'u32' } as const;
  const ring = closing(Ring.create({ ...Ring.define({ fields, stages }), capacity: 16 }));
  const out = ring.producer();
  const publish = (n: number) =>
    out.publish((event, n) => {
      event.n = n;
      event.tries = 0;
    }, n);
  return { ring, out, publish, behind: ring.consumer('behind', { maxBatch: 16 }) };
}

/** The same with records, of one to three granules. */
function records(first = 0) {
  firstSequence.value = first;
  const header = { n: 'u32', tries: 'u32' } as const;
  const ring = closing(ByteRing.create({ capacity: 1024, header, stages }));
  const out = ring.producer();
  const publish = (n: number) =>
    out.publish(Buffer.alloc((n % 3) * 32 + 8), (record) => {
      record.n = n;
      record.tries = 0;
    });
  return { ring, out, publish, behind: ring.consumer('behind', { maxBatch: 32 }) };
}

type Made = ReturnType<typeof events> | ReturnType<typeof records>;
const kinds = { events, records };

function start({ ring }: Pick<Made, 'ring'>, failing: Failing, checks = '1'): Worker {
  const workerData = { handle: ring.handle, bytes: ring instanceof ByteRing, ...failing };
  const env = { ...process.env, MILLRACE_CHECK: checks };
  const worker = new Worker(new URL('./policy-program.js', import.meta.url), { workerData, env });
  workers.push(worker);
  return worker;
}

async function told(worker: Worker): Promise<Seen> {
  const [seen] = await once(worker, 'message');
  return seen;
}

/** Has a worker do the numbers below `count`, after which the ring is closed. */
async function done(made: Made, count: number, failing: Failing): Promise<Seen> {
  for (const n of range(0, count)) await made.publish(n);
  await made.ring.close({ timeout: 0 });
  return told(start(made, failing));
}

/** Numbers and tries that the stage behind sees. */
function passed({ behind }: Made): [n: number, tries: number][] {
  const seen: [number, number][] = [];
  for (let batch = behind.poll(); batch; batch = behind.poll()) {
    for (const event of batch) seen.push([event.n, event.tries]);
  }
  return seen;
}

const statistics = ({ ring }: Pick<Made, 'ring'>) => ring.stats().stages.read;

/** Rings whose sequences begin at `first`: five before the wrap, and with it five places before their end. */
const cases = [
  { kind: 'events', first: 0 },
  { kind: 'events', first: -5 },
  { kind: 'records', first: 0 },
  { kind: 'records', first: -5 },
] as const;
/** Three events, or records of one, two and three granules. */
const three = { events: 3, records: 6 };

for (const { kind, first } of cases) {
  const make = () => kinds[kind](first);
  const maxBatch = three[kind];

  test.each([
    ['in the middle', [4]],
    ['at the beginning', [3]],
    ['at the end', [5]],
    ['behind each other', [3, 4]],
    ['over a bound', [2, 3]],
    ['of a whole batch', [3, 4, 5]],
    ['all', range(0, 9)],
  ])(`skip passes ${kind} from ${first} over: %s`, async (_, fails) => {
    const made = make();
    const seen = await done(made, 9, { fails, maxBatch, run: { onError: 'skip' } });
    expect(seen).toMatchObject({ numbers: range(0, 9), lasts: [2, 5, 8] });
    expect(seen.thrown).toBeUndefined();
    expect(seen.skipped).toEqual(fails.map((n) => [`failed at ${n}`, seen.sequences[n]]));
    if (kind === 'events') {
      expect(seen.sequences).toEqual(range(0, 9).map((n) => (first >>> 0) + n));
    }
    // Released with their batch, and what the handler assigned before it threw has stayed.
    expect(passed(made)).toEqual(range(0, 9).map((n) => [n, 1]));
    expect(statistics(made)).toMatchObject({ lag: 0, skipped: fails.length, retries: 0 });
  });

  test(`retry that succeeds at the second time sees the whole batch of ${kind} from ${first} again`, async () => {
    const made = make();
    const run = { onError: 'retry', backoff: 0 } as const;
    const seen = await done(made, 9, { fails: [4, 8], times: 1, maxBatch, run });
    expect(seen.numbers).toEqual([0, 1, 2, 3, 4, 3, 4, 5, 6, 7, 8, 6, 7, 8]);
    // The first try of 8 was that of the last, too.
    expect(seen.lasts).toEqual([2, 5, 8, 8]);
    expect(seen.sequences[5]).toBe(seen.sequences[3]);
    expect(seen.thrown).toBeUndefined();
    const twice = [3, 4, 6, 7, 8];
    expect(passed(made)).toEqual(range(0, 9).map((n) => [n, twice.includes(n) ? 2 : 1]));
    expect(statistics(made)).toMatchObject({ lag: 0, skipped: 0, retries: 2 });
  });

  test(`retry that gives up stops the ring of ${kind} from ${first}, and nothing of the batch is lost`, async () => {
    const made = make();
    for (const n of range(0, 9)) await made.publish(n);
    made.out.flush();
    const run = { onError: 'retry', backoff: 0 } as const;
    const seen = await told(start(made, { fails: [4], maxBatch, run }));
    expect(seen.numbers).toEqual([0, 1, 2, 3, 4, 3, 4, 3, 4]);
    expect(seen.thrown).toBe('failed at 4');
    expect(await outcome(made.publish(9))).toBe('ERR_MILLRACE_CONSUMER_FAILED');
    expect(statistics(made)).toMatchObject({ sequence: seen.sequences[3], retries: 2 });
    expect(passed(made).map(([n]) => n)).toEqual([0, 1, 2]);
    const again = await told(start(made, { fails: [], maxBatch, run: {} }));
    expect(again.numbers).toEqual(range(3, 9));
    expect(passed(made).map(([n]) => n)).toEqual(range(3, 9));
  });
}

test('records whose batch ends with padding are passed over and begun again', async () => {
  // One and two granules, and the two that are left of the ring: the third does not fit.
  const skips = records(-5);
  const skipped = await done(skips, 4, { fails: [1], maxBatch: 4, run: { onError: 'skip' } });
  expect(skipped).toMatchObject({ numbers: [0, 1, 2, 3], lasts: [1, 3] });
  expect(skipped.skipped).toHaveLength(1);
  const retries = records(-5);
  const run = { onError: 'retry', backoff: 0 } as const;
  const retried = await done(retries, 4, { fails: [1], times: 1, maxBatch: 4, run });
  expect(retried).toMatchObject({ numbers: [0, 1, 0, 1, 2, 3], lasts: [1, 1, 3] });
});

test('what was passed over is counted exactly while others publish, and by all who do the stage', async () => {
  const made = events();
  const fails = range(0, 6000).filter((n) => n % 3 === 0);
  const failing = { fails, maxBatch: 4, run: { onError: 'skip' } } as const;
  const reading = (async () => {
    let n = 0;
    for await (const batch of made.behind) n += batch.length;
    return n;
  })();
  const worker = start(made, failing);
  for (const n of range(0, 3000)) await made.publish(n);
  made.out.flush();
  while (statistics(made)?.sequence !== 3000) await new Promise(setImmediate);
  expect(statistics(made)?.skipped).toBe(1000);
  await worker.terminate();
  const second = told(start(made, failing));
  for (const n of range(3000, 6000)) await made.publish(n);
  await made.ring.close();
  expect((await second).skipped).toHaveLength(1000);
  expect(await reading).toBe(6000);
  expect(statistics(made)).toMatchObject({ sequence: 6000, lag: 0, skipped: 2000 });
});

test('what the callback of skip throws stops the ring, and its event comes again', async () => {
  const made = events();
  for (const n of range(0, 9)) await made.publish(n);
  made.out.flush();
  const failing = { fails: [3, 4], refuses: 4, maxBatch: 3, run: { onError: 'skip' } } as const;
  const seen = await told(start(made, failing));
  expect(seen).toMatchObject({ thrown: 'refused 4', numbers: [0, 1, 2, 3, 4] });
  expect(await outcome(made.publish(9))).toBe('ERR_MILLRACE_CONSUMER_FAILED');
  expect(statistics(made)).toMatchObject({ sequence: 4, skipped: 1 });
});

test('every batch has all its attempts', async () => {
  const run = { onError: 'retry', attempts: 2, backoff: 0 } as const;
  const seen = await done(events(), 9, { fails: [0, 3, 8], times: 1, maxBatch: 3, run });
  expect(seen.numbers).toEqual([0, 0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 6, 7, 8]);
  expect(seen.thrown).toBeUndefined();
});

test('one attempt is none more', async () => {
  const made = events();
  const run = { onError: 'retry', attempts: 1 } as const;
  const seen = await done(made, 9, { fails: [4], maxBatch: 3, run });
  expect(seen).toMatchObject({ numbers: [0, 1, 2, 3, 4], thrown: 'failed at 4' });
  expect(statistics(made)).toMatchObject({ sequence: 3, retries: 0 });
});

test('the back-off before a batch is begun again is doubled each time', async () => {
  const run = { onError: 'retry', attempts: 4, backoff: 25 } as const;
  const { times } = await done(events(), 1, { fails: [0], times: 3, maxBatch: 3, run });
  const waits = times.slice(1).map((time, i) => time - (times[i] as number));
  expect(waits).toHaveLength(3);
  for (const [i, least] of [25, 50, 100].entries()) {
    expect(waits[i]).toBeGreaterThanOrEqual(least);
  }
});

test('what was released by hand does not come again within a batch that is begun again', async () => {
  const run = { onError: 'retry', backoff: 0, attempts: 2 } as const;
  const releases = [4, 4] as const;
  const made = events();
  const seen = await done(made, 9, { fails: [5], times: 1, maxBatch: 9, run, releases });
  expect(seen.numbers).toEqual([0, 1, 2, 3, 4, 5, 4, 5, 6, 7, 8]);
  expect(seen.lasts).toEqual([8]);
  expect(statistics(made)?.sequence).toBe(4);
});

test.each(['skip', 'retry'] as const)(
  '%s does not go on with the batch of a consumer that the handler closed',
  async (onError) => {
    const made = events();
    const failing = { fails: [4], closes: 4, maxBatch: 9, run: { onError, backoff: 0 } };
    const seen = await done(made, 9, failing);
    expect(seen).toMatchObject({ numbers: [0, 1, 2, 3, 4], thrown: 'failed at 4', skipped: [] });
    expect(statistics(made)).toMatchObject({ sequence: 4, skipped: 0, retries: 0 });
  },
);

for (const kind of ['events', 'records'] as const) {
  test.each<[string, (at: number) => Partial<Failing>, number]>([
    ['closed', (closes) => ({ closes }), 4],
    ['closed, released by hand', (closes) => ({ closes, releases: [6, 2] }), 2],
    ['let go of', (detaches) => ({ detaches }), 4],
  ])(
    `a consumer of ${kind} that its handler has %s ends its run, and the rest comes to the next`,
    async (_, how, next) => {
      for (const checks of ['0', '1']) {
        const made = kinds[kind]();
        // Records of one granule each.
        const numbers = range(0, 9).map((n) => n * 3);
        for (const n of numbers) await made.publish(n);
        made.out.flush();
        const at = numbers[4] as number;
        const failing = { fails: [], maxBatch: 9, run: {}, ...how(at) };
        const seen = await told(start(made, failing, checks));
        expect(seen).toMatchObject({ numbers: numbers.slice(0, 5) });
        expect(seen.thrown).toBeUndefined();
        await made.publish(27);
        await made.ring.close({ timeout: 0 });
        const again = await told(start(made, { fails: [], maxBatch: 9, run: {} }, checks));
        expect(again.numbers).toEqual([...numbers.slice(next), 27]);
      }
    },
  );
}

test('a consumer that the callback of skip has closed ends its run, and the event comes again', async () => {
  const made = events();
  for (const n of range(0, 9)) await made.publish(n);
  made.out.flush();
  const failing = { fails: [4], skipCloses: 4, maxBatch: 9, run: { onError: 'skip' } } as const;
  const seen = await told(start(made, failing));
  expect(seen).toMatchObject({ numbers: range(0, 5) });
  expect(seen.thrown).toBeUndefined();
  expect(statistics(made)).toMatchObject({ sequence: 4, skipped: 0 });
  await made.publish(9);
});

/** A worker asleep in a back-off of a minute: what its handler published before has come. */
async function backingOff(): Promise<Worker> {
  const made = events();
  const { ring, out, read } = numbers(16);
  out.close();
  await made.publish(7);
  made.out.flush();
  const run = { onError: 'retry', backoff: 60_000 } as const;
  const worker = start(made, { fails: [7], maxBatch: 3, run, copies: ring.handle });
  expect(all(await read.receive())).toEqual([7]);
  expect(statistics(made)?.retries).toBe(1);
  return worker;
}

test('a worker that backs off has flushed what it published, and ends within 300 ms', async () => {
  const took: number[] = [];
  // A busy machine may be late twice; who sleeps for the minute is late always.
  while (took.length < 3 && !(Math.min(...took) < 300)) {
    const worker = await backingOff();
    const before = performance.now();
    await worker.terminate();
    took.push(performance.now() - before);
  }
  expect(Math.min(...took)).toBeLessThan(300);
});

test.each([
  ['onError', { onError: 'ignore' as never }],
  ['skipped', { onError: 'skip', skipped: 1 as never }],
  ['attempts', { onError: 'retry', attempts: 0 }],
  ['attempts', { onError: 'retry', attempts: 1.5 }],
  ['backoff', { onError: 'retry', backoff: -1 }],
  ['backoff', { onError: 'retry', backoff: Number.NaN }],
  ['backoff', { onError: 'retry', backoff: Infinity }],
] as const)('a bad %s is refused and named: %p', (option, options) => {
  const { read } = numbers(4);
  expect(() => read.run(() => {}, options)).toThrow(
    expect.objectContaining({
      code: 'ERR_MILLRACE_INVALID_ARGUMENT',
      message: expect.stringMatching(`^${option} must be `),
    }),
  );
});
