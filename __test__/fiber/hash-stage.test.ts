import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { ByteRing, native, Ring, Scheduler } from 'millrace';
import { runScript } from '../process/run-program.js';

const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest();
const schedulers: Scheduler[] = [];
const rings: { detach(): void }[] = [];

afterEach(async () => {
  for (const scheduler of schedulers.splice(0)) await scheduler.close();
  for (const ring of rings.splice(0)) ring.detach();
});

function start(nativeWorkers = 1): Scheduler {
  const scheduler = Scheduler.create({ nativeWorkers });
  schedulers.push(scheduler);
  return scheduler;
}

function makeRecords() {
  const records = ByteRing.create({
    capacity: 1 << 16,
    header: { id: 'u32', digest: 'bytes(32)' },
    stages: { digest: { writes: ['digest'] }, read: { after: ['digest'] } },
  });
  rings.push(records);
  return records;
}

function makeEvents() {
  const events = Ring.create({
    fields: { name: 'utf8(40)', raw: 'bytes(8)', digest: 'bytes(32)', short: 'bytes(4)', n: 'u32' },
    stages: {
      byName: { writes: ['digest'] },
      byRaw: { writes: ['short'] },
      read: { after: ['byName', 'byRaw'] },
    },
    capacity: 64,
  });
  rings.push(events);
  return events;
}

test('each record gets the hash of its payload, before those behind it see it', async () => {
  const records = makeRecords();
  const done = records.run('digest', native.hash('sha256', { to: 'digest' }), {
    scheduler: start(),
  });
  const producer = records.producer();
  const payloads = Array.from({ length: 5000 }, (_, i) => 'payload '.repeat(i % 90) + i);
  const write = (header: { id: number }, id: number) => {
    header.id = id;
  };
  const written = (async () => {
    for (const [i, payload] of payloads.entries()) await producer.publish(payload, write, i);
    producer.close();
    await records.close();
  })();
  let wrong = 0;
  let next = 0;
  for await (const batch of records.consumer('read')) {
    for (const record of batch) {
      if (record.id !== next || !record.digest.equals(sha256(payloads[next] as string))) wrong++;
      next += 1;
    }
  }
  await written;
  await done;
  expect({ wrong, next }).toEqual({ wrong: 0, next: payloads.length });
});

test('events are hashed by a text or a bytes field, two stages beside each other', async () => {
  const events = makeEvents();
  const scheduler = start(2);
  const done = Promise.all([
    events.run('byName', native.hash('sha256', { from: 'name', to: 'digest' }), { scheduler }),
    events.run('byRaw', native.hash('sha256', { from: 'raw', to: 'short' }), { scheduler }),
  ]);
  const producer = events.producer();
  const written = (async () => {
    for (let i = 0; i < 1000; i++) {
      await producer.publish((event, n: number) => {
        event.name = `näme ${n}`;
        event.raw = Buffer.from([n & 255, 1]);
        event.n = n;
      }, i);
    }
    producer.close();
    await events.close();
  })();
  let wrong = 0;
  let count = 0;
  for await (const batch of events.consumer('read')) {
    for (const event of batch) {
      const raw = Buffer.alloc(8);
      raw.set([count & 255, 1]);
      const good =
        event.n === count &&
        event.digest.equals(sha256(`näme ${count}`)) &&
        event.short.equals(sha256(raw).subarray(0, 4));
      if (!good) wrong++;
      count += 1;
    }
  }
  await Promise.all([written, done]);
  expect({ wrong, count }).toEqual({ wrong: 0, count: 1000 });
  // A coroutine answers a moment before it has ended.
  while (scheduler.stats().finished < 2) await turn();
  expect(scheduler.stats()).toMatchObject({ spawned: 2, finished: 2, parked: 0 });
});

test('a field that another stage may be writing at the same time is not hashed', async () => {
  const scheduler = start();
  const fields = { raw: 'bytes(8)', first: 'bytes(32)', second: 'bytes(32)' } as const;
  const stages = { one: { writes: ['first'] }, two: { writes: ['second'] } } as const;
  const events = Ring.create({ fields, stages, capacity: 8 });
  const records = ByteRing.create({ header: fields, stages, capacity: 1 << 12 });
  rings.push(events, records);
  const hash = native.hash('sha256', { from: 'first', to: 'second' });
  for (const run of [
    events.run('two', hash, { scheduler }),
    records.run('two', hash, { scheduler }),
  ]) {
    await expect(run).rejects.toMatchObject({
      code: 'ERR_MILLRACE_FIELD_OWNERSHIP',
      message: expect.stringMatching(/'two'.*'first'.*'one'/),
    });
  }
});

