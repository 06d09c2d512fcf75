import { expect, test } from '@jest/globals';
import { type CloseReason, framing } from 'millrace';
import { serving, until } from './serving.js';

/** Keeps this thread busy: no event loop, no handlers. */
function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

test('connections beyond maxConnections are closed, and there is room again after one has gone', async () => {
  const { listener, client } = await serving({ maxConnections: 2 });
  listener.serve({ message: (_connection, message) => message.reply(message.bytes) });
  const first = await client();
  const second = await client();
  const third = await client();
  await third.closed;
  expect(third.received).toBe('');
  expect(listener.stats()).toMatchObject({ connections: 2, accepted: 2, refused: 1 });
  first.socket.destroy();
  await until(() => listener.stats().connections === 1);
  const fourth = await client();
  for (const peer of [second, fourth]) {
    peer.send('x\n');
    expect(await peer.until('x\n')).toBe('x\n');
  }
});

test('a silent connection is closed after idleTimeout, also while this thread is blocked', async () => {
  const { listener, client } = await serving({ idleTimeout: 200 });
  const reasons: CloseReason[] = [];
  listener.serve({
    message: (_connection, message) => message.reply(message.bytes),
    close: (_connection, reason) => void reasons.push(reason),
  });
  const peer = await client();
  peer.send('x\n');
  await peer.until('x\n');
  expect(listener.stats().connections).toBe(1);
  block(1000);
  // Counted by the reactor, before this thread came to hear of it.
  expect(listener.stats().closed['idle-timeout']).toBe(1);
  await peer.closed;
  await until(() => reasons.length === 1);
  expect(reasons).toEqual(['idle-timeout']);
});

test('a connection that is owed a reply is not idle', async () => {
  const { listener, client } = await serving({ idleTimeout: 100 });
  listener.serve({
    message(_connection, message) {
      const { token } = message;
      setTimeout(() => listener.reply(token, 'late'), 500);
    },
  });
  const peer = await client();
  peer.send('x\n');
  expect(await peer.until('late\n')).toBe('late\n');
});

test('a byte now and then does not keep a message open beyond frameTimeout, nor does a blocked thread', async () => {
  const { listener, client } = await serving({
    framing: framing.resp(),
    frameTimeout: 300,
    idleTimeout: 10_000,
  });
  const reasons: CloseReason[] = [];
  listener.serve({ message() {}, close: (_connection, reason) => void reasons.push(reason) });
  const slow = await client();
  const bytes = [...'*2\r\n$4\r\nECHO\r\n$100\r\n'];
  const timer = setInterval(() => slow.socket.writable && slow.send(bytes.shift() ?? 'x'), 40);
  await slow.closed;
  clearInterval(timer);
  await until(() => reasons.length === 1);
  expect(reasons).toEqual(['frame-timeout']);

  const half = await client();
  half.send('*1\r\n$4\r\n');
  await until(() => listener.stats().bytesIn > 8 && listener.stats().connections === 1);
  block(1000);
  expect(listener.stats().closed['frame-timeout']).toBe(2);
});

test("a peer that never reads is not read from any more: policy 'pause'", async () => {
  const { listener, client } = await serving({ writeLimit: { bytes: 1 << 16 } });
  const answer = 'a'.repeat(10_000);
  listener.serve({ message: (_connection, message) => message.reply(answer) });
  const deaf = await client();
  const other = await client();
  deaf.socket.pause();
  deaf.send('x\n'.repeat(100_000));
  await until(() => listener.stats().writePauses > 0);
  const { frames } = listener.stats();
  other.send('y\n');
  await other.until(`${answer}\n`);
  // A gigabyte was asked for; what the kernel takes, the limit and what is owed is all there is.
  expect(frames).toBeLessThan(10_000);
  expect(listener.stats().connections).toBe(2);
  deaf.socket.resume();
  await deaf.length(10_001 * 3000);
});

test("messages to a peer that never reads are dropped and counted: policy 'drop'", async () => {
  const { listener, client } = await serving({ writeLimit: { bytes: 1 << 16, policy: 'drop' } });
  const news = 'n'.repeat(100_000);
  listener.serve({
    message(connection, message) {
      for (let i = 0; i < 500; i++) connection.send(news);
      message.reply('reply');
    },
  });
  const deaf = await client();
  deaf.socket.pause();
  deaf.send('x\n');
  await until(() => listener.stats().dropped > 0);
  expect(listener.stats().connections).toBe(1);
  deaf.socket.resume();
  await until(() => deaf.received.endsWith('reply\n'));
  expect(deaf.received.length).toBeLessThan(500 * 100_001);
});

test("a peer that never reads is closed: policy 'close'", async () => {
  const { listener, client } = await serving({
    writeLimit: { bytes: 1 << 16, policy: 'close' },
    maxOwed: 1_000_000,
  });
  const told: unknown[] = [];
  const answer = 'a'.repeat(10_000);
  listener.serve({
    message: (_connection, message) => message.reply(answer),
    close: (_connection, reason, detail) => void told.push([reason, detail]),
  });
  const deaf = await client();
  deaf.socket.pause();
  deaf.send('x\n'.repeat(20_000));
  await until(() => told.length === 1);
  expect(told).toEqual([['write-limit', expect.stringContaining('65536')]]);
});
