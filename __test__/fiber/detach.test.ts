import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ByteRing, native, Ring, Scheduler } from 'millrace';
import { runScript } from '../process/run-program.js';

const work = native.hash('sha256', { to: 'digest' });
let scheduler: Scheduler;
const rings: { detach(): void }[] = [];

beforeEach(() => {
  scheduler = Scheduler.create();
});

afterEach(async () => {
  await scheduler.close();
  for (const ring of rings.splice(0)) ring.detach();
});

function makeRecords() {
  const records = ByteRing.create({
    capacity: 1 << 12,
    header: { digest: 'bytes(32)' },
    stages: { digest: { writes: ['digest'] }, read: { after: ['digest'] } },
  });
  rings.push(records);
  return records;
}

function attach({ handle }: ReturnType<typeof makeRecords>) {
  const attached = ByteRing.attach(handle);
  rings.push(attached);
  return attached;
}

const parked = async () => {
  while (scheduler.stats().parked === 0) await turn();
};

test('a detach ends native stages, which can be opened again in the same memory', async () => {
  const records = makeRecords();
  const done = records.run('digest', work, { scheduler });
  await parked();
  records.detach();
  await done;

  const again = attach(records);
  const running = again.run('digest', work, { scheduler });
  again.producer().tryPublish('payload');
  const [record] = (await again.consumer('read').receive()) ?? [];
  expect(record?.digest.equals(createHash('sha256').update('payload').digest())).toBe(true);
  await again.close({ timeout: 0 });
  await running;
});

test('a stage that has not begun yet is given back by a detach', async () => {
  for (let round = 0; round < 50; round++) {
    const records = makeRecords();
    const done = records.run('digest', work, { scheduler });
    records.detach();
    attach(records).consumer('digest').close();
    await done;
  }
});

test('a detach ends only what was begun through it, while others are attached', async () => {
  const records = makeRecords();
  const other = attach(records);
  const done = records.run('digest', work, { scheduler });
  await parked();
  other.detach();
  expect(() => records.consumer('digest')).toThrow(/open/);
  const third = attach(records);
  records.detach();
  await done;
  third.consumer('digest').close();
});

test('a stage of a ring of events is given back by a detach', async () => {
  const definition = Ring.define({
    fields: { digest: 'bytes(32)', raw: 'bytes(8)' },
    stages: { digest: { writes: ['digest'] } },
  });
  const events = Ring.create({ ...definition, capacity: 8 });
  const done = events.run('digest', native.hash('sha256', { from: 'raw', to: 'digest' }), {
    scheduler,
  });
  await parked();
  const { handle } = events;
  events.detach();
  await done;
  const again = Ring.attach(handle, definition);
  rings.push(again);
  again.consumer('digest').close();
});

test('a ring that nobody refers to is kept while native work runs on it', async () => {
  const { code, stdout, stderr } = await runScript(`
    import { setFlagsFromString } from 'node:v8';
    import { runInNewContext } from 'node:vm';
    import { setImmediate as turn } from 'node:timers/promises';
    import { ByteRing, native, Scheduler } from 'millrace';
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc');
    const scheduler = Scheduler.create();
    function begin() {
      const records = ByteRing.create({
        capacity: 1 << 12, header: { digest: 'bytes(32)' }, stages: { digest: { writes: ['digest'] } },
      });
      records.run('digest', native.hash('sha256', { to: 'digest' }), { scheduler });
      return records.handle;
    }
    const other = ByteRing.attach(begin());
    for (let i = 0; i < 50; i++) {
      gc();
      await turn();
    }
    try {
      other.consumer('digest');
    } catch (error) {
      console.log(error.code);
    }
    other.close();
  `);
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: 'ERR_MILLRACE_INVALID_ARGUMENT\n',
    stderr: '',
  });
});
