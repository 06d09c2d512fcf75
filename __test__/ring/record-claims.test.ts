import { setImmediate } from 'node:timers/promises';
import { inspect } from 'node:util';
import { expect, test } from '@jest/globals';
import { ByteRing, type RecordClaim, type RingOptions } from 'millrace';
import type { RingMemory } from '#dist/ring/ring-memory.js';
import { before, closing, outcome, range } from './rings.js';

const kinds = ['single', 'multi'] as const;
const checked = process.env.MILLRACE_CHECK === '1';
const code = (name: string) => expect.objectContaining({ code: `ERR_MILLRACE_${name}` });

/** Payload bytes of a record of so many places: its prefix and its header take 16. */
const places = (n: number) => 32 * n - 16;

function records(capacity: number, options: RingOptions = {}) {
  const header = { n: 'u8', tag: 'bytes(2)' } as const;
  const ring = closing(
    ByteRing.create({ ...options, capacity, header, stages: { read: {} } as const }),
  );
  const read = ring.consumer('read', { maxBatch: capacity });
  return { ring, out: ring.producer(), read };
}

type Records = ReturnType<typeof records>;
type Made = RecordClaim<{ n: number }> | undefined;

function fill(claim: Made, text: string, n = 0): RecordClaim<{ n: number }> {
  if (!claim) throw new Error('nothing was claimed');
  claim.bytes.write(text);
  claim.header.n = n;
  return claim;
}

function drain(read: Records['read']): string[] {
  const seen: string[] = [];
  for (let batch = read.poll(); batch; batch = read.poll()) {
    // No batch is of padding alone.
    expect(batch.length).toBeGreaterThan(0);
    for (const { n, bytes } of batch) seen.push(`${n}${bytes}`);
  }
  return seen;
}

test.each(kinds)('%s: a record is filled in place, and seen when it is committed', (producers) => {
  const { ring, out, read } = records(1024, { producers });
  out.tryPublish('before');
  const claim = fill(out.tryClaim(100), 'x'.repeat(100), 7);
  expect([claim.length, claim.bytes.length]).toEqual([100, 100]);
  expect(inspect(claim)).toBe('RecordClaim { length: 100, open: true }');
  expect(drain(read)).toEqual(['0before']);
  claim.commit();
  out.tryPublish('behind');
  out.flush();
  expect(drain(read)).toEqual([`7${'x'.repeat(100)}`, '0behind']);
  expect(ring.stats()).toMatchObject({ aborted: 0, recovered: 0, lost: 0 });
});

test.each(kinds)('%s: a record has as many bytes as are used', (producers) => {
  const { ring, out, read } = records(1024, { producers });
  for (const used of [0, 1, 80, 99, 100]) {
    fill(out.tryClaim(100), 'y'.repeat(100), 1).commit(used);
    out.tryPublish('behind');
    out.flush();
    expect(drain(read)).toEqual([`1${'y'.repeat(used)}`, '0behind']);
  }
  out.tryClaim(0)?.commit();
  expect(drain(read)).toEqual(['0']);
  expect(read.stats().lag).toBe(0);
  // Of one producer the places that are not used are claimed again; otherwise they are the record's.
  expect(ring.stats().aborted).toBe(producers === 'single' ? 3 + 3 + 1 : 0);
});

test.each(kinds)('%s: header fields begin as zeros, whatever was there a lap ago', (producers) => {
  const { out, read } = records(256, { producers });
  for (const lap of range(0, 20)) {
    const claim = fill(out.tryClaim(30), 'z', lap % 2);
    if (lap % 2 === 0)
      expect([...(claim.header as unknown as { tag: Buffer }).tag]).toEqual([0, 0]);
    else Object.assign(claim.header, { tag: Buffer.from([9, 9]) });
    claim.commit(1);
    expect(drain(read)).toEqual([`${lap % 2}z`]);
  }
});

