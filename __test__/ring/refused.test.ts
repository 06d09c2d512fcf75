import { expect, test } from '@jest/globals';
import { BatchQueue, ByteRing, Ring } from 'millrace';
import { all, closing, number, numbers, outcome } from './rings.js';

const refused = expect.objectContaining({ code: 'ERR_MILLRACE_INVALID_ARGUMENT' });
const closed = expect.objectContaining({ code: 'ERR_MILLRACE_CLOSED' });

const define = (fields: object, stages: object = { read: {} }) =>
  Ring.define({ fields: fields as never, stages: stages as never });

const methods = ['copy', 'sequence', 'length', 'bytes', 'toJSON'];
const ofEveryObject = ['constructor', '__proto__', 'toString', 'valueOf', 'hasOwnProperty'];

test.each([...methods, ...ofEveryObject, '$at', '$', '', '1st', 'a b'])(
  'a field named %p is refused',
  (name) => {
    expect(() => define({ [name]: 'u8' })).toThrow(refused);
    expect(() => define({ [name]: 'u8' })).toThrow(
      /^fields must be names of letters, digits and '_'/,
    );
  },
);

test.each([
  ['a stage named __proto__', { ['__proto__']: {} }, "stages must be other names than '__proto__'"],
  ['a stage that is null', { a: null }, 'stages.a must be an object'],
  ['a stage that is a number', { a: 5 }, 'stages.a must be an object'],
  [
    'after without brackets',
    { a: { after: 'b' }, b: {} },
    "stages.a.after must be an array; got 'b'",
  ],
  ['after as null', { a: { after: null } }, 'stages.a.after must be an array'],
  [
    'an option that stages do not have',
    { a: { before: ['b'] }, b: {} },
    "after, writes, workers; got 'before'",
  ],
  ['writes without brackets', { a: { writes: 'n' } }, "stages.a.writes must be an array; got 'n'"],
])('%s is refused', (_what, stages, message) => {
  expect(() => define({ n: 'u8' }, stages)).toThrow(refused);
  expect(() => define({ n: 'u8' }, stages)).toThrow(message);
});

test('stages with names that every object has are told apart by their own', () => {
  const stages = { constructor: {}, toString: { after: ['constructor'] } } as const;
  const definition = Ring.define({ fields: { n: 'u32' }, stages });
  const ring = closing(Ring.create({ ...definition, capacity: 4 }));
  ring.producer().tryPublish(number, 1);
  const first = ring.consumer('constructor');
  expect(ring.stats().stages.toString).toMatchObject({ sequence: 0 });
  expect(Object.keys(ring.stats().stages)).toEqual(['constructor', 'toString']);
  expect(first.poll()).toBeUndefined();
});

test.each([0, 1, 3, 12, -8, 2 ** 31, Number.NaN, Infinity, '8', 8n, null, undefined, {}])(
  'a capacity of %p is refused',
  (capacity) => {
    const create = () => Ring.create({ ...define({ n: 'u8' }), capacity: capacity as never });
    expect(create).toThrow(refused);
    expect(create).toThrow('capacity must be a power of two from 2 to 1073741824; got ');
    expect(() => ByteRing.create({ capacity: capacity as never, stages: { read: {} } })).toThrow(
      /^capacity must be a power of two from 64 to 1073741824; got /,
    );
  },
);

test('a ring beyond 2 GiB is refused, with its size', () => {
  expect(() => Ring.create({ ...define({ n: 'u8' }), capacity: 2 ** 30 })).toThrow(
    'less than 2 GiB, not 85899',
  );
});

const noWhole = [0, -1, 1.5, Number.NaN, Infinity, '4', null];

test.each(noWhole)('a maxBatch, and a max, of %p is refused', (wrong) => {
  const { ring, read } = numbers(4);
  expect(() => read.poll(wrong as never)).toThrow('max must be a whole number from 1');
  read.close();
  expect(() => ring.consumer('read', { maxBatch: wrong as never })).toThrow(refused);
  // And leaves the stage free.
  ring.consumer('read');
});

test.each([null, 5, 'manual'])('options of a consumer that are %p are refused', (options) => {
  const { ring, read } = numbers(4);
  read.close();
  expect(() => ring.consumer('read', options as never)).toThrow('options must be an object');
});

test.each([undefined, null, 5, {}, 'reed', '__proto__', 'toString'])(
  'there is no stage %p',
  (name) => {
    const { ring } = numbers(4);
    expect(() => ring.consumer(name as never)).toThrow('stage must be one of read; got ');
  },
);

test.each([undefined, null, 5, 'n', {}])('%p is no handler, and no map', async (wrong) => {
  const { out, read } = numbers(4);
  out.tryPublish(number, 1);
  out.flush();
  const batch = read.poll();
  expect(() => read.run(wrong as never)).toThrow('handler must be a function');
  await using queue = BatchQueue.create<number, undefined>((batch) =>
    batch.take().map(() => undefined),
  );
  expect(await outcome(read.into(queue, { map: wrong as never }))).toBe(
    'ERR_MILLRACE_INVALID_ARGUMENT',
  );
  expect(await outcome(read.into(queue, undefined as never))).toBe('ERR_MILLRACE_INVALID_ARGUMENT');
  // The batch in hand is that of before.
  expect(all(batch)).toEqual([1]);
});

