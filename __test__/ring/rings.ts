import { afterEach } from '@jest/globals';
import { type ConsumerOptions, Ring, type RingOptions, type SharedRing } from 'millrace';
import { firstSequence } from '#dist/ring/shared-ring.js';

const made = new Set<SharedRing>();

/** Has a ring let go of at the end of the test. */
export function closing<R extends SharedRing>(ring: R): R {
  made.add(ring);
  return ring;
}

afterEach(() => {
  for (const ring of made) ring.detach();
  made.clear();
});

/** A ring of numbers with one stage, its producer, and its consumer, whose batches are all that is ready. */
export function numbers(
  capacity: number,
  { maxBatch = capacity, release = 'auto', ...options }: RingOptions & ConsumerOptions = {},
) {
  const definition = Ring.define({ fields: { n: 'u32' }, stages: { read: {} } });
  const ring = closing(Ring.create({ ...definition, ...options, capacity }));
  const open = () => ring.consumer('read', { maxBatch, release });
  return { ring, out: ring.producer(), read: open(), open };
}

/** Fills an event of {@link numbers}. */
export function number(event: { n: number }, n: number): void {
  event.n = n;
}

/** The numbers of a batch. */
export const all = (batch: Iterable<{ n: number }> | undefined): number[] =>
  Array.from(batch ?? [], (event) => event.n);

/** The code a promise is rejected with, or what it resolves with. */
export const outcome = (promise: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(promise).then(
    (value) => value,
    (error) => error.code ?? error,
  );

/** `from` to `to`, without the latter. */
export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);

/** A ring whose first sequence is so many before the wrap. */
export function before<T>(distance: number, make: () => T): T {
  firstSequence.value = -distance | 0;
  try {
    return make();
  } finally {
    firstSequence.value = 0;
  }
}