test.each(kinds)(
  '%s: what is given up is passed over, and counted in places',
  async (producers) => {
    const { ring, out, read } = records(1024, { producers });
    for (const n of range(0, 40)) {
      fill(out.tryClaim(places(2)), 'kept'.padEnd(places(2)), n).commit();
      fill(out.tryClaim(places(3)), 'ghost').abort();
      {
        using claim = fill(out.tryClaim(places(1)), 'ghost');
        expect(claim.length).toBe(places(1));
      }
      expect(ring.stats().stages.read?.lag).toBe(2);
      expect(drain(read)).toEqual([`${n}kept`.padEnd(places(2) + `${n}`.length)]);
      expect(read.stats().lag).toBe(0);
    }
    const { aborted } = ring.stats();
    // And the padding before what was given up at the end of the ring.
    expect(aborted).toBeGreaterThanOrEqual(160);
    expect(aborted).toBeLessThan(200);
    const { consumed, abandoned } = await ring.close();
    expect(abandoned).toBe(0);
    expect(consumed).toBeGreaterThanOrEqual(80);
  },
);

test.each(kinds)('%s: a record never crosses the end of the ring', (producers) => {
  for (const distance of range(1, 17)) {
    for (const used of [0, 100, undefined]) {
      const { ring, out, read } = before(distance, () => records(512, { producers }));
      const seen: string[] = [];
      const expected: string[] = [];
      for (const n of range(0, 12)) {
        const text = String.fromCharCode(97 + n).repeat(places(5));
        const claim = fill(out.tryClaim(places(5)), text, n);
        if (used === undefined) claim.abort();
        else {
          claim.commit(used);
          expected.push(`${n}${text.slice(0, used)}`);
        }
        fill(out.tryClaim(1), 'b').commit();
        expected.push('0b');
        seen.push(...drain(read));
      }
      expect(seen).toEqual(expected);
      expect(read.stats().lag).toBe(0);
      ring.detach();
    }
  }
});

test.each(kinds)(
  '%s: an open claim keeps its producer from publishing otherwise',
  async (producers) => {
    const { ring, out, read } = records(1024, { producers });
    const claim = fill(out.tryClaim(20), 'claimed');
    const busy = code('INVALID_ARGUMENT');
    expect(() => out.tryPublish('no')).toThrow(busy);
    expect(() => out.tryPublish('x'.repeat(out.maxPayload))).toThrow(busy);
    expect(() => out.tryClaim(1)).toThrow('a claim of 20 bytes open; commit or abort it first');
    expect(await outcome(out.publish('no'))).toBe('ERR_MILLRACE_INVALID_ARGUMENT');
    expect(await outcome(out.claim(1))).toBe('ERR_MILLRACE_INVALID_ARGUMENT');
    out.flush();
    claim.commit(7);
    out.tryPublish('then');
    out.flush();
    expect(drain(read)).toEqual(['0claimed', '0then']);
    expect(ring.stats().lost).toBe(0);
  },
);

test.each(kinds)('%s: a claim in a write is refused, and leaves none', (producers) => {
  const { ring, out, read } = records(512, { producers });
  const within = 'write must not publish with the producer whose event it fills';
  expect(() => out.tryPublish('outer', () => out.tryClaim(1))).toThrow(within);
  let caught: unknown;
  out.tryPublish('outer', () => {
    try {
      out.tryClaim(1);
    } catch (error) {
      caught = error;
    }
  });
  expect(caught).toEqual(code('INVALID_ARGUMENT'));
  fill(out.tryClaim(5), 'after').commit();
  expect(drain(read)).toEqual(['0outer', '0after']);
  expect(ring.stats()).toMatchObject({ aborted: 0, recovered: 0 });
});

test.each(kinds)('%s: lengths that are none or too great are refused', async (producers) => {
  const { ring, out } = records(512, { producers });
  for (const bytes of [-1, 1.5, Number.NaN, '2' as never, undefined as never]) {
    expect(() => out.tryClaim(bytes)).toThrow(code('INVALID_ARGUMENT'));
    expect(await outcome(out.claim(bytes))).toBe('ERR_MILLRACE_INVALID_ARGUMENT');
  }
  expect(() => out.tryClaim(out.maxPayload + 1)).toThrow(code('FRAME_TOO_LARGE'));
  expect(await outcome(out.claim(out.maxPayload + 1))).toBe('ERR_MILLRACE_FRAME_TOO_LARGE');
  expect(await outcome(out.claim(1, { timeout: -1 }))).toBe('ERR_MILLRACE_INVALID_ARGUMENT');
  const claim = out.tryClaim(out.maxPayload) as RecordClaim<object>;
  for (const used of [claim.length + 1, -1, 0.5]) {
    expect(() => claim.commit(used)).toThrow(code('INVALID_ARGUMENT'));
  }
  claim.commit();
  expect(ring.stats()).toMatchObject({ cursor: 8, aborted: 0 });
});

