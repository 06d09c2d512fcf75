import { expect, test } from '@jest/globals';
import { ByteRing, native, Scheduler } from 'millrace';
import { layout } from '#dist/ring/layout.js';

const definition = {
  header: { digest: 'bytes(32)' },
  stages: { digest: { writes: ['digest'] } },
} as const;

// What native code trusts of a ring's memory is what it reads when it attaches. Here the header says that the stage
// follows one which the ring does not have, so that looking at that stage's sequence panics.
test('a native stage that panics rejects with ERR_MILLRACE_INTERNAL, and its scheduler goes on', async () => {
  await using scheduler = Scheduler.create();
  const work = native.hash('sha256', { to: 'digest' });
  const ring = ByteRing.create({ ...definition, capacity: 1024 });
  const { memory } = ring.handle as unknown as { memory: SharedArrayBuffer };
  const words = new Int32Array(memory);
  const upstream = words[layout.HEADER_UPSTREAM] as number;
  words[layout.HEADER_UPSTREAM] = 1 << 20;
  const broken = ByteRing.attach(ring.handle);

  await expect(broken.run('digest', work, { scheduler })).rejects.toMatchObject({
    name: 'MillraceError',
    code: 'ERR_MILLRACE_INTERNAL',
    message: expect.stringContaining("stage 'digest'"),
    cause: { code: 'ERR_MILLRACE_INTERNAL' },
  });

  // The stage was given back, and the same thread runs other work.
  words[layout.HEADER_UPSTREAM] = upstream;
  const whole = ByteRing.create({ ...definition, capacity: 1024 });
  const done = whole.run('digest', work, { scheduler });
  const out = whole.producer();
  out.tryPublish('payload');
  out.close();
  expect(await whole.close()).toMatchObject({ abandoned: 0 });
  await done;
  broken.consumer('digest').close();
  for (const one of [broken, ring, whole]) one.detach();
});
