import { setImmediate } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { type Claim, Ring } from 'millrace';
import type { RingMemory } from '#dist/ring/ring-memory.js';
import { all, closing, number, numbers, outcome, range } from './rings.js';

const kinds = ['single', 'multi'] as const;

type Numbers = { n: number };

/** Fills a claim with consecutive numbers. */
function fill(claim: Claim<Numbers> | undefined, from: number): Claim<Numbers> {
  if (!claim) throw new Error('nothing was claimed');
  for (let i = 0; i < claim.length; i++) claim.at(i).n = from + i;
  return claim;
}

const code = (name: string) => expect.objectContaining({ code: `ERR_MILLRACE_${name}` });

/** Everything that is ready, batch by batch. */
function batches(read: { poll(): Iterable<Numbers> | undefined }): number[][] {
  const found: number[][] = [];
  for (let batch = read.poll(); batch; batch = read.poll()) found.push(all(batch));
  return found;
}

test.each(kinds)('%s: a claim is filled in any order, and seen when it is committed', (kind) => {
  const { ring, out, read } = numbers(16, { producers: kind });
  const claim = out.tryClaim(3);
  expect(claim?.length).toBe(3);
  for (const i of [2, 0, 1]) (claim as Claim<Numbers>).at(i).n = 10 + i;
  expect(read.poll()).toBeUndefined();
  claim?.commit();
  expect(batches(read)).toEqual([[10, 11, 12]]);
  expect(ring.stats()).toMatchObject({ cursor: 3, aborted: 0, recovered: 0, lost: 0 });
});

test.each(kinds)('%s: what was accepted before a claim comes before it', (kind) => {
  const { out, read } = numbers(16, { producers: kind });
  out.tryPublish(number, 0);
  const claim = fill(out.tryClaim(2), 1);
  expect(all(read.poll())).toEqual([0]);
  claim.commit();
  out.tryPublish(number, 3);
  out.flush();
  expect(batches(read).flat()).toEqual([1, 2, 3]);
});

test.each(kinds)('%s: what is not used is passed over, and counted', async (kind) => {
  const { ring, out, read } = numbers(16, { producers: kind });
  fill(out.tryClaim(5), 0).commit(2);
  fill(out.tryClaim(4), 90).abort();
  {
    using claim = fill(out.tryClaim(3), 90);
    expect(claim.length).toBe(3);
  }
  fill(out.tryClaim(2), 90).commit(0);
  fill(out.tryClaim(1), 2).commit();
  const before = ring.stats();
  expect(before).toMatchObject({ aborted: 12, recovered: 0 });
  expect(before.stages.read?.lag).toBe(3);
  expect(batches(read).flat()).toEqual([0, 1, 2]);
  expect(read.stats().lag).toBe(0);
  expect(await ring.close()).toEqual({ consumed: 3, abandoned: 0 });
});

test('one batch never spans slots that were given up, and sequences go on behind them', () => {
  const { out, read } = numbers(32, { producers: 'multi' });
  fill(out.tryClaim(5), 0).commit(2);
  fill(out.tryClaim(2), 2).commit();
  out.tryClaim(3)?.abort();
  out.tryClaim(1)?.abort();
  fill(out.tryClaim(1), 4).commit();
  const seen = [];
  for (let batch = read.poll(); batch; batch = read.poll()) {
    seen.push([batch.sequence, batch.length, ...all(batch)]);
  }
  expect(seen).toEqual([
    [0, 2, 0, 1],
    [5, 2, 2, 3],
    [11, 1, 4],
  ]);
});

test.each(kinds)('%s: an error in the midst of a claim aborts it', (kind) => {
  const { ring, out, read } = numbers(8, { producers: kind });
  expect(() => {
    using claim = out.tryClaim(4);
    (claim as Claim<Numbers>).at(0).n = 9;
    throw new Error('in the midst');
  }).toThrow('in the midst');
  fill(out.tryClaim(4), 0).commit();
  expect(batches(read).flat()).toEqual([0, 1, 2, 3]);
  expect(ring.stats().aborted).toBe(4);
});

test.each(kinds)('%s: an open claim keeps its producer from publishing otherwise', async (kind) => {
  const { out, read } = numbers(16, { producers: kind });
  out.tryPublish(number, 0);
  const claim = fill(out.tryClaim(2), 1);
  const busy = code('INVALID_ARGUMENT');
  const refused = () => {
    expect(() => out.tryPublish(number, 9)).toThrow(busy);
    expect(() => out.tryClaim(1)).toThrow('a claim of 2 events open; commit or abort it first');
  };
  refused();
  expect(await outcome(out.publish(number, 9))).toBe('ERR_MILLRACE_INVALID_ARGUMENT');
  expect(await outcome(out.publishMany(2, number as never))).toBe('ERR_MILLRACE_INVALID_ARGUMENT');
  expect(await outcome(out.claim(1))).toBe('ERR_MILLRACE_INVALID_ARGUMENT');
  out.flush();
  await setImmediate();
  refused();
  claim.commit();
  out.tryPublish(number, 3);
  out.flush();
  expect(batches(read).flat()).toEqual([0, 1, 2, 3]);
});

