import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { GatewayProcess, temporaryDirectory } from './gateway-process.js';
import { PostgresServer } from './postgres-server.js';
import { encode, RawClient } from './raw-client.js';

const directory = temporaryDirectory();
let server: PostgresServer;
let gateway: GatewayProcess;
let redis: Redis;

beforeAll(async () => {
  server = await PostgresServer.start(`${directory.path}/postgres`);
  gateway = await GatewayProcess.start(['--commit-timeout', '1'], {
    DATABASE_URL: server.url('gateway'),
  });
  // One that connects again keeps what was not answered for the next connection, for ever.
  redis = new Redis(gateway.port, { retryStrategy: () => null });
}, 120_000);

afterAll(async () => {
  redis?.disconnect();
  await gateway?.stop('SIGKILL');
  await server?.goAway();
  directory.remove();
});

const health = async () => (await fetch(`http://127.0.0.1:${gateway.httpPort}/healthz`)).status;

test('entries, keys and reads are those of the embedded database', async () => {
  const first = await redis.xadd('s', '*', '_key', 'k', 'a', Buffer.from([0xff]));
  expect(await redis.xadd('s', '*', '_key', 'k')).toBe(first);
  expect(await redis.xadd('s', '18446744073709551615-1', 'a', '1')).toBe('18446744073709551615-1');
  expect(await redis.xlen('s')).toBe(2);
  const [, entry] = (await redis.xrangeBuffer('s', '-', '+', 'COUNT', 1))[0] as [Buffer, Buffer[]];
  expect(entry[3]).toEqual(Buffer.from([0xff]));
});

test('a second gateway on the same database is refused', async () => {
  const other = new GatewayProcess([], { DATABASE_URL: server.url('gateway') });
  expect(await other.exited).toBe(1);
  expect(other.stderr).toMatch(/another gateway writes to this database/);
}, 30_000);

test('a wrong password is said, and not tried for ever', async () => {
  const other = new GatewayProcess([], { DATABASE_URL: server.url('gateway', 'wrong') });
  expect(await other.exited).toBe(1);
  expect(other.stderr).toMatch(/the database refused: .*password/);
});

test('a database that goes away: TRYAGAIN after the timeout, and work goes on when it is back', async () => {
  const answered = new Set<string>();
  await server.goAway();
  const since = performance.now();
  const waiting = Array.from({ length: 100 }, (_, i) => redis.xadd('away', '*', '_key', String(i)));
  const settled = await Promise.allSettled(waiting);
  const reasons = settled.map((result) =>
    result.status === 'rejected' ? String(result.reason.message) : '',
  );
  expect(reasons.filter((reason) => reason.startsWith('TRYAGAIN '))).toHaveLength(100);
  expect(performance.now() - since).toBeLessThan(3000);
  expect(await health()).toBe(503);
  expect(await redis.ping()).toBe('PONG');

  await server.comeBack();
  // The same commands again: whatever became of the first ones, each key is stored once.
  for (let i = 0; i < 100; i++) {
    for (;;) {
      const id = await redis.xadd('away', '*', '_key', String(i)).catch((error: Error) => error);
      if (typeof id === 'string') answered.add(id);
      if (typeof id === 'string') break;
      expect(String(id)).toMatch(/TRYAGAIN/);
    }
  }
  expect(answered.size).toBe(100);
  expect(await redis.xlen('away')).toBe(100);
  expect(await health()).toBe(200);
}, 60_000);

test('connections that the server ends under load lose no answered id', async () => {
  const killer = await server.connect('gateway');
  const answered = new Set<string>();
  let done = false;
  const writers = Array.from({ length: 4 }, async () => {
    while (!done) {
      const settled = await Promise.allSettled(
        Array.from({ length: 20 }, () => redis.xadd('cut', '*', 'a', '1')),
      );
      for (const result of settled)
        if (result.status === 'fulfilled') answered.add(result.value as string);
    }
  });
  for (let cuts = 0; cuts < 5; cuts++) {
    const goal = answered.size + 200;
    while (answered.size < goal) await new Promise(setImmediate);
    await killer.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'millrace-gateway'",
    );
  }
  done = true;
  await Promise.all(writers);
  await killer.end();
  const found = new Set((await redis.xrange('cut', '-', '+')).map(([id]) => id));
  expect([...answered].filter((id) => !found.has(id))).toEqual([]);
}, 60_000);

test('a flood while the database is held up fills no memory, and is stored when it goes on', async () => {
  const patient = await GatewayProcess.start(['--commit-timeout', '60'], {
    DATABASE_URL: server.url('other'),
  });
  const resident = () => patient.metric('process_resident_memory_bytes');
  const holder = await server.connect('other');
  const before = await resident();
  await holder.query('BEGIN');
  await holder.query('LOCK TABLE gateway.entry IN ACCESS EXCLUSIVE MODE');
  const value = 'x'.repeat(100_000);
  const each = 100;
  const clients = await Promise.all(
    Array.from({ length: 20 }, () => RawClient.connect(patient.port)),
  );
  for (const client of clients) {
    for (let i = 0; i < each; i++) client.send(encode('XADD', 'flood', '*', 'v', value));
  }
  // The gateway has stopped reading: the ring is full, and no more commands come in.
  for (let last = -1, now = 0; now === 0 || now !== last; ) {
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 500));
    now = await patient.metric('gateway_commands_total');
  }
  expect((await resident()) - before).toBeLessThan(100 << 20);
  expect(clients.reduce((sum, { socket }) => sum + socket.writableLength, 0)).toBeGreaterThan(
    50 << 20,
  );
  await holder.query('COMMIT');
  await holder.end();
  for (const client of clients) {
    while ((client.received.match(/^\$/gm)?.length ?? 0) < each) await client.more();
    client.socket.destroy();
  }
  const reader = new Redis(patient.port);
  expect(await reader.xlen('flood')).toBe(clients.length * each);
  reader.disconnect();
  await patient.drain();
}, 90_000);

test('it drains with a server as it does without', async () => {
  const writes = Array.from({ length: 500 }, () => redis.xadd('drain', '*', 'a', '1'));
  await writes[0];
  await gateway.drain();
  const settled = await Promise.allSettled(writes);
  const answered = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));

  const next = await GatewayProcess.start([], { DATABASE_URL: server.url('gateway') });
  const reader = new Redis(next.port);
  const found = (await reader.xrange('drain', '-', '+')).map(([id]) => id);
  reader.disconnect();
  await next.drain();
  // Nothing that was answered is missing, and nothing is there that nobody was told of.
  expect(found).toEqual(answered);
}, 60_000);
