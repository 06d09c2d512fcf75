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
