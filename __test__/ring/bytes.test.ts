import { setImmediate } from 'node:timers/promises';
import { inspect } from 'node:util';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ByteRing, type RingOptions, type SharedRing } from 'millrace';
import { binding } from '#dist/native/binding.js';
import { firstSequence } from '#dist/ring/shared-ring.js';
import { closing, outcome, range } from './rings.js';

const kinds = ['single', 'multi'] as const;

function records(capacity: number, options: RingOptions = {}) {
  const header = { reply: 'u32', flag: 'u8', tag: 'bytes(3)' } as const;
  const stages = { mark: { writes: ['flag'] }, read: { after: ['mark'] } } as const;
  const ring = closing(ByteRing.create({ ...options, capacity, header, stages }));
  const maxBatch = capacity;
  return {
    ring,
    out: ring.producer(),
    mark: ring.consumer('mark', { maxBatch }),
    read: ring.consumer('read', { maxBatch }),
  };
}

const payload = (length: number, seed: number) =>
  Buffer.from(Array.from({ length }, (_, i) => (seed * 31 + i * 7) & 0xff));

test.each(kinds)(
  '%s: payloads of every length arrive whole, wherever the ring ends',
  (producers) => {
    const lengths = fc.array(fc.integer({ min: 0, max: 240 }), { minLength: 1, maxLength: 60 });
    const most = fc.integer({ min: 1, max: 16 });
    fc.assert(
      fc.property(lengths, most, fc.constantFrom(0, -1, -7), (lengths, most, start) => {
        firstSequence.value = start;
        const { ring, out, mark, read } = records(512, { producers });
        firstSequence.value = 0;
        const sent: [number, Buffer][] = [];
        const got: [number, Buffer][] = [];
        const drain = () => {
          out.flush();
          while (mark.poll(most));
          for (let batch = read.poll(most); batch; batch = read.poll(most)) {
            for (const record of batch) {
              expect(record.length).toBe(record.bytes.length);
              got.push([record.reply, record.copy()]);
            }
          }
        };
        for (const [n, length] of lengths.entries()) {
          const bytes = payload(Math.min(length, out.maxPayload), n);
          const write = (header: { reply: number }) => {
            header.reply = n;
          };
          while (!out.tryPublish(bytes, write)) drain();
          sent.push([n, bytes]);
        }
        // Of a full ring some may be staged still.
        do drain();
        while (out.staged > 0);
        drain();
        expect(got).toEqual(sent);
        ring.detach();
      }),
      { numRuns: 60 },
    );
  },
);

test('a batch knows its records by their index, whatever their lengths, and none that is padding', () => {
  firstSequence.value = -9;
  const { out, mark, read } = records(1024);
  firstSequence.value = 0;
  // Up to the ring's end, where padding is, and over the wrap of sequences.
  for (let n = 0; n < 40; n++) {
    const lengths = [n % 5, 70, n % 90];
    for (const [i, length] of lengths.entries()) {
      const write = (header: { reply: number }) => {
        header.reply = i;
      };
      expect(out.tryPublish(payload(length, n), write)).toBe(true);
    }
    out.flush();
    const batch = mark.poll();
    expect(batch?.length).toBe(3);
    expect([0, 1, 2, -1, -3].map((i) => batch?.at(i)?.reply)).toEqual([0, 1, 2, 2, 0]);
    expect([2, 1, 0].map((i) => batch?.at(i)?.bytes.length)).toEqual(lengths.toReversed());
    expect([batch?.at(3), batch?.at(-4)]).toEqual([undefined, undefined]);
    const sequences = Array.from(batch ?? [], ({ sequence }) => sequence);
    expect(batch?.at(1)?.sequence).toBe(sequences[1]);
    mark.poll();
    expect([batch?.length, batch?.at(0)]).toEqual([0, undefined]);
    while (read.poll());
  }
});

test.each(kinds)('%s: text is written as UTF-8', (producers) => {
  const { out, mark, read } = records(1024, { producers });
  const texts = ['', 'plain', 'größer: ASCII', '𝒳'.repeat(20)];
  for (const text of texts) out.tryPublish(text);
  out.flush();
  while (mark.poll());
  expect(Array.from(read.poll() ?? [], ({ bytes }) => bytes.toString())).toEqual(texts);
});

