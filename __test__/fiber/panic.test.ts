import { expect, test } from '@jest/globals';
import { ByteRing, native, Scheduler } from 'millrace';
import { binding } from '#dist/native/binding.js';
import { environment } from '#dist/park/environment.js';
import { layout } from '#dist/ring/layout.js';

const definition = {
  header: { digest: 'bytes(32)' },
  stages: { digest: { writes: ['digest'] } },
} as const;

// What native code trusts of a ring's memory is what it reads when it attaches. Here the header says that the stage
// follows one which the ring does not have, so that looking at that stage's sequence panics. The facade would refuse such
// a ring: so its attachment is exchanged for one that native code made of the broken header.
test('a native stage that panics rejects with ERR_MILLRACE_INTERNAL, and its scheduler goes on', async () => {
  await using scheduler = Scheduler.create();
  const work = native.hash('sha256', { to: 'digest' });
  const ring = ByteRing.create({ ...definition, capacity: 1024 });
  const { memory } = ring.handle as unknown as { memory: SharedArrayBuffer };
  const words = new Int32Array(memory);
  const broken = ByteRing.attach(ring.handle);
  const upstream = words[layout.HEADER_UPSTREAM] as number;
  words[layout.HEADER_UPSTREAM] = 1 << 20;
  const handle = binding.attachRing(environment, words);
  words[layout.HEADER_UPSTREAM] = upstream;
  const inside = broken as unknown as { memory: object };
  Object.defineProperty(inside.memory, 'handle', { value: handle });

  await expect(broken.run('digest', work, { scheduler })).rejects.toMatchObject({
    name: 'MillraceError',
    code: 'ERR_MILLRACE_INTERNAL',
    message: expect.stringContaining("stage 'digest'"),
    cause: { code: 'ERR_MILLRACE_INTERNAL' },
  });

  // The ring is stopped, and everyone is told why.
  expect(() => ring.producer().tryPublish('payload')).toThrow(
    expect.objectContaining({
      code: 'ERR_MILLRACE_CONSUMER_FAILED',
      message: expect.stringContaining("stage 'digest'"),
      cause: expect.objectContaining({
        code: 'ERR_MILLRACE_INTERNAL',
        message: expect.stringContaining('index out of bounds'),
      }),
    }),
  );

  // The stage was given back, and the same thread runs other work.
  const whole = ByteRing.create({ ...definition, capacity: 1024 });
  const done = whole.run('digest', work, { scheduler });
  const out = whole.producer();
  out.tryPublish('payload');
  out.close();
  expect(await whole.close()).toMatchObject({ abandoned: 0 });
  await done;
  broken.consumer('digest').close();
  binding.detachRing(handle);
  for (const one of [broken, ring, whole]) one.detach();
});
