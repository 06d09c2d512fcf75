import { setImmediate } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { ByteRing, Ring } from 'millrace';
import { binding } from '#dist/native/binding.js';
import type { RingMemory } from '#dist/ring/ring-memory.js';
import { all, closing, number, numbers } from './rings.js';

const kinds = ['single', 'multi'] as const;

test.each(kinds)(
  '%s: a closed producer flushes nothing of who has its seat now',
  async (producers) => {
    const { ring, out, read } = numbers(16, { producers, maxProducers: 1 });
    out.tryPublish(number, 1);
    out.close();
    const next = ring.producer();
    next.tryPublish(number, 2);
    out.flush();
    expect([ring.stats().cursor, out.staged, next.staged]).toEqual([1, 0, 1]);
    await setImmediate();
    expect(ring.stats().cursor).toBe(2);
    next.tryPublish(number, 3);
    out.close();
    expect(ring.stats()).toMatchObject({ cursor: 2, producers: 1, lost: 0 });
    next.flush();
    expect(all(read.poll())).toEqual([1, 2, 3]);
  },
);

test.each(kinds)(
  '%s: a closed producer of records flushes nothing of its successor',
  (producers) => {
    const ring = closing(
      ByteRing.create({ capacity: 1024, stages: { read: {} }, producers, maxProducers: 1 }),
    );
    const read = ring.consumer('read', { maxBatch: 1024 });
    const out = ring.producer();
    out.tryPublish('a');
    out.close();
    const next = ring.producer();
    next.tryPublish('b');
    const { cursor } = ring.stats();
    out.flush();
    expect(ring.stats().cursor).toBe(cursor);
    next.flush();
    expect(Array.from(read.poll() ?? [], ({ bytes }) => `${bytes}`)).toEqual(['a', 'b']);
  },
);

test.each(kinds)(
  '%s: a write that closes its producer is refused, and leaves the seat alone',
  (producers) => {
    const { ring, out, read } = numbers(16, { producers, maxProducers: 1 });
    out.tryPublish(number, 1);
    let next = out;
    const write = (event: { n: number }) => {
      event.n = 9;
      out.close();
      next = ring.producer();
      next.tryPublish(number, 2);
    };
    expect(() => out.tryPublish(write)).toThrow('this producer is closed');
    expect([out.staged, next.staged]).toEqual([0, 1]);
    next.tryPublish(number, 3);
    next.flush();
    expect(all(read.poll())).toEqual([1, 2, 3]);
    expect(ring.stats()).toMatchObject({ cursor: 3, producers: 1, lost: 0 });
    expect(() => out.tryPublish(number, 4)).toThrow('this producer is closed');
  },
);

test.each(kinds.flatMap((producers) => [0, 1].map((at) => ({ producers, at }))))(
  '$producers: publishMany that closes its producer at event $at rejects',
  async ({ producers, at }) => {
    const { ring, out, read } = numbers(16, { producers });
    const many = out.publishMany(3, (event, i) => {
      event.n = i;
      if (i === at) out.close();
    });
    await expect(many).rejects.toMatchObject({ code: 'ERR_MILLRACE_CLOSED' });
    expect(all(read.poll())).toEqual([0].slice(0, at));
    expect(ring.stats()).toMatchObject({ producers: 0, lost: 0 });
  },
);

test.each(kinds)(
  '%s: a producer of a ring that was let go of flushes and wakes nobody any more',
  async (producers) => {
    const { ring, out, read } = numbers(16, { producers });
    const other = closing(Ring.attach(ring.handle));
    out.tryPublish(number, 1);
    read.close();
    ring.detach();
    const reading = other.consumer('read');
    await reading.receive();
    // Somebody sleeps, who would be woken.
    const waiting = reading.receive();
    const second = waiting.then((batch) => all(batch as never));
    const next = other.producer();
    next.tryPublish(number, 2);
    const { wake } = binding;
    const woken: unknown[] = [];
    binding.wake = (...values) => void woken.push(values);
    try {
      out.flush();
      out.close();
    } finally {
      binding.wake = wake;
    }
    expect([woken, other.stats().cursor]).toEqual([[], 1]);
    next.flush();
    expect(await second).toEqual([2]);
  },
);

test.each(['failed', 'let go of'])(
  'a producer that was closed while the ring was full gives its seat back when the ring is %s',
  async (how) => {
    const { ring, out } = numbers(4, { producers: 'multi' });
    const other = closing(Ring.attach(ring.handle));
    let n = 0;
    while (out.tryPublish(number, n)) n += 1;
    out.close();
    expect(ring.stats().producers).toBe(1);
    const { memory } = other as unknown as { memory: RingMemory };
    if (how === 'failed') memory.fail('read', new Error('made to'));
    else ring.detach();
    while (other.stats().producers > 0) await setImmediate();
    expect(other.stats()).toMatchObject({ producers: 0, lost: n - 4 });
  },
);