test.each(kinds)('%s: header fields begin as zeros and belong to their stages', (producers) => {
  const { out, mark, read } = records(256, { producers });
  const seen: unknown[] = [];
  for (const lap of range(0, 10)) {
    out.tryPublish(
      'x',
      (header, n: number) => {
        if (n % 2 === 0) Object.assign(header, { reply: n, flag: 9, tag: Buffer.from('tag') });
      },
      lap,
    );
    out.flush();
    for (const record of mark.poll() ?? []) {
      if (lap % 2 === 1) record.flag = 5;
      expect(() => Object.assign(record, { reply: 1 })).toThrow(
        expect.objectContaining({ code: 'ERR_MILLRACE_FIELD_OWNERSHIP' }),
      );
    }
    mark.poll();
    for (const { reply, flag, tag } of read.poll() ?? []) seen.push([reply, flag, `${tag}`]);
    read.poll();
  }
  const even = (n: number) => [n, 9, 'tag'];
  const odd = [0, 5, '\0\0\0'];
  expect(seen).toEqual(range(0, 10).map((n) => (n % 2 === 0 ? even(n) : odd)));
});

test.each(kinds)('%s: the largest record fits, a larger one is refused', async (producers) => {
  const { ring, out, mark, read } = records(512, { producers });
  const { maxPayload } = out;
  expect(maxPayload).toBe(512 / 2 - 8 - 8);
  const tooLarge = expect.objectContaining({ code: 'ERR_MILLRACE_FRAME_TOO_LARGE' });
  for (const n of range(0, 5)) {
    const bytes = payload(maxPayload, n);
    await out.publish(bytes, undefined, undefined, { timeout: 1000 });
    out.flush();
    while (mark.poll());
    expect(Array.from(read.poll() ?? [], (record) => record.copy())).toEqual([bytes]);
    while (read.poll());
    expect(() => out.tryPublish(Buffer.alloc(maxPayload + 1))).toThrow(tooLarge);
    expect(() => out.tryPublish('ä'.repeat(maxPayload / 2 + 1))).toThrow(tooLarge);
    out.tryPublish('move on');
    out.flush();
    while (mark.poll());
    while (read.poll());
  }
  expect(ring.stats().stages.read?.lag).toBe(0);
});

test.each([
  ['a number', 5],
  ['nothing', undefined],
  ['an array', [1, 2]],
])('%s is no payload', (_what, payload) => {
  const { out } = records(256);
  expect(() => out.tryPublish(payload as never)).toThrow(TypeError);
});

test.each(kinds)(
  '%s: a full ring takes a record again when its room is free, and not before',
  async (producers) => {
    const { out, mark, read } = records(256, { producers });
    let n = 0;
    while (out.tryPublish(Buffer.alloc(40, n))) n += 1;
    // One more is staged, where a producer is one of several.
    expect(n).toBe(producers === 'single' ? 4 : 5);
    expect(await outcome(out.publish('more', undefined, undefined, { timeout: 5 }))).toBe(
      'ERR_MILLRACE_TIMEOUT',
    );
    const small = out.ready(4);
    const large = out.publish(Buffer.alloc(100, 9));
    const waiting = Promise.all([small, large]);
    const marking = async () => {
      for await (const _ of mark);
    };
    const marked = outcome(marking());
    const seen: number[] = [];
    for await (const batch of read) {
      for (const record of batch) seen.push(record.bytes[0] as number);
      if (seen.includes(9)) break;
    }
    await waiting;
    mark.close();
    expect(await marked).toBe('ERR_MILLRACE_CLOSED');
    expect(seen).toEqual([...range(0, n), 9]);
    expect(() => out.ready(-1)).toThrow(TypeError);
    expect(() => out.ready(out.maxPayload + 1)).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_FRAME_TOO_LARGE' }),
    );
  },
);

test.each([
  ['a capacity that is no power of two', { capacity: 96 }],
  ['a capacity below two places', { capacity: 32 }],
  ['a header that leaves no room', { capacity: 64, header: { a: 'bytes(30)' } }],
])('%s is refused', (_what, options) => {
  expect(() => ByteRing.create({ stages: { read: {} }, ...options } as never)).toThrow(TypeError);
});

test.each([
  ['no object', null, 'header must be an object of fields'],
  ['a name that records have', { length: 'u8' }, 'header must be names of'],
  ['an unknown type', { kind: 'u7' }, 'header.kind must be a number type'],
])('a header of %s is refused by its name', (_what, header, message) => {
  const options = { capacity: 256, stages: { read: {} }, header } as never;
  expect(() => ByteRing.create(options)).toThrow(message);
});

