import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { serving, until } from './serving.js';

test('15,000 connections are served at a time', async () => {
  const { listener } = await serving({ maxConnections: 15_000 });
  let opened = 0;
  let closed = 0;
  listener.serve({
    open: () => void opened++,
    message: (_connection, message) => message.reply(message.bytes),
    close: () => void closed++,
  });
  const before = process.memoryUsage.rss();
  // A process of its own: the descriptors of one are not enough for both ends.
  const script = fileURLToPath(new URL('./many-connections-client.js', import.meta.url));
  const client = promisify(execFile)(process.execPath, [script, String(listener.port), '15000']);
  await until(() => listener.stats().replies === 15_000);
  expect(process.memoryUsage.rss() - before).toBeLessThan(150 << 20);
  expect((await client).stdout.trim()).toBe('15000');
  await until(() => closed === 15_000);
  expect(opened).toBe(15_000);
  expect(listener.stats()).toMatchObject({ connections: 0, accepted: 15_000, refused: 0 });
}, 60_000);
