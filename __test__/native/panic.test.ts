import { expect, test } from '@jest/globals';
import { MillraceError, Ring } from 'millrace';
import { binding } from '#dist/native/binding.js';
import { environment } from '#dist/park/environment.js';
import { nativeError } from '#dist/ring/native-error.js';

/** What a call of the binding throws. */
function thrown(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  throw new Error('it threw nothing');
}

// No facade gives native code a seat or a stage that does not exist, so the binding is called past them.
test('a panic in a native call is an exception that becomes ERR_MILLRACE_INTERNAL, and the ring goes on', () => {
  const ring = Ring.create({
    fields: { n: 'u32' },
    stages: { read: {} },
    capacity: 4,
    producers: 'multi',
  });
  const out = ring.producer();
  const consumer = ring.consumer('read');
  const { memory } = ring.handle as unknown as { memory: SharedArrayBuffer };
  const handle = binding.attachRing(environment, new Int32Array(memory));
  const panics = [
    () => binding.setConsumerWaker(environment, handle, 99, 1),
    () => binding.leaveStage(handle, 99),
    () => binding.leaveProducer(handle, 99),
  ];
  for (const call of panics) {
    const cause = thrown(call);
    expect(cause.message).toContain('index out of bounds');
    const error = nativeError(cause, 'the ring');
    expect(error).toBeInstanceOf(MillraceError);
    expect(error).toMatchObject({
      code: 'ERR_MILLRACE_INTERNAL',
      message: expect.stringMatching(/^the ring: .*index out of bounds/),
      cause,
    });
  }
  // No lock was poisoned.
  out.tryPublish((event) => {
    event.n = 7;
  });
  out.flush();
  expect(consumer.poll()?.at(0)?.n).toBe(7);
  binding.detachRing(handle);
  ring.detach();
});

/** Has a facade's object give native code something else than it was made with. */
function pretend(object: unknown, key: string, value: number): void {
  Object.defineProperty(object, key, { value });
}

test('a flush that panics throws ERR_MILLRACE_INTERNAL', () => {
  const ring = Ring.create({
    fields: { n: 'u32' },
    stages: { read: {} },
    capacity: 64,
    producers: 'multi',
  });
  const out = ring.producer();
  const { seat } = out as unknown as { seat: { index: number } };
  const { index } = seat;
  out.tryPublish(() => {});
  pretend(seat, 'index', 99);
  expect(() => out.flush()).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_INTERNAL' }));
  pretend(seat, 'index', index);
  ring.detach();
});

test('what native code refuses to wake, to close or to leave throws an error with a code', async () => {
  const ring = Ring.create({ fields: { n: 'u32' }, stages: { read: {} }, capacity: 4 });
  const out = ring.producer();
  const read = ring.consumer('read');
  const waiting = Promise.resolve(read.receive());
  await new Promise(setImmediate);
  const { memory } = ring as unknown as { memory: { handle: number } };
  const { handle } = memory;
  out.tryPublish(() => {});
  pretend(memory, 'handle', 2 ** 31);
  const coded = expect.objectContaining({ name: 'MillraceError', code: 'ERR_MILLRACE_CLOSED' });
  expect(() => out.flush()).toThrow(coded);
  await expect(ring.close()).rejects.toEqual(coded);
  expect(() => read.close()).toThrow(coded);
  pretend(memory, 'handle', handle);
  await expect(waiting).rejects.toMatchObject({ code: 'ERR_MILLRACE_CLOSED' });
  ring.detach();
});
