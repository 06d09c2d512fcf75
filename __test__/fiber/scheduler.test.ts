import { inspect } from 'node:util';
import { expect, test } from '@jest/globals';
import { ByteRing, native, Scheduler } from 'millrace';
import { runScript } from '../process/run-program.js';

test('a scheduler shows what it is, and is closed once', async () => {
  const scheduler = Scheduler.create({ nativeWorkers: 2, name: 'test' });
  expect(inspect(scheduler)).toBe('Scheduler { spawned: 0, finished: 0 }');
  expect(scheduler.stats()).toMatchObject({ spawned: 0, finished: 0, parked: 0 });
  await scheduler.close();
  await scheduler.close();
  expect(inspect(scheduler)).toBe('Scheduler { closed }');
});

test.each([
  { nativeWorkers: 0 },
  { nativeWorkers: 257 },
  { nativeWorkers: 1.5 },
  { nativeWorkers: '2' },
  { name: '' },
  { name: 7 },
])('an invalid option is refused: %j', (options) => {
  expect(() => Scheduler.create(options as never)).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_INVALID_ARGUMENT' }),
  );
});

test('a scheduler does not keep the process', async () => {
  const { code, stderr } = await runScript(`
    import { Scheduler } from 'millrace';
    Scheduler.create({ nativeWorkers: 3 });
  `);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

test.each(['yield', 'spin'] as const)(
  'a stage that waits by %s ends with its scheduler',
  async (wait) => {
    const ring = ByteRing.create({
      capacity: 1024,
      header: { digest: 'bytes(32)' },
      stages: { digest: { writes: ['digest'] } },
      wait,
    });
    const scheduler = Scheduler.create({ nativeWorkers: 1 });
    const running = ring.run('digest', native.hash('sha256', { to: 'digest' }), { scheduler });
    await scheduler.close();
    await expect(running).rejects.toMatchObject({ code: 'ERR_MILLRACE_CLOSED' });
    await ring.close();
    ring.detach();
  },
);

test('a record whose words were scribbled over does not lead a native stage out of the ring', async () => {
  const ring = ByteRing.create({
    capacity: 1024,
    header: { digest: 'bytes(32)' },
    stages: { digest: { writes: ['digest'] }, read: { after: ['digest'] } },
  });
  const scheduler = Scheduler.create({ nativeWorkers: 1 });
  const out = ring.producer();
  // Records of two places each fill the ring; the last one says that it takes none.
  for (let i = 0; i < 16; i++) expect(out.tryPublish(Buffer.alloc(20, 1))).toBe(true);
  const { memory } = ring.handle as unknown as { memory: SharedArrayBuffer };
  const words = new Int32Array(memory);
  const last = (memory.byteLength - 64) / 4;
  expect(words[last + 1]).toBe(2);
  words[last + 1] = 0;
  words.fill(0, last + 8);
  out.flush();
  const running = ring.run('digest', native.hash('sha256', { to: 'digest' }), { scheduler });
  ring.close({ timeout: 0 });
  await running;
  // The place behind it is too short for a record's fields, so nothing was written there.
  expect([...words.subarray(last + 8)]).toEqual(Array(8).fill(0));
  await scheduler.close();
  ring.detach();
});
