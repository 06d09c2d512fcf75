import { inspect } from 'node:util';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Fields, Ring } from 'millrace';
import { closing } from './rings.js';

const fields = {
  i8: 'i8',
  u8: 'u8',
  i16: 'i16',
  u16: 'u16',
  i32: 'i32',
  u32: 'u32',
  f32: 'f32',
  f64: 'f64',
  i64: 'i64',
  u64: 'u64',
  i64n: 'i64:number',
  u64n: 'u64:number',
  levels: 'f64[3]',
  small: 'u8[5]',
  big: 'u64[2]',
  safe: 'i64:number[3]',
  tag: 'bytes(20)',
  name: 'utf8(10)',
} as const;

const values = {
  i8: -128,
  u8: 255,
  i16: -32768,
  u16: 65535,
  i32: -(2 ** 31),
  u32: 2 ** 32 - 1,
  f32: 0.5,
  f64: 1e300,
  i64: -(2n ** 63n),
  u64: 2n ** 64n - 1n,
  i64n: Number.MIN_SAFE_INTEGER,
  u64n: Number.MAX_SAFE_INTEGER,
  levels: [1.5, -2.5, 3.5],
  small: [1, 2, 3, 4, 5],
  big: [1n, 2n ** 63n],
  safe: [Number.MIN_SAFE_INTEGER, -1, Number.MAX_SAFE_INTEGER],
  tag: Buffer.from('twenty bytes exactly'),
  name: 'größer',
};

function ringOf<const F extends Fields>(fields: F, capacity = 4) {
  const ring = closing(Ring.create({ ...Ring.define({ fields, stages: { read: {} } }), capacity }));
  return { ring, out: ring.producer(), read: ring.consumer('read') };
}

test('every type of field carries its extreme values, beside all others', () => {
  const { out, read } = ringOf(fields);
  // Three laps: slots behind and before must not be touched.
  for (let lap = 0; lap < 12; lap++) {
    out.tryPublish((event) => {
      Object.assign(event, values);
    });
    out.flush();
    const copy = read.poll()?.at(0)?.copy();
    const { levels, small, big, safe, tag, ...rest } = copy as NonNullable<typeof copy>;
    expect({
      ...rest,
      levels: Array.from(levels),
      small: Array.from(small),
      big: Array.from(big),
      safe: Array.from(safe),
      tag: Buffer.from(tag),
    }).toEqual(values);
  }
});

test.each(['i64', 'u64'] as const)(
  "'%s:number' has the bytes of '%s', and is exact up to 2^53",
  (type) => {
    const most = type === 'i64' ? 2n ** 63n - 1n : 2n ** 64n - 1n;
    const least = type === 'i64' ? -(2n ** 63n) : 0n;
    const bigints = ringOf({ n: type, array: `${type}[2]` }, 2);
    // What a native stage has: the same memory, with fields of 64 bits.
    const fields = { n: `${type}:number`, array: `${type}:number[2]` };
    const numbers = closing(Ring.attach({ ...(bigints.ring.handle as object), fields } as never));
    bigints.read.close();
    const read = numbers.consumer('read' as never) as unknown as {
      poll(): Iterable<{ n: number; array: ArrayLike<number> }> | undefined;
    };
    const near = fc.tuple(fc.bigInt({ min: -4n, max: 4n }), fc.integer({ min: 0, max: 64 }));
    const edges = near.map(([by, bits]) => 2n ** BigInt(bits) + by);
    const signed = fc.oneof(
      edges,
      edges.map((n) => -n),
      fc.bigInt({ min: least, max: most }),
    );
    const any = signed.filter((n) => n >= least && n <= most);
    fc.assert(
      fc.property(any, any, (n, other) => {
        bigints.out.tryPublish((event) => {
          event.n = n;
          event.array = [other, n];
        });
        bigints.out.flush();
        for (const event of read.poll() ?? []) {
          expect(event.n).toBe(Number(n));
          expect(Array.from(event.array)).toEqual([Number(other), Number(n)]);
        }
      }),
    );
    // And the other way.
    numbers.detach();
    bigints.out.close();
    const written = ringOf({ n: `${type}:number`, array: `${type}:number[2]` }, 2);
    written.read.close();
    const same = { n: type, array: `${type}[2]` };
    const seen = closing(
      Ring.attach({ ...(written.ring.handle as object), fields: same } as never),
    );
    const see = seen.consumer('read' as never) as unknown as {
      poll(): Iterable<{ n: bigint; array: ArrayLike<bigint> }> | undefined;
    };
    const safe = fc.maxSafeInteger().map((n) => (type === 'u64' ? Math.abs(n) : n));
    fc.assert(
      fc.property(safe, safe, (n, other) => {
        written.out.tryPublish((event) => {
          event.n = n;
          event.array = [n, other];
        });
        written.out.flush();
        for (const event of see.poll() ?? []) {
          expect(event.n).toBe(BigInt(n));
          expect(Array.from(event.array)).toEqual([BigInt(n), BigInt(other)]);
        }
      }),
    );
  },
);

test.each([
  { i: 2 ** 53 },
  { i: -(2 ** 53) },
  { i: 0.5 },
  { i: Number.NaN },
  { i: 1n },
  { i: '1' },
  { u: -1 },
  { u: 2 ** 53 },
  { u: undefined },
  { is: [1, 2 ** 53] },
  { is: [1] },
  { us: [0, -1] },
])('%p is no safe integer, and the event is not accepted', (wrong) => {
  const { ring, out } = ringOf({
    i: 'i64:number',
    u: 'u64:number',
    is: 'i64:number[2]',
    us: 'u64:number[2]',
  });
  expect(() => out.tryPublish((event) => Object.assign(event, wrong) && undefined)).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_INVALID_ARGUMENT' }),
  );
  out.flush();
  expect(ring.stats().cursor).toBe(0);
});