test.each(kinds)('%s: a claim that has ended is used no more', (producers) => {
  const { out } = records(512, { producers });
  for (const end of ['commit', 'abort'] as const) {
    const claim = fill(out.tryClaim(10), 'x');
    const { header } = claim;
    claim[end]();
    const uses = [() => claim.header, () => claim.bytes, () => claim.commit()];
    if (checked)
      uses.push(
        () => ({ n: header.n }),
        () => Object.assign(header, { n: 1 }),
      );
    for (const use of uses) expect(use).toThrow(code('STALE'));
    claim.abort();
    claim[Symbol.dispose]();
  }
});

test.each(kinds)('%s: claim waits for room for all of it', async (producers) => {
  const { ring, out, read } = records(256, { producers });
  fill(out.tryClaim(places(3)), 'a', 1).commit();
  fill(out.tryClaim(places(3)), 'b', 2).commit();
  // Two are left, which a record of three would have to leave as padding.
  expect(out.tryClaim(places(3))).toBeUndefined();
  expect(await outcome(out.claim(places(3), { timeout: 1 }))).toBe('ERR_MILLRACE_TIMEOUT');
  const stop = new AbortController();
  const stopped = outcome(out.claim(places(3), { signal: stop.signal }));
  stop.abort();
  expect(await stopped).toBe('ERR_MILLRACE_ABORTED');
  let made = false;
  const waiting = out.claim(places(3)).then((claim) => {
    made = true;
    return claim;
  });
  await setImmediate();
  expect([made, ring.stats().aborted]).toEqual([false, 0]);
  expect(read.poll(1)?.length).toBe(1);
  read.poll(1);
  fill(await waiting, 'c', 3).commit(1);
  expect(drain(read)).toEqual(['3c']);
});

test('a claim of a full multi-producer ring comes behind what was accepted before', async () => {
  const { out, read } = records(512, { producers: 'multi' });
  let n = 0;
  while (out.tryPublish('s', (header) => Object.assign(header, { n }))) n += 1;
  expect(out.staged).toBeGreaterThan(0);
  expect(out.tryClaim(1)).toBeUndefined();
  const claiming = out.claim(places(8)).then((claim) => fill(claim, 'last', n).commit(4));
  const seen: string[] = [];
  for await (const batch of read) {
    for (const record of batch) seen.push(`${record.n}${record.bytes}`);
    if (seen.length === n + 1) break;
  }
  await claiming;
  expect(seen).toEqual([...range(0, n).map((i) => `${i}s`), `${n}last`]);
});

test.each(kinds)('%s: a ring that closes waits for the claim that is open', async (producers) => {
  for (const used of [3, undefined]) {
    const { ring, out, read } = records(256, { producers });
    out.tryPublish('begin');
    const claim = fill(out.tryClaim(100), 'end');
    const waiting = producers === 'multi' ? outcome(ring.producer().claim(100)) : undefined;
    const ending = ring.close();
    if (waiting) expect(await waiting).toBe('ERR_MILLRACE_CLOSED');
    const seen: string[] = [];
    const consuming = (async () => {
      for await (const batch of read) for (const { bytes } of batch) seen.push(`${bytes}`);
    })();
    await setImmediate();
    expect(() => out.tryClaim(1)).toThrow(code('INVALID_ARGUMENT'));
    if (used === undefined) claim.abort();
    else claim.commit(used);
    await consuming;
    expect(seen).toEqual(used === undefined ? ['begin'] : ['begin', 'end']);
    expect((await ending).abandoned).toBe(0);
    expect(() => out.tryClaim(1)).toThrow(code('CLOSED'));
    expect(await outcome(out.claim(1))).toBe('ERR_MILLRACE_CLOSED');
  }
});

