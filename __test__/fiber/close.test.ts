import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { ByteRing, native, Scheduler } from 'millrace';
import { runScript } from '../process/run-program.js';

const rings: { detach(): void }[] = [];

afterEach(() => {
  for (const ring of rings.splice(0)) ring.detach();
});

/** A native stage that runs in a scheduler, and the ring that it waits for. */
async function running(scheduler: Scheduler) {
  const ring = ByteRing.create({
    capacity: 1024,
    header: { digest: 'bytes(32)' },
    stages: { digest: { writes: ['digest'] } },
  });
  rings.push(ring);
  const done = ring
    .run('digest', native.hash('sha256', { to: 'digest' }), { scheduler })
    .then(() => 'done')
    .catch((error) => error.code);
  while (scheduler.stats().parked === 0) await turn();
  return { ring, done };
}

/** Whether a promise has settled by now. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let over = false;
  promise.then(() => {
    over = true;
  });
  for (let i = 0; i < 20; i++) await turn();
  return over;
}

test('with a timeout, work that runs may end by itself, and no other begins', async () => {
  const scheduler = Scheduler.create();
  const { ring, done } = await running(scheduler);
  const closing = scheduler.close({ timeout: 60_000 });
  expect(scheduler.close({ timeout: Infinity })).toBe(closing);
  expect(await settled(closing)).toBe(false);
  expect(scheduler.stats()).toMatchObject({ spawned: 1, finished: 0 });

  const other = ByteRing.create({
    capacity: 1024,
    header: { digest: 'bytes(32)' },
    stages: { digest: { writes: ['digest'] } },
  });
  rings.push(other);
  const work = native.hash('sha256', { to: 'digest' });
  await expect(other.run('digest', work, { scheduler })).rejects.toMatchObject({
    code: 'ERR_MILLRACE_CLOSED',
  });

  await ring.close();
  expect(await done).toBe('done');
  await closing;
  expect(() => scheduler.stats()).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_CLOSED' }));
});

test('after the timeout, what still runs is cancelled', async () => {
  const scheduler = Scheduler.create();
  const { done } = await running(scheduler);
  await scheduler.close({ timeout: 5 });
  expect(await done).toBe('ERR_MILLRACE_CLOSED');
});

test('the earliest timeout counts, and without one it is now', async () => {
  const scheduler = Scheduler.create();
  const { done } = await running(scheduler);
  const closing = scheduler.close({ timeout: 60_000 });
  expect(scheduler.close()).toBe(closing);
  await closing;
  expect(await done).toBe('ERR_MILLRACE_CLOSED');
  expect(scheduler.close({ timeout: 60_000 })).toBe(closing);
});

test('a timeout that is none is refused, and the scheduler stays open', async () => {
  await using scheduler = Scheduler.create();
  await expect(scheduler.close({ timeout: -1 })).rejects.toMatchObject({
    code: 'ERR_MILLRACE_INVALID_ARGUMENT',
  });
  expect(scheduler.stats()).toMatchObject({ spawned: 0 });
});

const waiting = `
  import { ByteRing, native, Scheduler } from 'millrace';
  const records = ByteRing.create({
    capacity: 1 << 16, header: { digest: 'bytes(32)' }, stages: { digest: { writes: ['digest'] } },
  });
  const scheduler = Scheduler.create();
  const done = records.run('digest', native.hash('sha256', { to: 'digest' }), { scheduler });
  done.then(() => console.log('done'));
`;

test('work of a scheduler that is unreferenced does not keep the process', async () => {
  const ran = await runScript(`${waiting} scheduler.unref();`);
  expect(ran).toMatchObject({ code: 0, stdout: '', stderr: '' });
});

test('referenced again, it does', async () => {
  const ran = await runScript(
    `${waiting} scheduler.unref().ref(); setTimeout(() => records.close(), 100).unref();`,
  );
  expect(ran).toMatchObject({ code: 0, stdout: 'done\n', stderr: '' });
});
