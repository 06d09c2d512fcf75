import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { all, before, number, numbers, range } from './rings.js';

const kinds = ['single', 'multi'] as const;

test.each(kinds)('%s: sequences that users see go on behind the wrap', (producers) => {
  const { ring, out, read } = before(3, () => numbers(4, { producers }));
  const seen: number[] = [];
  const sequences: number[] = [];
  for (const n of range(0, 10)) {
    out.tryPublish(number, n);
    out.flush();
    const batch = read.poll();
    sequences.push(batch?.sequence as number);
    seen.push(...all(batch));
  }
  read.poll();
  expect(seen).toEqual(range(0, 10));
  expect(sequences).toEqual(range(2 ** 32 - 3, 2 ** 32 + 7));
  expect(ring.stats()).toMatchObject({
    cursor: 2 ** 32 + 7,
    stages: { read: { sequence: 2 ** 32 + 7, lag: 0 } },
  });
});

test.each(kinds)('%s: a ring that is full across the wrap is full', (producers) => {
  const { out, read } = before(2, () => numbers(4, { producers }));
  for (const n of range(0, 4)) out.tryPublish(number, n);
  out.flush();
  expect(all(read.poll())).toEqual([0, 1, 2, 3]);
  read.poll();
  for (const n of range(4, 8)) out.tryPublish(number, n);
  out.flush();
  out.tryPublish(number, 8);
  out.flush();
  expect(read.stats().lag).toBe(4);
  expect(all(read.poll())).toEqual([4, 5, 6, 7]);
});

test.each(kinds)('%s: releasing by hand works across the wrap', (producers) => {
  const { out, read } = before(2, () => numbers(8, { producers, release: 'manual' }));
  for (const n of range(0, 6)) out.tryPublish(number, n);
  out.flush();
  const batch = read.poll();
  expect(batch?.sequence).toBe(2 ** 32 - 2);
  read.release(2 ** 32 + 1);
  expect(read.stats().lag).toBe(3);
  expect(() => read.release(2 ** 32)).toThrow(TypeError);
});

test.each(kinds)('%s: a closed ring ends at the wrap', async (producers) => {
  const { ring, out, read } = before(2, () => numbers(4, { producers }));
  for (const n of range(0, 2)) out.tryPublish(number, n);
  const closing = ring.close();
  const seen: number[] = [];
  for await (const batch of read) seen.push(...all(batch));
  expect(seen).toEqual([0, 1]);
  expect(await closing).toMatchObject({ abandoned: 0 });
});

type Step = { kind: 'publish' | 'many' | 'poll' | 'flush' | 'release'; n: number };

/**
 * Any sequence of publishing, polling and releasing, on rings of any size that start anywhere around the wrap, against a
 * list.
 */
test.each(kinds)('%s: batches are what a list would give', (producers) => {
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom('publish', 'many', 'poll', 'flush', 'release'),
    n: fc.integer({ min: 1, max: 20 }),
  });
  const inputs = {
    steps: fc.array(step, { maxLength: 120 }),
    capacity: fc.constantFrom(2, 4, 8, 16),
    distance: fc.integer({ min: 0, max: 40 }),
    maxBatch: fc.integer({ min: 1, max: 20 }),
    release: fc.constantFrom('auto' as const, 'manual' as const),
  };
  fc.assert(
    fc.property(fc.record(inputs), ({ steps, capacity, distance, maxBatch, release }) => {
      const { ring, out, read } = before(distance, () =>
        numbers(capacity, { producers, maxBatch, release }),
      );
      const first = distance === 0 ? 0 : 2 ** 32 - distance;
      let accepted = 0;
      let handed = 0;
      let released = 0;
      const releaseUpTo = (n: number) => {
        released = n;
        if (release === 'manual') read.release(first + n);
      };
      for (const { kind, n } of steps) {
        if (kind === 'publish') {
          const room = accepted - released < capacity;
          const taken = out.tryPublish(number, accepted);
          if (producers === 'single') expect(taken).toBe(room);
          if (taken) accepted += 1;
        } else if (kind === 'many') {
          for (let i = 0; i < n && out.tryPublish(number, accepted); i++) accepted += 1;
        } else if (kind === 'flush') {
          out.flush();
        } else if (kind === 'release') {
          if (release === 'manual') releaseUpTo(Math.min(handed, released + n));
        } else {
          if (release === 'auto') released = handed;
          const published = ring.stats().cursor - first;
          expect(published - released).toBeLessThanOrEqual(capacity);
          const batch = read.poll(n);
          const count = batch?.length ?? 0;
          // What came since the consumer last looked may wait until it has taken what it saw then.
          expect(count).toBeLessThanOrEqual(Math.min(published - handed, n));
          expect(count > 0).toBe(published > handed);
          expect(all(batch)).toEqual(range(handed, handed + count));
          if (batch) expect(batch.sequence).toBe(first + handed);
          handed += count;
        }
        expect(read.stats().sequence).toBe(first + released);
      }
      ring.detach();
    }),
    { numRuns: 300 },
  );
});