test('a field of a stage that is done with the event is hashed', async () => {
  const events = Ring.create({
    fields: { raw: 'bytes(8)', first: 'bytes(32)', second: 'bytes(32)' },
    stages: { one: { writes: ['first'] }, two: { after: ['one'], writes: ['second'] } },
    capacity: 8,
  });
  rings.push(events);
  const scheduler = start();
  const done = [
    events.run('one', native.hash('sha256', { from: 'raw', to: 'first' }), { scheduler }),
    events.run('two', native.hash('sha256', { from: 'first', to: 'second' }), { scheduler }),
  ];
  await events.close();
  await Promise.all(done);
});

test('a stage that does not own the field, wrong names and wrong types are refused', async () => {
  const records = makeRecords();
  const events = makeEvents();
  const scheduler = start();
  const code = (promise: Promise<void>) => promise.catch((error) => error.code);
  const invalid = 'ERR_MILLRACE_INVALID_ARGUMENT';
  expect(
    await code(records.run('read', native.hash('sha256', { to: 'digest' }), { scheduler })),
  ).toBe('ERR_MILLRACE_FIELD_OWNERSHIP');
  expect(
    await code(records.run('nobody', native.hash('sha256', { to: 'digest' }), { scheduler })),
  ).toBe(invalid);
  expect(
    await code(records.run('digest', native.hash('sha256', { to: 'nothing' }), { scheduler })),
  ).toBe(invalid);
  expect(
    await code(records.run('digest', native.hash('sha256', { to: 'id' }), { scheduler })),
  ).toBe(invalid);
  expect(
    await code(events.run('byName', native.hash('sha256', { to: 'digest' }), { scheduler })),
  ).toBe(invalid);
  expect(
    await code(
      events.run('byName', native.hash('sha256', { from: 'n', to: 'digest' }), { scheduler }),
    ),
  ).toBe(invalid);
  expect(() => native.hash('md5' as never, { to: 'digest' })).toThrow(
    expect.objectContaining({ code: invalid }),
  );
  expect(() => native.hash('sha256', undefined as never)).toThrow(
    expect.objectContaining({ code: invalid }),
  );
  expect(
    await code(records.run('digest', native.hash('sha256', { to: 'digest' }), {} as never)),
  ).toBe(invalid);
  // None of them has taken the stage.
  records.consumer('digest').close();
});

test('a stage that is open is not opened twice', async () => {
  const records = makeRecords();
  const scheduler = start();
  const consumer = records.consumer('digest');
  const work = native.hash('sha256', { to: 'digest' });
  await expect(records.run('digest', work, { scheduler })).rejects.toMatchObject({
    code: 'ERR_MILLRACE_INVALID_ARGUMENT',
  });
  consumer.close();
  const done = records.run('digest', work, { scheduler });
  expect(() => records.consumer('digest')).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_INVALID_ARGUMENT' }),
  );
  records.close();
  await done;
});

test('a scheduler that is closed ends the stages that wait in it, which can be opened again', async () => {
  const records = makeRecords();
  const scheduler = start();
  const work = native.hash('sha256', { to: 'digest' });
  const first = records.run('digest', work, { scheduler }).catch((error) => error);
  while (scheduler.stats().parked === 0) await turn();
  await scheduler.close();
  expect(await first).toMatchObject({ code: 'ERR_MILLRACE_CLOSED' });
  await expect(records.run('digest', work, { scheduler })).rejects.toMatchObject({
    code: 'ERR_MILLRACE_CLOSED',
  });
  const producer = records.producer();
  producer.tryPublish('payload');
  producer.flush();
  const second = records.run('digest', work, { scheduler: start() });
  const reader = records.consumer('read');
  for (const record of (await reader.receive()) ?? [])
    expect(record.digest.equals(sha256('payload'))).toBe(true);
  reader.close();
  void records.close({ timeout: 0 });
  await second;
});

test('a stage that waits in a closed scheduler does not keep the process, one that works does', async () => {
  const { code, stdout, stderr } = await runScript(`
    import { ByteRing, native, Scheduler } from 'millrace';
    const records = ByteRing.create({
      capacity: 1 << 16, header: { digest: 'bytes(32)' }, stages: { digest: { writes: ['digest'] } },
    });
    const scheduler = Scheduler.create();
    const done = records.run('digest', native.hash('sha256', { to: 'digest' }), { scheduler });
    done.catch((error) => console.log(error.code, error.message));
    setTimeout(() => scheduler.close(), 200).unref();
  `);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^ERR_MILLRACE_CLOSED .*digest/);
});
