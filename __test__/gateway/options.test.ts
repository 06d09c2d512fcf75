import { resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { readOptions } from '../../examples/gateway/options.js';

test('without options the defaults of the help count', () => {
  expect(readOptions([], {})).toEqual({
    host: '127.0.0.1',
    port: 6390,
    httpPort: 8390,
    data: resolve('data'),
    fsync: false,
    databaseUrl: undefined,
    drain: 10_000,
    commitTimeout: 5000,
    maxFrame: 1_048_576,
    frameTimeout: 10_000,
    maxConnections: 15_000,
  });
});

test('seconds may have a fraction, and the environment names a server', () => {
  const options = readOptions(['--commit-timeout', '0.25', '--fsync'], {
    DATABASE_URL: 'postgres://x',
  });
  expect(options).toMatchObject({ commitTimeout: 250, fsync: true, databaseUrl: 'postgres://x' });
});

test('help is asked for', () => {
  expect(readOptions(['--help'], {})).toBeUndefined();
});

test.each([
  [['--port', '65536'], "--port must be a whole number from 0 to 65535, not '65536'"],
  [['--port', 'x'], "--port must be a whole number from 0 to 65535, not 'x'"],
  [['--drain', '-1'], /--drain/],
  [['--drain', '0'], "--drain must be a number of seconds above 0, not '0'"],
  [['--data', ''], '--data must not be empty'],
  [['--nonsense'], /nonsense/],
  [['positional'], /positional/],
])('%j is refused with what is allowed', (args, message) => {
  expect(() => readOptions(args, {})).toThrow(message);
});
