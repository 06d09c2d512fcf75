import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { GatewayProcess, temporaryDirectory } from './gateway-process.js';
import { encode, RawClient } from './raw-client.js';

const directory = temporaryDirectory();
let gateway: GatewayProcess;
let innocent: RawClient;

beforeAll(async () => {
  gateway = await GatewayProcess.start([
    '--data',
    `${directory.path}/data`,
    '--max-frame',
    '65536',
    '--frame-timeout',
    '1',
  ]);
  innocent = await RawClient.connect(gateway.port);
}, 60_000);

beforeEach(() => {
  before = gateway.stderr.length;
});

afterEach(async () => {
  innocent.send('PING\r\n');
  await innocent.expect('+PONG\r\n');
});

afterAll(async () => {
  await gateway.drain();
  directory.remove();
});

const residentMemory = () => gateway.metric('process_resident_memory_bytes');

/** What the gateway has said before this test. */
let before = 0;

/** Waits until the gateway has said in this test, on its standard error, why it closed a connection. */
async function closedFor(reason: RegExp): Promise<void> {
  const pattern = new RegExp(`a connection was closed: (${reason.source})`);
  while (!pattern.test(gateway.stderr.slice(before))) await new Promise(setImmediate);
}

test.each([
  ['a negative bulk length', '*2\r\n$-1\r\n', 'invalid bulk length'],
  ['a bulk length beyond the limit', '*1\r\n$65537\r\n', 'invalid bulk length'],
  ['a bulk length beyond 32 bits', '*1\r\n$99999999999\r\n', 'invalid bulk length'],
  ['2^32-1 arguments', '*4294967295\r\n', 'invalid multibulk length'],
  ['a number of arguments that is none', '*x\r\n', 'invalid multibulk length'],
  ['an argument that is none', '*1\r\nfoo\r\n', "expected '$', got 'f'"],
])('%s gets the error of Redis, and the connection ends', async (_, bytes, text) => {
  const client = await RawClient.connect(gateway.port);
  client.send(`PING\r\n${bytes}`);
  await client.expect(`+PONG\r\n-ERR Protocol error: ${text}\r\n`);
  await client.closed;
  await closedFor(/protocol|frame-too-large/);
});

test('a client that sends a byte at a time is cut off', async () => {
  const client = await RawClient.connect(gateway.port);
  const bytes = encode('XADD', 's', '*', 'a', '1').toString();
  let sent = 0;
  const timer = setInterval(() => client.send(bytes.charAt(sent++)), 250);
  await client.closed;
  clearInterval(timer);
  await closedFor(/frame-timeout/);
});

test('a client that never reads its answers keeps memory flat', async () => {
  const client = await RawClient.connect(gateway.port);
  client.socket.pause();
  const value = 'x'.repeat(32_768);
  const before = await residentMemory();
  for (let i = 0; i < 4000; i++) client.send(encode('ECHO', value));
  innocent.send('PING\r\n');
  await innocent.expect('+PONG\r\n');
  expect((await residentMemory()) - before).toBeLessThan(100 << 20);
  client.socket.destroy();
});

const REFUSED = '-ERR more than 33554432 bytes of replies wait';

test('a client that asks for long ranges and never reads holds up neither memory nor others', async () => {
  const writer = await RawClient.connect(gateway.port);
  for (let i = 0; i < 400; i++) writer.send(encode('XADD', 'long', '1-*', 'v', 'x'.repeat(50_000)));
  writer.send(encode('XLEN', 'long'));
  const length = ':400\r\n';
  while (!writer.received.endsWith(length)) await writer.more();
  writer.socket.destroy();

  const client = await RawClient.connect(gateway.port);
  client.socket.pause();
  const before = await residentMemory();
  for (let i = 0; i < 100; i++) client.send(encode('XRANGE', 'long', '-', '+'));
  const sent = performance.now();
  innocent.send(encode('XADD', 'innocent', '1-1', 'a', '1'));
  await innocent.expect('$3\r\n1-1\r\n');
  expect(performance.now() - sent).toBeLessThan(5000);
  expect((await residentMemory()) - before).toBeLessThan(300 << 20);

  // Reading on, it gets what was made, and is told of the rest.
  client.socket.resume();
  client.send('PING\r\n');
  let refused = 0;
  for (let unseen = ''; !unseen.endsWith('+PONG\r\n'); ) {
    await client.more();
    unseen += client.received;
    client.received = '';
    refused += unseen.split(REFUSED).length - 1;
    // Too short to hold what was counted.
    unseen = unseen.slice(1 - REFUSED.length);
  }
  expect(refused).toBeGreaterThan(50);
  client.socket.destroy();
}, 60_000);

test('a client that resets in the middle of its answers harms nobody', async () => {
  const client = await RawClient.connect(gateway.port);
  for (let i = 0; i < 200; i++) client.send(encode('XADD', 'reset', '*', 'a', 'x'.repeat(1000)));
  client.send(encode('XRANGE', 'reset', '-', '+'));
  // Some of them are answered, and most are not: a client that closes at once resets before they came.
  await client.more();
  client.socket.resetAndDestroy();
  await closedFor(/reset/);
});

test('a stream name without bytes is refused and the connection goes on', async () => {
  const client = await RawClient.connect(gateway.port);
  client.send(encode('XADD', '', '*', 'a', '1'));
  client.send(encode('PING'));
  await client.expect('-ERR invalid stream name: 0 bytes, allowed are 1 to 1024\r\n+PONG\r\n');
  client.socket.destroy();
});

test('a stream name beyond --max-frame ends the connection', async () => {
  const client = await RawClient.connect(gateway.port);
  client.send(encode('XADD', 'n'.repeat(70_000), '*', 'a', '1'));
  await client.expect('-ERR Protocol error: invalid bulk length\r\n');
  await client.closed;
  await closedFor(/protocol|frame-too-large/);
});

test('an odd number of fields is refused and the connection goes on', async () => {
  const client = await RawClient.connect(gateway.port);
  client.send(encode('XADD', 's', '*', 'a', '1', 'b'));
  client.send(encode('PING'));
  await client.expect("-ERR wrong number of arguments for 'xadd' command\r\n+PONG\r\n");
  client.socket.destroy();
});
