import { createHash, randomFillSync } from 'node:crypto';
import { setTimeout, setImmediate as turn } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { ByteRing, native, Scheduler } from 'millrace';

const MiB = 2 ** 20;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
/** Tens of milliseconds of hashing. */
const long = randomFillSync(Buffer.alloc(60 * MiB));
const work = native.hash('sha256', { to: 'digest' });

const schedulers: Scheduler[] = [];
const rings: { detach(): void }[] = [];

afterEach(async () => {
  for (const scheduler of schedulers.splice(0)) await scheduler.close();
  for (const ring of rings.splice(0)) ring.detach();
});

/** One worker, so that stages take turns. */
function start(): Scheduler {
  const scheduler = Scheduler.create({ nativeWorkers: 1 });
  schedulers.push(scheduler);
  return scheduler;
}

function makeRecords() {
  const records = ByteRing.create({
    capacity: 128 * MiB,
    header: { digest: 'bytes(32)' },
    stages: { digest: { writes: ['digest'] }, read: { after: ['digest'] } },
  });
  rings.push(records);
  return records;
}

type Records = ReturnType<typeof makeRecords>;

/** Publishes the long record once every stage sleeps, and returns when its hash has begun. */
async function beginLong(records: Records, scheduler: Scheduler, stages = 1): Promise<void> {
  while (scheduler.stats().parked < stages) await turn();
  expect(records.producer().tryPublish(long)).toBe(true);
  while (scheduler.stats().parked === stages) await turn();
  await setTimeout(1);
}

const lag = (records: Records) => records.stats().stages.digest?.lag ?? 0;

test('digests of records of many MiB, and of those around a turn, are right', async () => {
  const records = makeRecords();
  const done = records.run('digest', work, { scheduler: start() });
  const lengths = [0, 1, 2 ** 17 - 1, 2 ** 17, 2 ** 17 + 1, 3 * MiB + 5, 16 * MiB, 60 * MiB, 7];
  const producer = records.producer();
  const written = (async () => {
    for (const length of lengths) await producer.publish(long.subarray(0, length));
    producer.close();
    await records.close();
  })();
  const right: boolean[] = [];
  for await (const batch of records.consumer('read')) {
    for (const { length, digest, bytes } of batch) {
      const sent = long.subarray(0, lengths[right.length]);
      right.push(length === sent.length && bytes.equals(sent) && digest.equals(sha256(sent)));
    }
  }
  await Promise.all([written, done]);
  expect(right).toEqual(lengths.map(() => true));
});

test('a detach in the middle of a long record waits 10 ms at most, and the record is hashed by who comes next', async () => {
  const scheduler = start();
  const took: number[] = [];
  // Others on this machine may hold one round up, or let it begin when the hash is done; hardly all.
  for (let round = 0; round < 20 && !took.some((milliseconds) => milliseconds < 10); round++) {
    const records = makeRecords();
    const done = records.run('digest', work, { scheduler });
    await beginLong(records, scheduler);
    const middle = lag(records) > 0;
    const { handle } = records;
    const before = performance.now();
    records.detach();
    if (!middle) continue;
    took.push(performance.now() - before);
    await done;

    const again = ByteRing.attach(handle);
    rings.push(again);
    const reader = again.consumer('read');
    expect(lag(again as Records)).toBeGreaterThan(0);
    again.run('digest', work, { scheduler }).catch(() => {});
    const [record] = (await reader.receive()) ?? [];
    expect(record?.digest.equals(sha256(long))).toBe(true);
    again.detach();
  }
  expect(Math.min(...took)).toBeLessThan(10);
});

test('a long record does not keep other stages of its worker waiting', async () => {
  const scheduler = start();
  const others: boolean[] = [];
  // The answer may be seen too late here, but hardly every time.
  for (let round = 0; round < 20 && !others.includes(true); round++) {
    const [records, other] = [makeRecords(), makeRecords()];
    records.run('digest', work, { scheduler }).catch(() => {});
    other.run('digest', work, { scheduler }).catch(() => {});
    await beginLong(records, scheduler, 2);
    other.producer().tryPublish('short');
    await other.consumer('read').receive();
    others.push(lag(records) > 0);
    for (const ring of [records, other]) ring.detach();
  }
  expect(others).toContain(true);
});

test('a record is hashed by a header field', async () => {
  const records = ByteRing.create({
    capacity: 1 << 16,
    header: { name: 'utf8(20)', digest: 'bytes(32)' },
    stages: { digest: { writes: ['digest'] }, read: { after: ['digest'] } },
  });
  rings.push(records);
  const byName = native.hash('sha256', { from: 'name', to: 'digest' });
  const done = records.run('digest', byName, { scheduler: start() });
  const producer = records.producer();
  for (const name of ['one', 'two']) {
    producer.tryPublish(Buffer.alloc(500, 1), (header) => {
      header.name = name;
    });
  }
  const closed = records.close();
  const digests: string[] = [];
  for await (const batch of records.consumer('read')) {
    for (const { digest } of batch) digests.push(digest.toString('hex'));
  }
  await Promise.all([closed, done]);
  const expected = ['one', 'two'].map((name) => sha256(Buffer.from(name)).toString('hex'));
  expect(digests).toEqual(expected);
});
