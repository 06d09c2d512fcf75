import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { GatewayProcess, temporaryDirectory } from './gateway-process.js';
import { testWith } from './tool.js';

const run = promisify(execFile);
const directory = temporaryDirectory();
let gateway: GatewayProcess;
let redis: Redis;

beforeAll(async () => {
  gateway = await GatewayProcess.start(['--data', `${directory.path}/data`]);
  redis = new Redis(gateway.port, { connectionName: 'tests' });
}, 60_000);

afterAll(async () => {
  redis?.disconnect();
  await gateway?.stop('SIGKILL');
  directory.remove();
});

test('ioredis connects, writes and reads', async () => {
  const first = (await redis.xadd('plain', '*', 'a', '1', 'b', '2')) as string;
  expect(first).toMatch(/^\d+-\d+$/);
  expect(await redis.xlen('plain')).toBe(1);
  expect(await redis.xrange('plain', '-', '+')).toEqual([[first, ['a', '1', 'b', '2']]]);
  expect(await redis.client('GETNAME')).toBe('tests');
  expect(await redis.info()).toContain('redis_version');
});

test('a pipeline is answered in order, reads among the writes', async () => {
  const pipeline = redis.pipeline();
  for (let i = 1; i <= 500; i++)
    pipeline.xadd('pipe', `${i}-0`, 'n', i).xlen('pipe').echo(String(i));
  const results = (await pipeline.exec()) ?? [];
  expect(results.map(([error]) => error)).toEqual(results.map(() => null));
  const expected = Array.from({ length: 500 }, (_, i) => [
    `${i + 1}-0`,
    i + 1,
    String(i + 1),
  ]).flat();
  expect(results.map(([, result]) => result)).toEqual(expected);
});

test('bytes that are not UTF-8 come back as they were', async () => {
  const value = Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x0a, 0x0d]);
  await redis.xadd('bytes', '*', 'v', value);
  const [[, fields]] = (await redis.xrangeBuffer('bytes', '-', '+')) as [[Buffer, Buffer[]]];
  expect(fields[1]).toEqual(value);
});

test('a retry with the same key gets the first id', async () => {
  const first = await redis.xadd('keyed', '*', '_key', 'order-1', 'n', '1');
  const retries = await Promise.all(
    Array.from({ length: 20 }, () => redis.xadd('keyed', '*', '_key', 'order-1', 'n', '1')),
  );
  expect(new Set(retries)).toEqual(new Set([first]));
  expect(await redis.xlen('keyed')).toBe(1);
});

test('errors reach the client as errors', async () => {
  await expect(redis.set('a', 'b')).rejects.toThrow(
    "command 'SET' is not supported by this gateway",
  );
  await expect(redis.call('NOSUCH', 'a')).rejects.toThrow(
    "unknown command 'NOSUCH', with args beginning with: 'a'",
  );
  await expect(redis.xadd('s', 'MAXLEN', '1', '*', 'a', '1')).rejects.toThrow(
    'MAXLEN is not supported',
  );
});

test('a stream name has up to 1024 bytes; a longer one is refused by name, and nothing is stored', async () => {
  const longest = 'n'.repeat(1024);
  expect(await redis.xadd(longest, '1-1', 'a', '1')).toBe('1-1');
  expect(await redis.xrange(longest, '-', '+')).toEqual([['1-1', ['a', '1']]]);
  for (const length of [0, 1025, 70_000]) {
    const refused = `ERR invalid stream name: ${length} bytes, allowed are 1 to 1024`;
    const name = 'n'.repeat(length);
    await expect(redis.xadd(name, '*', 'a', '1')).rejects.toThrow(refused);
    await expect(redis.xlen(name)).rejects.toThrow(refused);
    await expect(redis.xrange(name, '-', '+')).rejects.toThrow(refused);
  }
  expect(await redis.xlen(longest)).toBe(1);
});

test('the pages say how it is', async () => {
  const page = (path: string) => fetch(`http://127.0.0.1:${gateway.httpPort}${path}`);
  expect((await page('/healthz')).status).toBe(200);
  expect(await (await page('/')).text()).toContain('Serving');
  const metrics = await (await page('/metrics')).text();
  expect(metrics).toMatch(/^gateway_entries_committed_total [1-9]/m);
  expect(metrics).toMatch(/^gateway_commands_total [1-9]/m);
  expect((await page('/nothing')).status).toBe(404);
});

testWith('redis-cli', 'redis-tools')('redis-cli is served', async () => {
  const cli = async (...args: string[]) =>
    (await run('redis-cli', ['-p', String(gateway.port), ...args])).stdout.trim();
  expect(await cli('PING')).toBe('PONG');
  expect(await cli('XADD', 'cli', '1-1', 'a', '1')).toBe('1-1');
  expect(await cli('XRANGE', 'cli', '-', '+')).toBe('1-1\na\n1');
});

testWith('redis-benchmark', 'redis-tools')(
  'redis-benchmark’s answers are rows',
  async () => {
    const args = '-c 50 -P 16 -n 200000 --csv XADD bench * a 1 b 2 c 3'.split(' ');
    const { stdout, stderr } = await run('redis-benchmark', ['-p', String(gateway.port), ...args]);
    expect(stderr).not.toContain('WARNING');
    expect(stdout).toContain('XADD');
    expect(await redis.xlen('bench')).toBe(200_000);
  },
  120_000,
);
