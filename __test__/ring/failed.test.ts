import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from '@jest/globals';
import { MillraceError, Ring } from 'millrace';
import type { RingMemory } from '#dist/ring/ring-memory.js';
import type { ErrorKind } from './failures.js';
import { closing, number } from './rings.js';

const workers: Worker[] = [];

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

/** A ring of numbers with two stages beside each other, and one behind the first. */
function make(producers: 'single' | 'multi' = 'single') {
  const stages = { price: {}, audit: {}, behind: { after: ['price'] } } as const;
  const ring = closing(Ring.create({ fields: { n: 'u32' }, stages, capacity: 8, producers }));
  return { ring, out: ring.producer() };
}

type Made = ReturnType<typeof make>['ring'];

/** Has a worker fail in a stage, at an event that is there; what that worker was told. */
async function fail(ring: Made, stage: 'price' | 'audit', kind: ErrorKind): Promise<unknown> {
  const workerData = { handle: ring.handle, stage, kind };
  const worker = new Worker(new URL('./failure-program.js', import.meta.url), { workerData });
  workers.push(worker);
  const [seen] = await once(worker, 'message');
  return seen;
}

/** What is thrown, or rejected with. */
async function error(call: () => unknown): Promise<Error> {
  try {
    await call();
  } catch (error) {
    return error as Error;
  }
  throw new Error('it threw nothing');
}

/** The cause that this thread is told after a worker's handler has thrown. */
async function causeOf(kind: ErrorKind): Promise<unknown> {
  const { ring, out } = make();
  out.tryPublish(number, 1);
  out.flush();
  expect(await fail(ring, 'price', kind)).toEqual({
    same: true,
    isCause: true,
    isCauseAgain: true,
  });
  const { cause } = await error(() => out.publish(number, 2));
  return cause;
}

const told = {
  name: 'MillraceError',
  code: 'ERR_MILLRACE_CONSUMER_FAILED',
  message: expect.stringContaining("stage 'price'"),
  cause: expect.objectContaining({ name: 'PriceError', code: 'E_PRICE' }),
};

test.each(['single', 'multi'] as const)(
  'everyone who comes upon a failed ring is told the stage and the cause (%s)',
  async (producers) => {
    const { ring, out } = make(producers);
    const behind = (async () => {
      for await (const _ of ring.consumer('behind'));
    })();
    const behindEnds = error(() => behind);
    for (let n = 0; n < 8; n++) out.tryPublish(number, n);
    out.flush();
    // Several producers accept more than there is room for.
    const waiting = error(async () => {
      for (;;) await out.publish(number, 8);
    });
    await fail(ring, 'price', 'custom');

    const found = [
      await waiting,
      await behindEnds,
      await error(() => out.publish(number, 8)),
      await error(() => out.tryPublish(number, 8)),
      await error(() => out.ready()),
      await error(() => ring.join('late')),
    ];
    out.close();
    const late = ring.producer();
    found.push(await error(() => late.tryPublish(number, 9)));
    for (const one of found) expect(one).toMatchObject(told);
    // One error in a thread, however often it is told.
    expect(new Set(found.map((one) => one.cause)).size).toBe(1);
    await ring.close();
  },
);

test('an error keeps name, message, stack, code, causes and properties on its way to another thread', async () => {
  const cause = (await causeOf('custom')) as Error;
  expect(cause).toBeInstanceOf(Error);
  expect(cause).toMatchObject({
    name: 'PriceError',
    message: 'no such price',
    code: 'E_PRICE',
    limits: { least: 1n, most: [2, 3] },
    stack: expect.stringContaining('failures.js'),
  });
  expect(cause).not.toHaveProperty('retry');
  expect(cause.cause).toBeInstanceOf(RangeError);
  expect(cause.cause).toMatchObject({ message: 'too low', cause: { asked: -1 } });
});

test('errors of Millrace are errors of Millrace in another thread', async () => {
  const full = await causeOf('millrace');
  expect(full).toBeInstanceOf(MillraceError);
  expect(full).toMatchObject({ code: 'ERR_MILLRACE_FULL', message: 'no room' });
  const invalid = await causeOf('invalid');
  expect(invalid).toBeInstanceOf(MillraceError);
  expect(invalid).toBeInstanceOf(TypeError);
});

test('of an error that cannot travel as it is what can is told', async () => {
  const cause = (await causeOf('awkward')) as Error;
  expect(cause.message).toMatch(/^x{100,10000}$/);
  expect(cause).toMatchObject({ short: 1 });
  expect(cause).not.toHaveProperty('long');
  expect(cause).not.toHaveProperty('bad');
});

test.each([
  ['text', 'just words'],
  ['nothing', undefined],
  ['object', { reason: new Map([['a', 1]]) }],
] as const)('what is no error is the cause as it is: %s', async (kind, value) => {
  expect(await causeOf(kind)).toEqual(value);
});

test('what is no error and cannot be cloned is shown', async () => {
  expect(await causeOf('closure')).toMatchObject({
    name: 'Error',
    message: expect.stringContaining('[Function'),
  });
});

test('of two failures everyone is told the first, who failed second too', async () => {
  const { ring, out } = make();
  out.tryPublish(number, 1);
  out.flush();
  await fail(ring, 'audit', 'custom');
  expect(await fail(ring, 'price', 'text')).toEqual({
    same: true,
    isCause: false,
    isCauseAgain: false,
  });
  expect(await error(() => out.tryPublish(number, 2))).toMatchObject({
    message: expect.stringContaining("stage 'audit'"),
    cause: { name: 'PriceError' },
  });
});

test('a ring whose failure nobody knows any more is told to have failed', async () => {
  const { ring } = make();
  const { handle } = ring;
  (ring as unknown as { memory: RingMemory }).memory.fail('price', new Error('gone'));
  ring.detach();
  // As plain data it comes back as another object, of which this thread knows nothing.
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(handle);
  const [copy] = (await once(port2, 'message')).map((event) => event.data ?? event);
  port1.close();
  const again = closing(Ring.attach(copy as typeof handle));
  const failed = await error(() => again.producer().tryPublish(number, 1));
  expect(failed).toMatchObject({ code: 'ERR_MILLRACE_CONSUMER_FAILED' });
  expect(failed).not.toHaveProperty('cause');
});