test.each(kinds)(
  '%s: claims of no or too many slots, and slots beside them, are refused',
  async (kind) => {
    const { ring, out } = numbers(8, { producers: kind });
    for (const n of [0, 9, -1, 1.5, Number.NaN, '2' as never]) {
      expect(() => out.tryClaim(n)).toThrow(code('INVALID_ARGUMENT'));
      expect(await outcome(out.claim(n))).toBe('ERR_MILLRACE_INVALID_ARGUMENT');
    }
    expect(await outcome(out.claim(1, { timeout: -1 }))).toBe('ERR_MILLRACE_INVALID_ARGUMENT');
    const claim = out.tryClaim(8) as Claim<Numbers>;
    for (const index of [8, -1, 0.5])
      expect(() => claim.at(index)).toThrow(code('INVALID_ARGUMENT'));
    for (const used of [9, -1, 0.5])
      expect(() => claim.commit(used)).toThrow(code('INVALID_ARGUMENT'));
    fill(claim, 0).commit();
    expect(ring.stats()).toMatchObject({ cursor: 8, aborted: 0 });
  },
);

test.each(kinds)('%s: a claim that has ended is used no more', (kind) => {
  const { ring, out } = numbers(8, { producers: kind });
  const claim = fill(out.tryClaim(2), 0);
  claim.commit();
  for (const use of [() => claim.at(0), () => claim.commit()]) expect(use).toThrow(code('STALE'));
  claim.abort();
  claim[Symbol.dispose]();
  const aborted = out.tryClaim(2) as Claim<Numbers>;
  aborted.abort();
  for (const use of [() => aborted.at(0), () => aborted.commit(0)])
    expect(use).toThrow(code('STALE'));
  expect(ring.stats().aborted).toBe(2);
});

test.each(kinds)('%s: claim waits for room for all of it', async (kind) => {
  const { out, read } = numbers(4, { producers: kind });
  fill(out.tryClaim(3), 0).commit();
  expect(out.tryClaim(2)).toBeUndefined();
  const waiting = out.claim(3);
  expect(await outcome(out.claim(3, { timeout: 1 }))).toBe('ERR_MILLRACE_TIMEOUT');
  const stop = new AbortController();
  const stopped = outcome(out.claim(3, { signal: stop.signal }));
  stop.abort();
  expect(await stopped).toBe('ERR_MILLRACE_ABORTED');
  expect(all(read.poll(1))).toEqual([0]);
  expect(all(read.poll(2))).toEqual([1, 2]);
  read.poll();
  using claim = fill(await waiting, 3);
  claim.commit();
  expect(batches(read).flat()).toEqual([3, 4, 5]);
});

test('a claim of a full multi-producer ring comes behind what was accepted before', async () => {
  const { out, read } = numbers(16, { producers: 'multi' });
  let n = 0;
  while (out.tryPublish(number, n)) n += 1;
  expect(out.tryClaim(1)).toBeUndefined();
  const claiming = out.claim(16).then((claim) => fill(claim, n).commit());
  const seen: number[] = [];
  for await (const batch of read) {
    seen.push(...all(batch));
    if (seen.length === n + 16) break;
  }
  await claiming;
  expect(seen).toEqual(range(0, n + 16));
});

test.each(kinds)('%s: a ring that closes waits for the claim that is open', async (kind) => {
  const { ring, out, read } = numbers(8, { producers: kind });
  const claim = fill(out.tryClaim(3), 0);
  const waiting = outcome(
    kind === 'multi' ? ring.producer().claim(8) : read.receive({ timeout: 1 }),
  );
  const ending = ring.close();
  expect(await waiting).toBe(kind === 'multi' ? 'ERR_MILLRACE_CLOSED' : 'ERR_MILLRACE_TIMEOUT');
  const seen: number[] = [];
  const consuming = (async () => {
    for await (const batch of read) seen.push(...all(batch));
  })();
  await setImmediate();
  expect(() => out.tryClaim(1)).toThrow(code('INVALID_ARGUMENT'));
  claim.commit(2);
  await consuming;
  expect(seen).toEqual([0, 1]);
  expect(await ending).toEqual({ consumed: 2, abandoned: 0 });
  expect(() => out.tryClaim(1)).toThrow(code('CLOSED'));
  expect(await outcome(out.claim(1))).toBe('ERR_MILLRACE_CLOSED');
});