test('the compiler refuses stages and fields that a byte ring does not have', () => {
  const header = { kind: 'u8' } as const;
  const make = <R extends SharedRing>(create: () => R) => create;
  const broken = [
    // @ts-expect-error: there is no stage 'pars'
    make(() => ByteRing.create({ capacity: 256, header, stages: { a: { after: ['pars'] } } })),
    // @ts-expect-error: there is no field 'size'
    make(() => ByteRing.create({ capacity: 256, header, stages: { a: { writes: ['size'] } } })),
    // @ts-expect-error: there is no field at all
    make(() => ByteRing.create({ capacity: 256, stages: { a: { writes: ['kind'] } } })),
    // @ts-expect-error: there is no option 'before'
    make(() => ByteRing.create({ capacity: 256, header, stages: { a: { before: [] } } })),
    // @ts-expect-error: there is no type 'u7'
    make(() => ByteRing.create({ capacity: 256, header: { kind: 'u7' }, stages: { a: {} } })),
  ];
  for (const create of broken) expect(create).toThrow(TypeError);

  const stages = { mark: { writes: ['kind'] }, read: { after: ['mark'] } } as const;
  const ring = closing(ByteRing.create({ capacity: 256, header, stages }));
  // @ts-expect-error: there is no stage 'reed'
  expect(() => ring.consumer('reed')).toThrow(TypeError);
  // @ts-expect-error: there is no stage 'reed'
  expect(() => ring.join('late', { after: ['reed'] })).toThrow(TypeError);
  const [mark, read] = [ring.consumer('mark'), ring.consumer('read')];
  const out = ring.producer();
  // @ts-expect-error: there is no field 'size'
  out.tryPublish('x', (header) => header.size);
  out.flush();
  for (const record of mark.poll() ?? []) record.kind = 7;
  mark.poll();
  for (const record of read.poll() ?? []) {
    expect(record.kind).toBe(7);
    expect(() => {
      // @ts-expect-error: 'read' owns nothing
      record.kind = 8;
    }).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_FIELD_OWNERSHIP' }));
    expect(() => {
      // @ts-expect-error: the payload is nobody's to assign
      record.bytes = Buffer.alloc(1);
    }).toThrow(TypeError);
  }
  expect.assertions(10);
});

test('a record as JSON has its header fields and payload', () => {
  const { out, mark } = records(256);
  out.tryPublish('hi', (header) => {
    header.reply = 7;
  });
  out.flush();
  const [record] = mark.poll() ?? [];
  const { sequence, bytes, reply } = JSON.parse(JSON.stringify(record));
  expect([sequence, Buffer.from(bytes), reply]).toEqual([0, Buffer.from('hi'), 7]);
});

test('a record prints its header fields and payload', () => {
  const { out, mark } = records(256);
  out.tryPublish('hi', (header) => {
    header.reply = 7;
  });
  out.flush();
  const [record] = mark.poll() ?? [];
  expect(inspect(record, { breakLength: Infinity })).toBe(
    '{ sequence: 0, bytes: <Buffer 68 69>, reply: 7, flag: 0, tag: <Buffer 00 00 00> }',
  );
});

test.each(kinds)(
  '%s: a ring ends whose producer announced more than it wrote',
  async (producers) => {
    const ring = closing(ByteRing.create({ capacity: 4096, stages: { read: {} }, producers }));
    const out = ring.producer();
    const broken = () => {
      throw new Error('broken');
    };
    expect(() => out.tryPublish(Buffer.alloc(1000), broken)).toThrow('broken');
    out.tryPublish('x');
    const closed = ring.close();
    const seen: string[] = [];
    for await (const batch of ring.consumer('read')) {
      for (const { bytes } of batch) seen.push(`${bytes}`);
    }
    expect(seen).toEqual(['x']);
    expect(await closed).toEqual({ consumed: 1, abandoned: 0 });
  },
);

test('a payload of memory that has grown is copied whole', () => {
  const { out, mark } = records(1024);
  // The compiler's library does not know of memory that grows.
  const Resizable = ArrayBuffer as unknown as new (
    bytes: number,
    options: object,
  ) => ArrayBuffer & { resize(bytes: number): void };
  const buffer = new Resizable(64, { maxByteLength: 4096 });
  const send = (at: number) => {
    out.tryPublish(new Uint8Array(buffer, at, 64));
    out.flush();
    const [record] = mark.poll() ?? [];
    return record?.copy();
  };
  send(0);
  buffer.resize(4096);
  new Uint8Array(buffer).fill(7);
  expect(send(1024)).toEqual(Buffer.alloc(64, 7));
});

/** A multi-producer ring of records, and its consumer, whose batches are all that is ready. */
function plain(capacity: number) {
  const ring = closing(
    ByteRing.create({ capacity, header: { n: 'u8' }, stages: { read: {} }, producers: 'multi' }),
  );
  return { ring, out: ring.producer(), read: ring.consumer('read', { maxBatch: capacity }) };
}

const bytesOf = (batch: Iterable<{ n: number; bytes: Buffer }> | undefined) =>
  Array.from(batch ?? [], ({ n, bytes }) => `${n}${bytes}`);

