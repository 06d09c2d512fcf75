import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { GatewayProcess, temporaryDirectory } from './gateway-process.js';
import { freePort, PostgresServer } from './postgres-server.js';
import { encode, RawClient } from './raw-client.js';

const directory = temporaryDirectory();
let server: PostgresServer;

beforeAll(async () => {
  server = await PostgresServer.start(`${directory.path}/postgres`);
}, 120_000);

afterAll(async () => {
  await server?.goAway();
  directory.remove();
});

/** A gateway on the server, or where there never was one. */
async function start(options: string, url = server.url('gateway')): Promise<GatewayProcess> {
  return GatewayProcess.start(options.split(' '), { DATABASE_URL: url });
}

/** Sends entries, and waits until all of them are with the gateway. */
async function send(gateway: GatewayProcess, clients: readonly RawClient[], each: number) {
  const before = await gateway.metric('gateway_commands_total');
  for (const client of clients)
    client.send(Buffer.concat(Array(each).fill(encode('XADD', 's', '*', 'a', '1'))));
  await gateway.received(before + each * clients.length);
}

/** Drains, which must not take much longer than it may; gives all answers that came. */
async function drain(gateway: GatewayProcess, clients: readonly RawClient[], seconds: number) {
  const since = performance.now();
  await gateway.drain();
  // Some for the process to be gone, and for us to hear of it.
  expect(performance.now() - since).toBeLessThan(seconds * 1000 + 1000);
  await Promise.all(clients.map(({ closed }) => closed));
  return clients.flatMap(({ received }) => received.split('\r\n').slice(0, -1));
}

const AWAY = '-TRYAGAIN the database is away, so the outcome is not known';
const ENDS = '-TRYAGAIN the gateway ends, so the outcome is not known';

test('a server that went away: what waits is told after the timeout, and the exit code is 0', async () => {
  const gateway = await start('--commit-timeout 4 --drain 10');
  const client = await RawClient.connect(gateway.port);
  client.send(encode('XADD', 's', '1-1', 'a', '1'));
  await client.expect('$3\r\n1-1\r\n');
  await server.goAway();
  await send(gateway, [client], 100);
  // Else they would not be waiting.
  expect(client.received).toBe('');
  const answers = await drain(gateway, [client], 10);
  expect(answers).toHaveLength(100);
  for (const answer of answers) expect(answer).toMatch(/^-TRYAGAIN /);
  await server.comeBack();
}, 60_000);

test('a server that holds a statement up is waited for no longer than the end allows', async () => {
  const gateway = await start('--commit-timeout 60 --drain 4');
  const client = await RawClient.connect(gateway.port);
  const holder = await server.connect('gateway');
  await holder.query('BEGIN; LOCK TABLE gateway.entry IN ACCESS EXCLUSIVE MODE');
  await send(gateway, [client], 1);
  const heldUp = `SELECT 1 FROM pg_stat_activity
    WHERE application_name = 'millrace-gateway' AND wait_event_type = 'Lock'`;
  while ((await holder.query(heldUp)).rows.length === 0);
  await send(gateway, [client], 50);
  const [first, ...behind] = await drain(gateway, [client], 4);
  await holder.end();
  expect(first).toMatch(/^-TRYAGAIN /);
  expect(behind).toEqual(Array(50).fill(ENDS));
}, 60_000);

test('a timeout longer than the time to finish does not hold the end up', async () => {
  const nowhere = `postgres://127.0.0.1:${await freePort()}/gateway`;
  const gateway = await start('--commit-timeout 60 --drain 3', nowhere);
  const client = await RawClient.connect(gateway.port);
  await send(gateway, [client], 100);
  expect(await drain(gateway, [client], 3)).toEqual(Array(100).fill(ENDS));
}, 60_000);

test('more than may wait at a time is answered in the same time', async () => {
  const nowhere = `postgres://127.0.0.1:${await freePort()}/gateway`;
  const gateway = await start('--commit-timeout 3 --drain 5', nowhere);
  const clients = await Promise.all(
    Array.from({ length: 12 }, () => RawClient.connect(gateway.port)),
  );
  await send(gateway, clients, 1000);
  const answers = await drain(gateway, clients, 5);
  expect(answers).toHaveLength(12_000);
  expect(answers.filter((answer) => answer !== AWAY && answer !== ENDS)).toEqual([]);
}, 60_000);
