import { readFileSync } from 'node:fs';
import { afterAll, expect } from '@jest/globals';
import { Redis } from 'ioredis';
import { GatewayProcess, temporaryDirectory } from './gateway-process.js';
import { testWith } from './tool.js';

const directory = temporaryDirectory();
afterAll(() => directory.remove());

testWith('strace', 'strace')(
  'with --fsync the log is flushed before an answer',
  async () => {
    const data = `${directory.path}/data`;
    // Initialised apart, so that what is traced is the gateway alone.
    await (await GatewayProcess.start(['--data', data])).stop();
    const trace = `${directory.path}/trace`;
    const strace = ['strace', '-f', '-y', '-e', 'trace=fdatasync,fsync', '-o', trace];
    const gateway = await GatewayProcess.start(['--data', data, '--fsync'], {}, strace);
    const flushes = () =>
      readFileSync(trace, 'utf8').match(/fdatasync\(\d+<[^>]*\/pg_wal\/[0-9A-F]{24}>/g)?.length ??
      0;
    const redis = new Redis(gateway.port);
    for (let i = 0; i < 5; i++) {
      const before = flushes();
      await redis.xadd('s', '*', 'a', '1');
      expect(flushes()).toBeGreaterThan(before);
    }
    redis.disconnect();
    await gateway.stop();
  },
  90_000,
);
