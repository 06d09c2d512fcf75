import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { GatewayProcess, temporaryDirectory } from './gateway-process.js';
import { RawClient } from './raw-client.js';

const directory = temporaryDirectory();
const data = `${directory.path}/data`;
let gateway: GatewayProcess;

beforeAll(async () => {
  gateway = await GatewayProcess.start(['--data', data]);
}, 60_000);

afterAll(async () => {
  await gateway?.stop('SIGKILL');
  directory.remove();
});

/** Starts one that is not to start; gives what it says. */
async function refused(...args: string[]): Promise<string> {
  const other = new GatewayProcess(args);
  expect(await other.exited).toBe(args.includes('--nonsense') ? 2 : 1);
  expect(other.stderr).not.toMatch(/^\s+at /m);
  expect(other.stderr.trim().split('\n').length).toBeLessThanOrEqual(2);
  return other.stderr;
}

test('a data directory in use is refused, and the one that uses it goes on', async () => {
  const names = readdirSync(data);
  expect(await refused('--data', data)).toMatch(/data directory .* is in use by another gateway/);
  expect(readdirSync(data)).toEqual(names);
  const client = await RawClient.connect(gateway.port);
  client.send('PING\r\n');
  await client.expect('+PONG\r\n');
  client.socket.destroy();
});

test('health is 503 until commands are served', async () => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port: http } = probe.address() as { port: number };
  probe.close();
  const other = new GatewayProcess(['--data', `${directory.path}/fresh`, '--http', String(http)]);
  const serving = once(other.child, 'message');
  let served = false;
  void serving.then(() => {
    served = true;
  });
  const seen = new Set<number>();
  while (!seen.has(200)) {
    // Asked without a pause, it would hold up the process that makes the database.
    await new Promise((resolve) => setTimeout(resolve, 20));
    const before = served;
    const response = await fetch(`http://127.0.0.1:${http}/healthz`).catch(() => undefined);
    if (response !== undefined) seen.add(response.status);
    // From the moment it says that it serves, it must be healthy.
    if (before) expect(response?.status).toBe(200);
  }
  expect([...seen]).toEqual([503, 200]);
  await serving;
  await other.drain();
}, 60_000);

test('a start that is ended in the middle leaves a directory that the next one can use', async () => {
  const fresh = `${directory.path}/ended`;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const other = new GatewayProcess(['--data', fresh]);
    while (
      !existsSync(fresh) ||
      !readdirSync(fresh).some((name) => name.startsWith('initialising'))
    ) {
      await new Promise(setImmediate);
    }
    await other.stop(signal);
  }
  const next = await GatewayProcess.start(['--data', fresh]);
  await next.drain();
}, 60_000);

test('a port in use is named, with what to do', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  for (const option of ['--port', '--http']) {
    const text = await refused('--data', `${directory.path}/other`, option, String(port));
    expect(text).toMatch(new RegExp(`EADDRINUSE: port ${port} .*--port and --http`));
  }
  server.close();
});

test('an option that is not there is refused', async () => {
  expect(await refused('--nonsense')).toMatch(/--nonsense[\s\S]*--help/);
});

test('a directory of another version is refused and untouched', async () => {
  await gateway.stop();
  writeFileSync(`${data}/PG_VERSION`, '15\n');
  const before = readdirSync(data);
  expect(await refused('--data', data)).toMatch(
    /PostgreSQL version 15, this gateway embeds version 18/,
  );
  expect(readdirSync(data)).toEqual(before);
  expect(readFileSync(`${data}/PG_VERSION`, 'utf8')).toBe('15\n');
});
