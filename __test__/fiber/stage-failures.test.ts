import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ByteRing, MillraceError, native, Ring, type RunOptions, Scheduler } from 'millrace';
import { firstSequence } from '#dist/ring/shared-ring.js';
import { closing, outcome, range } from '../ring/rings.js';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const fields = { name: 'utf8(40)', digest: 'bytes(32)' } as const;
const stages = { digest: { writes: ['digest'] }, read: { after: ['digest'] } } as const;
const work = native.hash('sha256', { from: 'name', to: 'digest' });
const schedulers: Scheduler[] = [];

afterEach(async () => {
  firstSequence.value = 0;
  for (const scheduler of schedulers.splice(0)) await scheduler.close();
});

/** A name that is found in the ring's memory. */
const nameOf = (n: number) => `name ${n} of all`;

const kinds = {
  events() {
    const ring = closing(Ring.create({ fields, stages, capacity: 64 }));
    const out = ring.producer();
    const publish = (n: number) =>
      out.tryPublish((event) => {
        event.name = nameOf(n);
      });
    return { ring, read: () => ring.consumer('read'), out, publish };
  },
  records() {
    const ring = closing(ByteRing.create({ header: fields, stages, capacity: 8192 }));
    const out = ring.producer();
    const publish = (n: number) =>
      out.tryPublish('', (header) => {
        header.name = nameOf(n);
      });
    return { ring, read: () => ring.consumer('read'), out, publish };
  },
} as const;
type Kind = keyof typeof kinds;
/** Places of an event, and of a record. */
const places = { events: 1, records: 3 };

/** A ring of ten names of which some are written past their field: those the native work fails on, until mended. */
function make(kind: Kind, broken: readonly number[], first = 0) {
  firstSequence.value = first;
  const made = kinds[kind]();
  const { memory } = made.ring.handle as unknown as { memory: SharedArrayBuffer };
  const bytes = Buffer.from(memory);
  for (const n of range(0, 10)) made.publish(n);
  const setLength = (n: number, length: number) =>
    new Uint16Array(memory, bytes.indexOf(nameOf(n)) - 2, 1).fill(length);
  for (const n of broken) setLength(n, 41);
  made.out.flush();
  const mend = (n: number) => setLength(n, nameOf(n).length);
  return { ...made, setLength, mend };
}
type Made = ReturnType<typeof make>;

function run({ ring }: Pick<Made, 'ring'>, options: RunOptions = {}): Promise<void> {
  const scheduler = Scheduler.create();
  schedulers.push(scheduler);
  return ring.run('digest', work, { scheduler, ...options });
}

/** Names that have come to the stage behind, of those whose digest is right. */
function passed({ read }: Made): string[] {
  const names: string[] = [];
  using reader = read();
  for (let batch = reader.poll(); batch; batch = reader.poll()) {
    for (const { name, digest } of batch) {
      if (digest.toString('hex') === sha256(name)) names.push(name);
    }
  }
  return names;
}

const names = (...numbers: readonly number[]) => numbers.map(nameOf);
const counts = ({ ring }: Made) => ring.stats().stages.digest;
const failure = {
  code: 'ERR_MILLRACE_INTERNAL',
  message: expect.stringMatching(/^stage 'digest': the text is 41 bytes long, in a field of 40/),
};

