import { expect, test } from '@jest/globals';
import { Ring } from 'millrace';
import { closing } from './rings.js';

const fields = { price: 'f64', tag: 'u32' } as const;
const define = (stages: object) => () => Ring.define({ fields, stages: stages as never });

test.each([
  ['a circle of two', { a: { after: ['b'] }, b: { after: ['a'] } }, 'a -> b -> a'],
  ['a circle of itself', { a: { after: ['a'] } }, 'a -> a'],
  [
    'a circle behind a stage',
    { a: {}, b: { after: ['a', 'd'] }, c: { after: ['b'] }, d: { after: ['c'] } },
    'circle',
  ],
  [
    'an unknown stage',
    { a: { after: ['nobody'] } },
    "stages.a.after must be one of a; got 'nobody'",
  ],
  ['an unknown field', { a: { writes: ['size'] } }, 'stages.a.writes must be one of price, tag'],
  ['no stage', {}, '1 to 31 stages'],
  ['32 stages', Object.fromEntries(Array.from({ length: 32 }, (_, n) => [`s${n}`, {}])), '1 to 31'],
  [
    'one field of two that may run at the same time',
    { a: { writes: ['tag'] }, b: { writes: ['tag'] } },
    "'a' and 'b' both write 'tag'",
  ],
  [
    'one field of two cousins',
    {
      root: {},
      a: { after: ['root'], writes: ['tag'] },
      b: { after: ['root'] },
      c: { after: ['b'], writes: ['tag'] },
    },
    'both write',
  ],
  ['something else', 'stages', 'an object of stages'],
])('%s is refused at definition', (_what, stages, message) => {
  expect(define(stages as object)).toThrow(message);
});

test('stages that follow each other may own the same field', () => {
  const stages = {
    a: { writes: ['tag'] },
    b: { after: ['a'] },
    c: { after: ['b'], writes: ['tag'] },
  };
  expect(define(stages)).not.toThrow();
});

test('a stage writes what it owns, and nothing else', () => {
  const definition = Ring.define({
    fields,
    stages: { parse: { writes: ['tag'] }, store: { after: ['parse'] } },
  });
  const ring = closing(Ring.create({ ...definition, capacity: 4 }));
  const out = ring.producer();
  out.tryPublish((event) => {
    event.price = 2;
  });
  out.flush();
  const refused = expect.objectContaining({ code: 'ERR_MILLRACE_FIELD_OWNERSHIP' });
  const parse = ring.consumer('parse');
  for (const event of parse.poll() ?? []) {
    event.tag = event.price * 2;
    expect(() => {
      // @ts-expect-error: 'parse' does not own 'price'
      event.price = 1;
    }).toThrow(refused);
  }
  parse.poll();
  for (const event of ring.consumer('store').poll() ?? []) {
    expect([event.price, event.tag]).toEqual([2, 4]);
    expect(() => {
      // @ts-expect-error: 'store' owns nothing
      event.tag = 1;
    }).toThrow(refused);
  }
  expect.assertions(3);
});

test('the compiler refuses what the definition refuses', () => {
  const broken = [
    // @ts-expect-error: there is no stage 'pars'
    () => Ring.define({ fields, stages: { parse: {}, store: { after: ['pars'] } } }),
    // @ts-expect-error: there is no field 'size'
    () => Ring.define({ fields, stages: { parse: { writes: ['size'] } } }),
    // @ts-expect-error: there is no type 'u31'
    () => Ring.define({ fields: { a: 'u31' }, stages: { parse: {} } }),
  ];
  for (const define of broken) expect(define).toThrow(TypeError);

  const ring = closing(
    Ring.create({ ...Ring.define({ fields, stages: { parse: {} } }), capacity: 4 }),
  );
  // @ts-expect-error: there is no stage 'pars'
  expect(() => ring.consumer('pars')).toThrow("stage must be one of parse; got 'pars'");
  const out = ring.producer();
  // @ts-expect-error: there is no field 'size'
  out.tryPublish((event) => event.size);
  // @ts-expect-error: a price is a number, and has no length
  out.tryPublish((event) => Object.assign(event, { price: 1 }).price.length);
  // @ts-expect-error: the argument is a number
  out.tryPublish((event, price: number) => Object.assign(event, { price }), 'one');
});
