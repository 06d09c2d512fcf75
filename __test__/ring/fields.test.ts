import { inspect } from 'node:util';
import { expect, test } from '@jest/globals';
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
  levels: 'f64[3]',
  small: 'u8[5]',
  big: 'u64[2]',
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
  levels: [1.5, -2.5, 3.5],
  small: [1, 2, 3, 4, 5],
  big: [1n, 2n ** 63n],
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
    const { levels, small, big, tag, ...rest } = copy as NonNullable<typeof copy>;
    expect({
      ...rest,
      levels: Array.from(levels),
      small: Array.from(small),
      big: Array.from(big),
      tag: Buffer.from(tag),
    }).toEqual(values);
  }
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
  ['text that is too long in UTF-8', { name: 'ää!' }],
  ['an array that is too short', { levels: [1] }],
  ['an array that is none', { levels: 7 }],
])('%s is refused, and the event is not accepted', (_what, wrong) => {
  const { ring, out } = ringOf({ tag: 'bytes(4)', name: 'utf8(4)', levels: 'f32[2]' });
  expect(() => out.tryPublish((event) => Object.assign(event, wrong) && undefined)).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_INVALID_ARGUMENT' }),
  );
  out.flush();
  expect(ring.stats().cursor).toBe(0);
});

test.each([
  ['an unknown type', { a: 'u31' }],
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

test('printing an event shows its fields', () => {
  const { out, read } = ringOf({ id: 'u32', name: 'utf8(8)' });
  out.tryPublish((event) => {
    event.id = 7;
    event.name = 'seven';
  });
  out.flush();
  expect(inspect(read.poll()?.at(0))).toBe("{ id: 7, name: 'seven' }");
});
