import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';

// Read when the package is loaded.
process.env.MILLRACE_CHECK = '1';
const { ByteRing, Ring } = await import('millrace');
const { closing } = await import('./rings.js');

const fields = { n: 'u32', tag: 'bytes(4)', levels: 'f64[2]', sums: 'u64:number[2]' } as const;
const stages = {
  own: { writes: ['tag', 'levels'] },
  beside: {},
  behind: { after: ['own', 'beside'] },
} as const;

function make() {
  const ring = closing(Ring.create({ ...Ring.define({ fields, stages }), capacity: 8 }));
  const out = ring.producer();
  for (let n = 1; n < 4; n++) {
    out.tryPublish((event, n) => {
      Object.assign(event, { n, tag: Buffer.alloc(4, n), levels: [n, n], sums: [n, n] });
    }, n);
  }
  out.flush();
  return ring;
}

const refused = (stage: string, field: string) =>
  expect.objectContaining({
    code: 'ERR_MILLRACE_FIELD_OWNERSHIP',
    message: expect.stringMatching(`^stage '${stage}' has written into the field '${field}'`),
  });

type Bytes = { fill(value: number): void };

/** Writes as JavaScript does, which has no types. */
const scribble = (bytes: unknown) => (bytes as Bytes).fill(9);

/** A ring whose first stages have passed everything. */
function passed() {
  const ring = make();
  for (const name of ['own', 'beside'] as const) {
    const consumer = ring.consumer(name);
    while (consumer.poll());
  }
  return ring;
}

test.each([
  ['tag', Buffer.alloc(4, 1)],
  ['levels', new Float64Array([1, 1])],
] as const)(
  "writing into another stage's field '%s' is found at the next event, and undone",
  (field, value) => {
    const ring = passed();
    const look = ring.join('look', { from: 'oldest' });
    const seen: number[] = [];
    const loop = () => {
      for (const event of ring.consumer('behind').poll() ?? []) {
        seen.push(event.n);
        scribble(event[field]);
      }
    };
    expect(loop).toThrow(refused('behind', field));
    expect(seen).toEqual([1]);
    expect(look.poll()?.at(0)?.[field]).toEqual(value);
  },
);

test('writing into the last event of a batch is found at the next step, or the release', () => {
  const watch = make().join('watch', { from: 'oldest' });
  // Who joins beside the owner sees it write.
  scribble(watch.poll(1)?.at(0)?.tag);
  expect(watch.poll(1)?.at(0)?.n).toBe(2);
  const behind = passed().join('after', { after: ['own', 'beside'], from: 'oldest' });
  scribble(behind.poll(1)?.at(0)?.levels);
  expect(() => behind.poll(1)).toThrow(refused('after', 'levels'));
  // It was passed all the same.
  const second = behind.poll(1);
  expect(second?.at(0)?.n).toBe(2);
  scribble(second?.at(0)?.tag);
  expect(() => behind.release(second?.end as number)).toThrow(refused('after', 'tag'));
  behind.release(second?.end as number);
  expect(behind.poll(1)?.at(0)?.n).toBe(3);
});

test('a loop that is left because of it has not passed the event', async () => {
  const behind = passed().consumer('behind', { maxBatch: 8 });
  const loop = async () => {
    for await (const batch of behind) {
      for (const event of batch) if (event.n === 2) scribble(event.tag);
    }
  };
  await expect(loop()).rejects.toEqual(refused('behind', 'tag'));
  expect(behind.poll()?.at(0)?.n).toBe(2);
});

test('an owner writes, and who runs beside it is not blamed; what was read as numbers is nobody’s', () => {
  const ring = make();
  const [own, beside] = [ring.consumer('own'), ring.consumer('beside')];
  const [mine, theirs] = [own.poll(1)?.at(0), beside.poll(1)?.at(0)];
  expect(theirs?.tag[0]).toBe(1);
  scribble(theirs?.sums);
  scribble(mine?.tag);
  mine?.tag.set([1]);
  expect([...(theirs?.tag ?? [])]).toEqual([1, 9, 9, 9]);
  expect(beside.poll(1)?.at(0)?.n).toBe(2);
  expect(own.poll(1)?.at(0)?.n).toBe(2);
});

test('header fields of records are watched as those of events are', () => {
  const ring = closing(
    ByteRing.create({ capacity: 1024, header: { tag: 'bytes(4)' }, stages: { read: {} } }),
  );
  const out = ring.producer();
  for (const text of ['one', 'two']) out.tryPublish(text);
  out.flush();
  const loop = () => {
    for (const record of ring.consumer('read').poll() ?? []) scribble(record.tag);
  };
  expect(loop).toThrow(refused('read', 'tag'));
});

test('the compiler refuses to write into what a stage does not own, and lets it go where bytes do', () => {
  const ring = make();
  for (const event of ring.consumer('beside').poll(1) ?? []) {
    const { tag, levels } = event;
    const never = () => {
      // @ts-expect-error: not its own
      tag[0] = 1;
      // @ts-expect-error: not its own
      tag.fill(0);
      // @ts-expect-error: not its own
      tag.writeUInt8(1);
      // @ts-expect-error: not its own
      tag.set([1]);
      // @ts-expect-error: not its own
      levels[0] = 1;
    };
    expect(never).toBeInstanceOf(Function);
    const bytes: Uint8Array = tag;
    const buffer: Buffer = tag;
    const hash = createHash('sha256').update(tag).digest('hex');
    expect([bytes.length, buffer.readUInt8(0), tag.toString('hex'), tag[0], hash]).toEqual([
      4,
      1,
      '01010101',
      1,
      createHash('sha256').update(Buffer.alloc(4, 1)).digest('hex'),
    ]);
    expect(Buffer.concat([tag, tag]).equals(Buffer.alloc(8, 1))).toBe(true);
  }
});
