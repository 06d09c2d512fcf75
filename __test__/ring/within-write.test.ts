import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { ByteRing, Ring } from 'millrace';
import { all, closing, number, numbers, outcome } from './rings.js';

const kinds = ['single', 'multi'] as const;
const refused = expect.objectContaining({
  code: 'ERR_MILLRACE_INVALID_ARGUMENT',
  message: 'write must not publish with the producer whose event it fills',
});

test.each(kinds)(
  '%s: a write that publishes with its producer is refused, and what it published is there once',
  async (producers) => {
    const { ring, out, read } = numbers(16, { producers });
    out.tryPublish(number, 1);
    expect(() => out.tryPublish(() => out.tryPublish(number, 2))).toThrow(refused);
    expect(await outcome(out.publish(() => out.tryPublish(number, 3)))).toBe(
      'ERR_MILLRACE_INVALID_ARGUMENT',
    );
    const many = out.publishMany(2, (event, i) => {
      event.n = 4;
      if (i === 1) out.tryPublish(number, 5);
    });
    expect(await outcome(many)).toBe('ERR_MILLRACE_INVALID_ARGUMENT');
    // So many that they are flushed meanwhile, from the first one on.
    const nest = () => {
      while (out.tryPublish(number, 6));
    };
    expect(() => out.tryPublish(nest)).toThrow(refused);
    out.flush();
    const seen = all(read.poll());
    expect(seen).toEqual([1, 2, 3, 4, 5, ...Array(11).fill(6)]);
    expect(ring.stats().cursor).toBe(seen.length);
    read.poll();
    out.tryPublish(number, 7);
    out.flush();
    // A multi-producer has staged some more.
    expect(new Set(all(read.poll()))).toEqual(new Set(producers === 'single' ? [7] : [6, 7]));
  },
);

test.each(kinds)('%s: a write that flushes doubles and loses nothing', (producers) => {
  const { ring, out, read } = numbers(16, { producers });
  out.tryPublish(number, 1);
  const write = (event: { n: number }) => {
    out.flush();
    event.n = 2;
  };
  let accepted = true;
  try {
    out.tryPublish(write);
  } catch (error) {
    // What a multi-producer has staged moves by a flush.
    expect(error).toEqual(refused);
    accepted = false;
  }
  expect(accepted).toBe(producers === 'single');
  out.tryPublish(number, 3);
  out.flush();
  expect(all(read.poll())).toEqual(accepted ? [1, 2, 3] : [1, 3]);
  expect(ring.stats().lost).toBe(0);
});

test.each([false, true])(
  'bytes %p: what a write that waits elsewhere fills is seen at the end of the turn',
  async (bytes) => {
    const common = { capacity: 512, stages: { read: {} } } as const;
    const ring = closing(
      bytes ? ByteRing.create(common) : Ring.create({ ...common, fields: { n: 'u32' } }),
    );
    const out = ring.producer();
    const read = ring.consumer('read');
    const count = () => read.poll()?.length ?? 0;
    // Whatever waits flushes all that this thread has staged.
    const write = () => void numbers(16).ring.close({ timeout: 0 });
    expect('maxPayload' in out ? out.tryPublish('', write) : out.tryPublish(write)).toBe(true);
    expect([count(), out.staged > 0]).toEqual([0, true]);
    await turn();
    expect([count(), out.staged]).toEqual([1, 0]);
  },
);

test.each(kinds)('%s: a write that claims is refused, and leaves no claim', (producers) => {
  const { out, read } = numbers(16, { producers });
  expect(() => out.tryPublish(() => out.tryClaim(2))).toThrow(refused);
  out.tryPublish(number, 1);
  // And a write that has thrown is over.
  expect(() =>
    out.tryPublish(() => {
      throw new Error('no');
    }),
  ).toThrow('no');
  const claim = out.tryClaim(1);
  number(claim?.at(0) as { n: number }, 2);
  claim?.commit();
  expect(all(read.poll())).toEqual([1, 2]);
});

test.each(kinds)('%s: records are refused likewise', (producers) => {
  const ring = ByteRing.create({
    capacity: 512,
    header: { n: 'u8' },
    stages: { read: {} },
    producers,
  });
  closing(ring);
  const out = ring.producer();
  const read = ring.consumer('read');
  expect(() => out.tryPublish('outer', () => out.tryPublish('inner'))).toThrow(refused);
  expect(() =>
    out.tryPublish('outer', () => {
      throw new Error('no');
    }),
  ).toThrow('no');
  out.tryPublish('good', (header) => {
    header.n = 7;
  });
  out.flush();
  expect(Array.from(read.poll() ?? [], (record) => [record.n, `${record.bytes}`])).toEqual([
    [7, 'good'],
  ]);
  expect(() => out.tryPublish('gone', () => out.close())).toThrow('this producer is closed');
  expect(() => out.tryPublish('late')).toThrow('this producer is closed');
  expect([read.poll(), ring.stats().lost]).toEqual([undefined, 0]);
});

test.each(kinds)('%s: a claim that a write makes does not hold the ring up', async (producers) => {
  const { ring, out, read } = numbers(16, { producers });
  const write = (event: { n: number }) => {
    const claim = out.tryClaim(2);
    for (const i of [0, 1]) number(claim?.at(i) as { n: number }, 10 + i);
    event.n = 9;
  };
  // Whether the claim is refused or the event is: both are never accepted.
  expect(() => out.tryPublish(write)).toThrow(refused);
  out.flush();
  expect(read.poll()).toBeUndefined();
  out.close();
  const next = ring.producer();
  next.tryPublish(number, 1);
  next.flush();
  expect(all(read.poll())).toEqual([1]);
  read.poll();
  const closed = ring.close();
  expect(await closed).toEqual({ consumed: 1, abandoned: 0 });
});