test('the handle of another layout version is refused, with both versions', () => {
  for (const ring of [
    numbers(4).ring,
    closing(ByteRing.create({ capacity: 64, stages: { a: {} } })),
  ]) {
    const { handle } = ring;
    const { memory } = handle as { memory: SharedArrayBuffer };
    const version = new Int32Array(memory, 4, 1);
    const own = version[0] as number;
    version[0] = 99;
    const attach = () =>
      ring instanceof Ring ? Ring.attach(handle as never) : ByteRing.attach(handle as never);
    expect(attach).toThrow(refused);
    expect(attach).toThrow(`layout version 99, this build reads ${own}`);
    version[0] = own;
    closing(attach());
  }
});

test.each([7, 1020, 4096])('memory of %d bytes that is no ring is refused', (bytes) => {
  const { handle } = numbers(4).ring;
  const forged = { ...handle, memory: new SharedArrayBuffer(bytes) } as never;
  expect(() => Ring.attach(forged)).toThrow(refused);
});

test.each([undefined, null, 5])(
  'definitions and options that are %p are refused',
  async (wrong) => {
    const none = wrong as never;
    const { ring, read } = numbers(4);
    for (const call of [
      () => Ring.define(none),
      () => Ring.create(none),
      () => ByteRing.create(none),
    ]) {
      expect(call).toThrow(refused);
      expect(call).toThrow(/must be an object with .*; got /);
    }
    expect(await outcome(ring.run('read', none, none))).toBe('ERR_MILLRACE_INVALID_ARGUMENT');
    if (wrong === undefined) return;
    expect(() => ring.join('late', none)).toThrow(refused);
    expect(() => read.run(() => {}, none)).toThrow(refused);
    expect(await outcome(ring.close(none))).toBe('ERR_MILLRACE_INVALID_ARGUMENT');
  },
);

test("a handle whose fields or stages are not its memory's is refused", () => {
  const stages = { a: {}, b: { after: ['a'] } };
  const ring = closing(Ring.create({ ...define({ n: 'u32' }, stages), capacity: 4 }));
  const header = { n: 'u32' } as const;
  const bytes = closing(ByteRing.create({ capacity: 1024, header, stages: { a: {} } }));
  const forged = (handle: object, other: object) => ({ ...handle, ...other }) as never;
  for (const other of [
    { fields: { n: 'u32', more: 'bytes(64)' } },
    { stages: { ...stages, more: {} } },
    { stages: { a: {}, b: {} } },
  ]) {
    expect(() => Ring.attach(forged(ring.handle, other))).toThrow(
      /^handle must be one whose fields and stages are those of the ring's memory; got /,
    );
  }
  expect(() => ByteRing.attach(forged(bytes.handle, { fields: { n: 'u64' } }))).toThrow(
    /^handle must be one whose fields and stages are those of the ring's memory; got /,
  );
  for (const other of [{ stages: {} }, { fields: undefined }, { stages: null }]) {
    expect(() => Ring.attach(forged(ring.handle, other))).toThrow(refused);
  }
});

test.each(['single', 'multi'] as const)(
  '%s: a closed ring is attached to, and takes nothing',
  async (producers) => {
    const { ring, out } = numbers(4, { producers });
    out.tryPublish(number, 1);
    out.close();
    expect(await ring.close({ timeout: 0 })).toEqual({ consumed: 0, abandoned: 1 });
    const same = closing(Ring.attach(ring.handle));
    const late = same.producer();
    expect(() => late.tryPublish(number as never, 2 as never)).toThrow(closed);
    expect(await outcome(late.publish(number as never, 2 as never))).toBe('ERR_MILLRACE_CLOSED');
    expect(await same.close({ timeout: 0 })).toEqual({ consumed: 0, abandoned: 1 });
  },
);

test('a closed byte ring is attached to, and takes nothing', async () => {
  const ring = closing(ByteRing.create({ capacity: 256, stages: { read: {} } }));
  await ring.close();
  const same = closing(ByteRing.attach(ring.handle));
  expect(() => same.producer().tryPublish('late')).toThrow(closed);
});

test.each(['single', 'multi'] as const)(
  '%s: what is no function fills no event, and nothing is accepted',
  async (producers) => {
    const { ring, out, read } = numbers(4, { producers });
    const bytes = closing(ByteRing.create({ capacity: 256, stages: { read: {} }, producers }));
    const records = bytes.producer();
    for (const wrong of [undefined, null, 5, {}, 'write'] as never[]) {
      expect(() => out.tryPublish(wrong)).toThrow('write must be a function that fills the event');
      expect(await outcome(out.publish(wrong))).toBe('ERR_MILLRACE_INVALID_ARGUMENT');
      expect(await outcome(out.publishMany(2, wrong))).toBe('ERR_MILLRACE_INVALID_ARGUMENT');
      if (wrong !== undefined) expect(() => records.tryPublish('x', wrong)).toThrow(refused);
    }
    out.tryPublish(number, 7);
    for (const producer of [out, records]) producer.flush();
    expect(all(read.poll())).toEqual([7]);
    expect([ring.stats().cursor, bytes.stats().cursor]).toEqual([1, 0]);
  },
);
