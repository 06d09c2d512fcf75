import { afterAll, beforeEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { GatewayProcess, temporaryDirectory } from './gateway-process.js';
import { encode, RawClient } from './raw-client.js';

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
    const [settled] = await Promise.all([Promise.allSettled(writes), gateway.drain(signal)]);
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
    await next.drain();
  },
  120_000,
);

test('a client that never reads does not hold the end up', async () => {
  const client = await RawClient.connect(gateway.port);
  client.socket.pause();
  client.send('PING\r\n'.repeat(100));
  await gateway.drain();
  client.socket.destroy();
}, 30_000);

test('answers that a client does not take are given up in time, and said', async () => {
  await gateway.drain();
  gateway = await GatewayProcess.start(['--data', `${directory.path}/data`, '--drain', '4']);
  const value = 'x'.repeat(1_000_000);
  const writer = await RawClient.connect(gateway.port);
  for (let i = 1; i <= 24; i++) writer.send(encode('XADD', 'long', `${i}-1`, 'v', value));
  writer.send(encode('XLEN', 'long'));
  while (!writer.received.endsWith(':24\r\n')) await writer.more();
  const client = await RawClient.connect(gateway.port);
  client.socket.pause();
  client.send(encode('XRANGE', 'long', '-', '+'));
  await gateway.received(26);
  const since = performance.now();
  await gateway.drain();
  expect(performance.now() - since).toBeLessThan(5000);
  expect(gateway.stderr).toContain('1 connections were closed with answers that they did not take');
  client.socket.destroy();
}, 60_000);

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