test.each(kinds)('%s: a claim of a ring that has failed is lost', (producers) => {
  const { ring, out, read } = records(512, { producers });
  const claim = fill(out.tryClaim(places(2)), 'lost');
  (ring as unknown as { memory: RingMemory }).memory.fail('read', new Error('made to'));
  claim.commit();
  expect(ring.stats()).toMatchObject({ lost: 2, aborted: 0 });
  expect(() => out.tryClaim(1)).toThrow(code('CONSUMER_FAILED'));
  expect(read.poll()).toBeUndefined();
});

test.each(kinds)('%s: a producer that closes aborts its claim', (producers) => {
  const { ring, out, read } = records(512, { producers });
  const claim = fill(out.tryClaim(places(3)), 'ghost');
  out.close();
  expect(() => claim.commit()).toThrow(code('STALE'));
  expect(ring.stats()).toMatchObject({ aborted: 3, recovered: 0, producers: 0 });
  fill(ring.producer().tryClaim(4), 'next').commit();
  expect(drain(read)).toEqual(['0next']);
});

test.each(kinds)(
  '%s: who lets go of the ring leaves its claim to be recovered',
  async (producers) => {
    const { ring, out, read } = records(512, { producers });
    const other = closing(ByteRing.attach(ring.handle));
    read.close();
    const theirs = other.consumer('read');
    const claim = fill(out.tryClaim(places(3)), 'ghost');
    if (producers === 'multi') fill(other.producer().tryClaim(6) as Made, 'behind').commit();
    const batch = Promise.resolve(theirs.receive());
    ring.detach();
    expect(() => claim.bytes).toThrow(code('STALE'));
    claim.abort();
    expect(other.stats()).toMatchObject({ aborted: 0, recovered: 3 });
    if (producers === 'single') fill(other.producer().tryClaim(6) as Made, 'behind').commit();
    expect(Array.from((await batch) ?? [], ({ bytes }) => `${bytes}`)).toEqual(['behind']);
  },
);

test('records are released by hand over what was given up between them', async () => {
  const ring = closing(
    ByteRing.create({ capacity: 512, stages: { read: {} }, producers: 'multi' }),
  );
  const out = ring.producer();
  const read = ring.consumer('read', { release: 'manual', maxBatch: 512 });
  for (const lap of range(0, 30)) {
    for (const text of ['one', 'two']) {
      (out.tryClaim(60) as RecordClaim<object>).abort();
      const claim = out.tryClaim(3) as RecordClaim<object>;
      claim.bytes.write(text);
      claim.commit();
    }
    const seen: [string, number][] = [];
    for (let batch = read.poll(); batch; batch = read.poll()) {
      for (const { bytes, sequence } of batch) seen.push([`${bytes}`, sequence]);
      if (lap % 2 === 0) read.release(batch.end);
    }
    expect(seen.map(([text]) => text)).toEqual(['one', 'two']);
    if (lap % 2 === 1) {
      read.release(seen[1]?.[1] as number);
      read.release((seen[1]?.[1] as number) + 1);
    }
    expect(read.stats().lag).toBe(0);
  }
});

test('workers that share a stage pass over what was given up', async () => {
  const stages = { work: { workers: 2 } };
  const ring = closing(ByteRing.create({ capacity: 1024, stages, producers: 'multi' }));
  const out = ring.producer();
  const workers = [ring.consumer('work'), ring.consumer('work')];
  const seen: string[] = [];
  for (const n of range(0, 60)) {
    (out.tryClaim(100) as RecordClaim<object>).abort();
    const claim = out.tryClaim(100) as RecordClaim<object>;
    claim.commit(claim.bytes.write(`${n}`));
    for (const worker of workers)
      for (const { bytes } of worker.poll() ?? []) seen.push(`${bytes}`);
    for (const worker of workers) worker.poll();
  }
  expect(seen).toEqual(range(0, 60).map(String));
  expect((await ring.close()).abandoned).toBe(0);
});