test('one of several producers publishes what it has staged by one native call', async () => {
  const { ring, out, read } = plain(4096);
  const { publishCopied } = binding;
  let calls = 0;
  binding.publishCopied = (...values) => {
    calls += 1;
    return publishCopied(...values);
  };
  try {
    for (const n of range(0, 10)) {
      out.tryPublish('abc', (header) => {
        header.n = n;
      });
    }
    expect([ring.stats().cursor, out.staged]).toEqual([0, 10]);
    await setImmediate();
    expect([calls, out.staged]).toEqual([1, 0]);
    expect(bytesOf(read.poll())).toEqual(range(0, 10).map((n) => `${n}abc`));
    // A quarter of the ring.
    for (const _ of range(0, 32)) out.tryPublish('abc');
    expect([calls, out.staged]).toEqual([2, 0]);
  } finally {
    binding.publishCopied = publishCopied;
  }
});

test('one of several producers has a record written once, however full the ring is', async () => {
  const { out, read } = plain(512);
  const written: number[] = [];
  const write = (header: { n: number }, n: number) => {
    written.push(n);
    header.n = n;
  };
  const publish = async () => {
    // Some are longer than what is staged at most.
    for (const n of range(0, 60)) await out.publish('x'.repeat((n % 5) * 50), write, n);
    out.close();
  };
  const publishing = publish();
  const seen: number[] = [];
  for await (const batch of read) {
    for (const record of batch) {
      expect(record.length).toBe((record.n % 5) * 50);
      seen.push(record.n);
    }
    if (seen.length === 60) break;
  }
  await publishing;
  expect([seen, written]).toEqual([range(0, 60), range(0, 60)]);
});

test('a long record comes behind what its producer has staged', () => {
  const { out, read } = plain(1024);
  out.tryPublish('a');
  out.tryPublish('b'.repeat(400));
  out.tryPublish('c');
  out.flush();
  expect(bytesOf(read.poll())).toEqual(['0a', `0${'b'.repeat(400)}`, '0c']);
});

test('a producer of records that is closed while the ring is full keeps its seat until they are in', async () => {
  const { ring, out, read } = plain(512);
  let n = 0;
  while (out.tryPublish('x')) n += 1;
  out.close();
  expect([n, ring.stats().producers]).toEqual([16 + 4, 1]);
  const closed = ring.close();
  let seen = 0;
  for await (const batch of read) seen += bytesOf(batch).length;
  expect(seen).toBe(n);
  expect(await closed).toEqual({ consumed: n, abandoned: 0 });
  expect(ring.stats()).toMatchObject({ producers: 0, lost: 0 });
});

test('records that were accepted and can no longer be published are counted', () => {
  const { ring, out } = plain(512);
  const other = closing(ByteRing.attach(ring.handle));
  while (out.tryPublish('x'));
  ring.detach();
  expect(other.stats()).toMatchObject({ cursor: 16, lost: 4, producers: 0 });
});

test.each(kinds)(
  '%s: publishMany publishes a record a payload, however little room there is',
  async (producers) => {
    const ring = closing(
      ByteRing.create({ capacity: 512, header: { n: 'u8' }, stages: { read: {} }, producers }),
    );
    const [out, read] = [ring.producer(), ring.consumer('read')];
    const payloads = range(0, 100).map((n) => (n % 2 === 0 ? 'x'.repeat(n) : payload(n, n)));
    const many = out.publishMany(
      payloads,
      (header, i, base: number) => {
        header.n = base + i;
      },
      100,
    );
    const seen: [number, Buffer][] = [];
    for await (const batch of read) {
      for (const record of batch) seen.push([record.n, record.copy()]);
      if (seen.length === 100) break;
    }
    await many;
    expect(seen).toEqual(payloads.map((bytes, i) => [100 + i, Buffer.from(bytes as string)]));
    const invalid = 'ERR_MILLRACE_INVALID_ARGUMENT';
    expect(await outcome(out.publishMany('text' as never))).toBe(invalid);
    expect(await outcome(out.publishMany(['x', 5 as never]))).toBe(invalid);
    expect(await outcome(out.publishMany([], 5 as never))).toBe(invalid);
    const tooLong = out.publishMany(['y'.repeat(out.maxPayload + 1)]);
    expect(await outcome(tooLong)).toBe('ERR_MILLRACE_FRAME_TOO_LARGE');
    const endless = Array(100).fill('z');
    expect(await outcome(out.publishMany(endless, undefined, undefined, { timeout: 5 }))).toBe(
      'ERR_MILLRACE_TIMEOUT',
    );
  },
);
