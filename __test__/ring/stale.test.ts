import { inspect } from 'node:util';
import { expect, test } from '@jest/globals';

// Read when the package is loaded.
process.env.MILLRACE_CHECK = '1';
const { ByteRing } = await import('millrace');
const { all, closing, number, numbers } = await import('./rings.js');

const stale = expect.objectContaining({ code: 'ERR_MILLRACE_STALE' });

test('an event that is used after its step throws', async () => {
  const { out, read } = numbers(8);
  for (const n of [1, 2, 3]) out.tryPublish(number, n);
  out.flush();
  const kept = [];
  for await (const batch of read) {
    for (const event of batch) {
      expect(event.n).toBe(kept.length + 1);
      kept.push(event);
    }
    break;
  }
  for (const event of kept) {
    expect(() => event.n).toThrow(stale);
    expect(() => event.copy()).toThrow(stale);
    expect(inspect(event)).toContain('after its step');
  }
});

test('a batch that is used after its step is empty', () => {
  const { out, read } = numbers(8);
  out.tryPublish(number, 1);
  out.flush();
  const batch = read.poll();
  const event = batch?.at(0);
  expect(event?.n).toBe(1);
  read.poll();
  expect([all(batch), batch?.at(0)]).toEqual([[], undefined]);
  expect(() => event?.n).toThrow(stale);
});

test('an event that its producer keeps throws', () => {
  const { out } = numbers(8);
  let kept: { n: number } | undefined;
  out.tryPublish((event) => {
    kept = event;
  });
  expect(() => {
    if (kept) kept.n = 1;
  }).toThrow(stale);
});

test.each(['single', 'multi'] as const)(
  '%s: an event that is kept from a claim throws',
  (producers) => {
    const { out } = numbers(8, { producers });
    const claim = out.tryClaim(2);
    const first = claim?.at(0) as { n: number };
    first.n = 1;
    const second = claim?.at(1) as { n: number };
    const write = (event: { n: number }) => () => {
      event.n = 2;
    };
    expect(write(first)).toThrow(stale);
    write(second)();
    claim?.commit();
    expect(write(second)).toThrow(stale);
    const aborted = out.tryClaim(1)?.at(0) as { n: number };
    out.close();
    expect(write(aborted)).toThrow(stale);
  },
);

test('a record that is used after its step throws', () => {
  const ring = closing(
    ByteRing.create({ capacity: 256, header: { id: 'u32' }, stages: { read: {} } }),
  );
  const out = ring.producer();
  out.tryPublish('one');
  out.flush();
  const read = ring.consumer('read');
  const [record] = read.poll() ?? [];
  read.poll();
  expect(() => record?.bytes).toThrow(stale);
  expect(() => record?.length).toThrow(stale);
  expect(() => record?.sequence).toThrow(stale);
  expect(() => record?.id).toThrow(stale);
  expect(() => record?.copy()).toThrow(stale);
});