test.each(kinds)('%s: a ring that closes ends when the open claim is aborted', async (kind) => {
  const { ring, out, read } = numbers(8, { producers: kind });
  const claim = out.tryClaim(3);
  const ending = ring.close();
  const ended = read.receive();
  claim?.abort();
  expect(await ended).toBeUndefined();
  expect(await ending).toEqual({ consumed: 0, abandoned: 0 });
});

test.each(kinds)('%s: a claim of a ring that has failed is lost', (kind) => {
  const { ring, out, read } = numbers(8, { producers: kind });
  const claim = fill(out.tryClaim(3), 0);
  (ring as unknown as { memory: RingMemory }).memory.fail('read', new Error('made to'));
  claim.commit(2);
  expect(ring.stats()).toMatchObject({ lost: 2, aborted: 1 });
  expect(() => out.tryClaim(1)).toThrow(code('CONSUMER_FAILED'));
  expect(read.poll()).toBeUndefined();
});

test.each(kinds)('%s: a producer that closes aborts its claim', (kind) => {
  const { ring, out, read } = numbers(8, { producers: kind });
  const claim = fill(out.tryClaim(3), 0);
  out.close();
  expect(() => claim.commit()).toThrow(code('STALE'));
  expect(ring.stats()).toMatchObject({ aborted: 3, recovered: 0, producers: 0 });
  fill(ring.producer().tryClaim(5), 0).commit();
  expect(batches(read).flat()).toEqual(range(0, 5));
});

test.each(kinds)('%s: who lets go of the ring leaves its claim to be recovered', async (kind) => {
  const { ring, out, read } = numbers(8, { producers: kind });
  const other = closing(Ring.attach(ring.handle));
  read.close();
  const theirs = other.consumer('read');
  const claim = fill(out.tryClaim(3), 0);
  if (kind === 'multi') fill(other.producer().tryClaim(2) as never, 0).commit();
  const waiting = theirs.receive();
  expect(await outcome(theirs.receive({ timeout: 0 }))).toBe('ERR_MILLRACE_TIMEOUT');
  const batch = Promise.resolve(waiting);
  ring.detach();
  expect(() => claim.at(0)).toThrow(code('STALE'));
  claim.abort();
  expect(other.stats()).toMatchObject({ aborted: 0, recovered: 3 });
  if (kind === 'single') fill(other.producer().tryClaim(2) as never, 0).commit();
  expect(all((await batch) as Iterable<Numbers>)).toEqual([0, 1]);
});

test('releasing by hand takes slots that were given up with it', async () => {
  const { ring, out, read } = numbers(8, { producers: 'multi', release: 'manual' });
  fill(out.tryClaim(2), 0).commit();
  out.tryClaim(2)?.abort();
  fill(out.tryClaim(2), 2).commit();
  out.tryClaim(2)?.abort();
  expect(batches(read).flat()).toEqual([0, 1, 2, 3]);
  const sequence = () => read.stats().sequence;
  expect(sequence()).toBe(0);
  read.release(1);
  expect(sequence()).toBe(1);
  read.release(2);
  // All that is free now may be claimed.
  expect(sequence()).toBe(4);
  expect(out.tryClaim(5)).toBeUndefined();
  fill(out.tryClaim(4), 4).commit(1);
  const ending = ring.close();
  read.release(6);
  expect(batches(read).flat()).toEqual([4]);
  read.release(9);
  expect(await ending).toEqual({ consumed: 5, abandoned: 0 });
});

test('a stage behind another passes what was given up when that has', () => {
  const ring = closing(
    Ring.create({
      ...Ring.define({ fields: { n: 'u32' }, stages: { first: {}, second: { after: ['first'] } } }),
      capacity: 16,
      producers: 'multi',
    }),
  );
  const [out, first, second] = [ring.producer(), ring.consumer('first'), ring.consumer('second')];
  out.tryClaim(2)?.abort();
  fill(out.tryClaim(3), 0).commit(2);
  expect(batches(second)).toEqual([]);
  expect(ring.stats().stages).toMatchObject({ first: { lag: 2 }, second: { lag: 2 } });
  expect(all(first.poll(1))).toEqual([0]);
  expect(all(first.poll(1))).toEqual([1]);
  expect(batches(second)).toEqual([[0]]);
  expect(batches(first)).toEqual([]);
  expect(batches(second)).toEqual([[1]]);
  expect(ring.stats().stages).toMatchObject({ first: { sequence: 5 }, second: { sequence: 5 } });
});

test('a handler that looks whether all is over in the midst of its batch keeps its batch', () => {
  const { ring, out, read } = numbers(16, { producers: 'multi' });
  fill(out.tryClaim(4), 0).commit(2);
  const batch = read.poll();
  void ring.close();
  expect(read.ended).toBe(true);
  expect(all(batch)).toEqual([0, 1]);
  expect(read.stats().sequence).toBe(0);
  expect(read.poll()).toBeUndefined();
  expect(read.stats().sequence).toBe(4);
});