describe.each(['events', 'records'] as const)('%s', (kind) => {
  test('stop is the default: what was before is released, and all are told the cause', async () => {
    const made = make(kind, [4, 6]);
    await expect(run(made)).rejects.toMatchObject(failure);
    expect(passed(made)).toEqual(names(0, 1, 2, 3));
    expect(() => made.publish(10)).toThrow(
      expect.objectContaining({
        code: 'ERR_MILLRACE_CONSUMER_FAILED',
        message: expect.stringContaining("stage 'digest'"),
        cause: expect.objectContaining({
          code: 'ERR_MILLRACE_INTERNAL',
          message: expect.stringContaining('41 bytes'),
        }),
      }),
    );
    expect(counts(made)).toMatchObject({ sequence: 4 * places[kind], skipped: 0, retries: 0 });
    // The stage was given back, and goes on behind what was released.
    made.mend(4);
    await expect(run(made)).rejects.toMatchObject(failure);
    expect(passed(made)).toEqual(names(4, 5));
  });

  test.each([0, -6])('skip passes over, counts and tells, from %i', async (first) => {
    const made = make(kind, [0, 4, 5, 9], first);
    const told: [unknown, number][] = [];
    const skipped = (error: unknown, sequence: number) => told.push([error, sequence]);
    const done = run(made, { onError: 'skip', skipped });
    while (counts(made)?.lag !== 0) await turn();
    expect(counts(made)).toMatchObject({ skipped: 4, retries: 0 });
    const closed = made.ring.close();
    expect(passed(made)).toEqual(names(1, 2, 3, 6, 7, 8));
    await Promise.all([closed, done]);
    expect(told).toEqual(
      [0, 4, 5, 9].map((n) => [expect.objectContaining(failure), (first >>> 0) + n * places[kind]]),
    );
    expect(told[0]?.[0]).toBeInstanceOf(MillraceError);
  });

  test('skip needs nobody to tell', async () => {
    const made = make(kind, [3]);
    const done = run(made, { onError: 'skip' });
    const closed = made.ring.close();
    while (counts(made)?.lag !== 0) await turn();
    expect(counts(made)).toMatchObject({ skipped: 1 });
    expect(passed(made)).toHaveLength(9);
    await Promise.all([closed, done]);
  });

  test('what the callback of skip throws stops the ring, and the promise rejects with it', async () => {
    const made = make(kind, [3, 5]);
    const refusal = new Error('refused');
    let told = 0;
    const skipped = () => {
      told += 1;
      throw refusal;
    };
    await expect(run(made, { onError: 'skip', skipped })).rejects.toBe(refusal);
    expect(told).toBe(1);
    expect(() => made.publish(10)).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_CONSUMER_FAILED', cause: refusal }),
    );
  });

  test('retry begins the batch again until it succeeds', async () => {
    const made = make(kind, [4]);
    const done = run(made, { onError: 'retry', attempts: 100, backoff: 1 });
    while (counts(made)?.retries === 0) await turn();
    expect(counts(made)).toMatchObject({ sequence: 0, skipped: 0 });
    made.mend(4);
    const closed = made.ring.close();
    while (counts(made)?.lag !== 0) await turn();
    expect(passed(made)).toEqual(names(...range(0, 10)));
    await Promise.all([closed, done]);
  });

  test('retry that gives up stops the ring, and nothing of the batch is released', async () => {
    const made = make(kind, [4]);
    const done = run(made, { onError: 'retry', attempts: 3, backoff: 0 });
    await expect(done).rejects.toMatchObject(failure);
    expect(counts(made)).toMatchObject({ sequence: 0, retries: 2, skipped: 0 });
    expect(passed(made)).toEqual([]);
    expect(() => made.publish(10)).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_CONSUMER_FAILED' }),
    );
  });
});

test('a callback of skip runs in the async context of its run', async () => {
  const made = make('events', [1]);
  const context = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const skipped = () => seen.push(context.getStore());
  const done = context.run('mine', () => run(made, { onError: 'skip', skipped }));
  await made.ring.close({ timeout: 0 });
  await done;
  expect(seen).toEqual(['mine']);
});

test('a scheduler that is closed ends a stage that backs off, and the ring stays open', async () => {
  const made = make('events', [1]);
  const done = outcome(run(made, { onError: 'retry', backoff: 60_000 }));
  while (counts(made)?.retries === 0) await turn();
  for (const scheduler of schedulers.splice(0)) await scheduler.close();
  expect(await done).toBe('ERR_MILLRACE_CLOSED');
  expect(made.publish(10)).toBe(true);
  expect(counts(made)).toMatchObject({ sequence: 0, retries: 1 });
});

test.each([
  ['onError', { onError: 'ignore' as never }],
  ['skipped', { onError: 'skip', skipped: 1 as never }],
  ['attempts', { onError: 'retry', attempts: 0 }],
  ['backoff', { onError: 'retry', backoff: -1 }],
] as const)('a bad %s is refused and named: %p', async (option, options) => {
  const made = make('events', []);
  await expect(run(made, options)).rejects.toMatchObject({
    code: 'ERR_MILLRACE_INVALID_ARGUMENT',
    message: expect.stringMatching(`^${option} must be `),
  });
});