test('a stage reads and assigns numbers where the type says so, and the compiler knows', () => {
  const fields = { at: 'u64:number', from: 'i64', sums: 'i64:number[2]' } as const;
  const definition = Ring.define({ fields, stages: { add: { writes: ['at', 'sums'] } } });
  const ring = closing(Ring.create({ ...definition, capacity: 4 }));
  const out = ring.producer();
  out.tryPublish((event) => {
    const at: number = event.at;
    event.at = at + 2 ** 40;
    event.from = 7n;
    event.sums = [1, 2];
    expect(() => {
      // @ts-expect-error: a number, no BigInt
      event.at = 1n;
    }).toThrow(TypeError);
  });
  out.flush();
  for (const event of ring.consumer('add').poll() ?? []) {
    event.at += 1;
    event.sums = Array.from(event.sums, (n: number) => -n);
    // Numbers that were read are an array of their own.
    const { sums } = event;
    event.sums = [3, 4];
    expect([event.at, event.from, Array.from(sums)]).toEqual([2 ** 40 + 1, 7n, [-1, -2]]);
    expect(event.copy()).toEqual({ at: 2 ** 40 + 1, from: 7n, sums: new Float64Array([3, 4]) });
  }
  expect.assertions(3);
});

test('a copy is independent of the slot', () => {
  const { out, read } = ringOf({ tag: 'bytes(4)', levels: 'i32[2]', name: 'utf8(4)' }, 2);
  const publish = (n: number) => {
    out.tryPublish((event) => {
      event.tag = Buffer.alloc(4, n);
      event.levels = [n, n];
      event.name = `${n}`;
    });
    out.flush();
  };
  publish(1);
  const copy = read.poll()?.at(0)?.copy();
  for (const n of [2, 3, 4]) {
    publish(n);
    read.poll();
  }
  expect(copy).toEqual({ tag: Buffer.alloc(4, 1), levels: new Int32Array([1, 1]), name: '1' });
});

test('shorter bytes are padded with zeros, shorter text ends where it ends', () => {
  const { out, read } = ringOf({ tag: 'bytes(7)', name: 'utf8(7)' }, 2);
  const seen = [];
  for (const text of ['longest', 'ab', '', 'abcdef']) {
    out.tryPublish((event) => {
      event.tag = Buffer.from(text);
      event.name = text;
    });
    out.flush();
    for (const { tag, name } of read.poll() ?? []) seen.push([Buffer.from(tag).toString(), name]);
  }
  expect(seen).toEqual([
    ['longest', 'longest'],
    ['ab\0\0\0\0\0', 'ab'],
    ['\0\0\0\0\0\0\0', ''],
    ['abcdef\0', 'abcdef'],
  ]);
});

test.each([
  ['bytes that are too long', { tag: Buffer.alloc(5) }],
  ['bytes that are none', { tag: 'text' }],
  ['text that is too long in UTF-8', { name: 'äääää' }],
  ['text that is none', { name: 5 }],
  ['text that is left out', { name: undefined }],
  ['an array that is too short', { levels: [1] }],
  ['an array that is none', { levels: 7 }],
  ['an array that is text', { levels: '12' }],
  ['an array of 64 bits that is text', { sums: '12' }],
])('%s is refused, and the event is not accepted', (_what, wrong) => {
  const { ring, out } = ringOf({
    tag: 'bytes(4)',
    name: 'utf8(9)',
    levels: 'f32[2]',
    sums: 'u64:number[2]',
  });
  expect(() => out.tryPublish((event) => Object.assign(event, wrong) && undefined)).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_INVALID_ARGUMENT' }),
  );
  out.flush();
  expect(ring.stats().cursor).toBe(0);
});

test.each([
  ['an unknown type', { a: 'u31' }],
  ['a number type that has no numbers', { a: 'i32:number' }],
  ['no length', { a: 'bytes' }],
  ['a length of zero', { a: 'bytes(0)' }],
  ['an array of zero', { a: 'u8[0]' }],
  ['a length beyond 65535', { a: 'utf8(65536)' }],
  ['a name that is no identifier', { 'a-b': 'u8' }],
  ['a name that events have already', { copy: 'u8' }],
  ['no object', 'u8'],
])('%s is refused at definition', (_what, fields) => {
  expect(() => Ring.define({ fields: fields as never, stages: { read: {} } })).toThrow(TypeError);
});

test('text is well formed as it is read: a lone surrogate becomes the replacement character', () => {
  const { out, read } = ringOf({ name: 'utf8(4)' });
  out.tryPublish((event) => {
    event.name = 'a\ud800';
  });
  out.flush();
  expect(read.poll()?.at(0)?.name).toBe('a\ufffd');
});

test('an event as JSON has its fields', () => {
  const { out, read } = ringOf({ id: 'u32', levels: 'u8[2]' });
  out.tryPublish((event) => {
    event.id = 7;
    event.levels = [1, 2];
  });
  out.flush();
  const json = JSON.stringify(read.poll()?.at(0));
  expect(JSON.parse(json)).toEqual({ id: 7, levels: { 0: 1, 1: 2 } });
});

test('printing an event shows its fields', () => {
  const { out, read } = ringOf({ id: 'u32', name: 'utf8(8)' });
  out.tryPublish((event) => {
    event.id = 7;
    event.name = 'seven';
  });
  out.flush();
  expect(inspect(read.poll()?.at(0))).toBe("{ id: 7, name: 'seven' }");
});
