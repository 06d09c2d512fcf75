import { afterAll, beforeEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { GatewayProcess, temporaryDirectory } from './gateway-process.js';
import { RawClient } from './raw-client.js';

const directory = temporaryDirectory();
let gateway: GatewayProcess;

beforeEach(async () => {
  gateway = await GatewayProcess.start(['--data', `${directory.path}/data`]);
}, 60_000);

afterAll(() => directory.remove());

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s: what was accepted is answered, and is there',
  async (signal) => {
    const redis = new Redis(gateway.port, { retryStrategy: () => null });
    redis.on('error', () => {});
    await redis.ping();
    const idle = await RawClient.connect(gateway.port);
    const stream = `s-${signal}`;
    const writes = Array.from({ length: 5000 }, () => redis.xadd(stream, '*', 'a', '1'));
    await writes[0];
    gateway.signal(signal);
    const settled = await Promise.allSettled(writes);
    expect(await gateway.exited).toBe(0);
    await idle.closed;
    redis.disconnect();

    const answered = settled.flatMap((result) =>
      result.status === 'fulfilled' ? [result.value] : [],
    );
    const next = await GatewayProcess.start(['--data', `${directory.path}/data`]);
    const reader = new Redis(next.port);
    const found = new Set((await reader.xrange(stream, '-', '+')).map(([id]) => id));
    expect(answered.filter((id) => !found.has(id as string))).toEqual([]);
    // Nothing is there that nobody was told of.
    expect(found.size).toBe(answered.length);
    reader.disconnect();
    expect(await next.stop()).toBe(0);
  },
  60_000,
);

test('a client that never reads does not hold the end up', async () => {
  const client = await RawClient.connect(gateway.port);
  client.socket.pause();
  client.send('PING\r\n'.repeat(100));
  expect(await gateway.stop()).toBe(0);
  client.socket.destroy();
}, 30_000);

test('a second signal ends it at once', async () => {
  const client = await RawClient.connect(gateway.port);
  client.send('*2\r\n$4\r\nPING\r\n$100\r\nhalf');
  gateway.signal('SIGTERM');
  gateway.signal('SIGINT');
  const since = performance.now();
  await gateway.exited;
  expect(performance.now() - since).toBeLessThan(2000);
  client.socket.destroy();
});
