import { inspect } from 'node:util';
import { expect, test } from '@jest/globals';
import { type Connection, framing } from 'millrace';
import { serving, until } from './serving.js';

test('a connection is opened, gives its messages in order, and is closed, each told once', async () => {
  const { listener, client } = await serving({ replies: 'none' });
  const told: unknown[] = [];
  const connections = new Set<Connection>();
  listener.serve({
    open(connection) {
      connections.add(connection);
      connection.data = 'mine';
      told.push(['open', connection.remoteAddress]);
    },
    message(connection, message) {
      connections.add(connection);
      told.push([message.text, message.length, message.copy().toString(), connection.data]);
    },
    close(connection, reason) {
      connections.add(connection);
      told.push(['close', reason]);
    },
  });
  const peer = await client();
  const { localPort } = peer.socket;
  peer.send('one\ntw');
  await until(() => told.length === 2);
  peer.send('o\r\n\nthree\n');
  await until(() => told.length === 5);
  peer.socket.destroy();
  await until(() => told.length === 6);
  expect(told).toEqual([
    ['open', `127.0.0.1:${localPort}`],
    ['one', 3, 'one', 'mine'],
    ['two', 3, 'two', 'mine'],
    ['', 0, '', 'mine'],
    ['three', 5, 'three', 'mine'],
    ['close', 'end'],
  ]);
  expect(connections.size).toBe(1);
});

test('a thousand pipelined messages are answered in order', async () => {
  const { listener, client } = await serving();
  listener.serve({ message: (_connection, message) => message.reply(message.bytes) });
  const peer = await client();
  const lines = Array.from({ length: 1000 }, (_, i) => `message ${i}\n`).join('');
  peer.send(lines);
  expect(await peer.until(lines)).toBe(lines);
});

test('messages of many connections come in one turn of the event loop', async () => {
  const { listener, client } = await serving();
  const peers = await Promise.all(Array.from({ length: 20 }, client));
  for (const peer of peers) peer.send('hello\n');
  let turns = 0;
  let inTurn = false;
  let messages = 0;
  // Served only when all have sent: they wait in the kernel until then.
  await Promise.all(peers.map((peer) => until(() => peer.socket.bytesWritten === 6)));
  listener.serve({
    message(_connection, message) {
      messages += 1;
      if (!inTurn) turns += 1;
      inTurn = true;
      setImmediate(() => {
        inTurn = false;
      });
      message.reply('answer');
    },
  });
  await Promise.all(peers.map((peer) => peer.until('answer\n')));
  expect(messages).toBe(20);
  expect(turns).toBeLessThan(20);
});

test('replies that come out of order go out in order', async () => {
  const { listener, client } = await serving();
  const tokens: number[] = [];
  listener.serve({ message: (_connection, message) => void tokens.push(message.token) });
  const peer = await client();
  peer.send('a\nb\nc\nd\n');
  await until(() => tokens.length === 4);
  for (const i of [2, 1, 3]) listener.reply(tokens[i] as number, `answer ${i}`);
  await until(() => listener.stats().bytesIn === 8);
  expect(peer.received).toBe('');
  listener.reply(tokens[0] as number, 'answer 0');
  expect(await peer.until('answer 0\nanswer 1\nanswer 2\nanswer 3\n')).toBe(
    'answer 0\nanswer 1\nanswer 2\nanswer 3\n',
  );
  expect(listener.stats()).toMatchObject({ frames: 4, replies: 4, owed: 0 });
});

test("with replies: 'any' they go out as they come", async () => {
  const { listener, client } = await serving({ replies: 'any' });
  const tokens: number[] = [];
  listener.serve({ message: (_connection, message) => void tokens.push(message.token) });
  const peer = await client();
  peer.send('a\nb\n');
  await until(() => tokens.length === 2);
  listener.reply(tokens[1] as number, 'second');
  expect(await peer.until('second\n')).toBe('second\n');
  listener.reply(tokens[0] as number, 'first');
  expect(await peer.until('second\nfirst\n')).toBe('second\nfirst\n');
});

test("with replies: 'none' nothing is owed, however many messages come", async () => {
  const { listener, client } = await serving({ replies: 'none', maxOwed: 2 });
  let messages = 0;
  let refused: unknown;
  listener.serve({
    message(connection, message) {
      messages += 1;
      if (messages < 100) return;
      try {
        message.reply('never');
      } catch (error) {
        refused = error;
      }
      connection.send('enough');
    },
  });
  const peer = await client();
  peer.send('x\n'.repeat(100));
  expect(await peer.until('enough\n')).toBe('enough\n');
  expect(listener.stats()).toMatchObject({ frames: 100, owed: 0 });
  expect(refused).toMatchObject({ code: 'ERR_MILLRACE_INVALID_ARGUMENT' });
});

test('a second reply, and one to a connection that is gone, are dropped and counted', async () => {
  const { reactor, listener, client } = await serving();
  const tokens: number[] = [];
  let closed = 0;
  listener.serve({
    message: (_connection, message) => void tokens.push(message.token),
    close: () => void closed++,
  });
  const peer = await client();
  peer.send('a\nb\n');
  await until(() => tokens.length === 2);
  const [a, b] = tokens as [number, number];
  listener.reply(a, 'first');
  listener.reply(a, 'again');
  expect(await peer.until('first\n')).toBe('first\n');
  peer.socket.resetAndDestroy();
  await until(() => closed === 1);
  listener.reply(b, 'late');
  await until(() => reactor.stats().staleReplies === 2);
});

test('a peer that has ended its side gets what it is owed', async () => {
  const { listener, client } = await serving();
  const tokens: number[] = [];
  const reasons: string[] = [];
  listener.serve({
    message: (_connection, message) => void tokens.push(message.token),
    close: (_connection, reason) => void reasons.push(reason),
  });
  const peer = await client();
  peer.socket.end('question\n');
  await until(() => tokens.length === 1);
  listener.reply(tokens[0] as number, 'answer');
  expect(await peer.closed).toBe('end');
  expect(peer.received).toBe('answer\n');
  await until(() => reasons.length === 1);
  expect(reasons).toEqual(['end']);
});

test('more messages than maxOwed are delivered as replies are given', async () => {
  const { listener, client } = await serving({ maxOwed: 4 });
  const tokens: number[] = [];
  listener.serve({ message: (_connection, message) => void tokens.push(message.token) });
  const peer = await client();
  peer.send('x\n'.repeat(10));
  for (let answered = 0; answered < 10; answered++) {
    await until(() => tokens.length > answered);
    expect(listener.stats().owed).toBeLessThanOrEqual(4);
    listener.reply(tokens[answered] as number, 'y');
  }
  expect(await peer.until('y\n'.repeat(10))).toBe('y\n'.repeat(10));
});

test('end: true answers, and ends the connection behind the answer', async () => {
  const { listener, client } = await serving();
  const reasons: string[] = [];
  listener.serve({
    message: (_connection, message) =>
      message.reply(message.text, { end: message.text === 'last' }),
    close: (_connection, reason) => void reasons.push(reason),
  });
  const peer = await client();
  peer.send('first\nlast\nnever\n');
  expect(await peer.closed).toBe('end');
  expect(peer.received).toBe('first\nlast\n');
  await until(() => reasons.length === 1);
  expect(reasons).toEqual(['end']);
});

test('a connection is sent messages, raw bytes, and an end, in this order', async () => {
  const { listener, client } = await serving();
  listener.serve({
    message() {},
    open(connection) {
      connection.send('message');
      connection.send(Buffer.from('bytes'));
      connection.write('raw');
      connection.write(new Uint8Array([33, 10]));
      connection.end();
      connection.send('never');
    },
  });
  const peer = await client();
  expect(await peer.closed).toBe('end');
  expect(peer.received).toBe('message\nbytes\nraw!\n');
});

test('a destroyed connection is closed at once', async () => {
  const { listener, client } = await serving();
  const reasons: string[] = [];
  listener.serve({
    message: (connection) => connection.destroy(),
    close: (_connection, reason) => void reasons.push(reason),
  });
  const peer = await client();
  peer.send('x\n');
  await peer.closed;
  await until(() => reasons.length === 1);
  expect(reasons).toEqual(['closed']);
});

test('a reply of many MiB, larger than any ring, arrives whole and in its place', async () => {
  const { listener, client } = await serving();
  const large = Buffer.alloc(9 << 20, 'large ');
  listener.serve({
    message(_connection, message) {
      message.reply(message.text === 'large' ? large : message.text);
    },
  });
  const peer = await client();
  peer.send('a\nlarge\nb\n');
  const expected = `a\n${large.toString('latin1')}\nb\n`;
  expect((await peer.until(expected)) === expected).toBe(true);
});

test('raw bytes of many MiB arrive whole', async () => {
  const { listener, client } = await serving();
  const large = 'ä'.repeat(3 << 20);
  listener.serve({
    message(connection) {
      connection.write(large);
      connection.end();
    },
  });
  const peer = await client();
  peer.send('x\n');
  await peer.closed;
  expect(Buffer.from(peer.received, 'latin1').toString() === large).toBe(true);
});

test('a message too large to be sent at once is refused with what to do', async () => {
  const { listener, client } = await serving();
  const thrown: unknown[] = [];
  listener.serve({
    message() {},
    open(connection) {
      try {
        connection.send(Buffer.alloc(1 << 20));
      } catch (error) {
        thrown.push(error);
      }
      connection.end();
    },
  });
  await (await client()).closed;
  expect(thrown).toMatchObject([{ code: 'ERR_MILLRACE_FRAME_TOO_LARGE' }]);
});

test('what is no payload and no token is refused', async () => {
  const { listener, client } = await serving();
  const thrown: unknown[] = [];
  const attempt = (call: () => void) => {
    try {
      call();
    } catch (error) {
      thrown.push((error as NodeJS.ErrnoException).code);
    }
  };
  listener.serve({
    message(connection, message) {
      attempt(() => message.reply(7 as never));
      attempt(() => connection.send(undefined as never));
      attempt(() => connection.write(null as never));
      attempt(() => listener.reply(undefined as never, 'x'));
      message.reply('done');
    },
  });
  const peer = await client();
  peer.send('x\n');
  expect(await peer.until('done\n')).toBe('done\n');
  expect(thrown).toEqual(Array(4).fill('ERR_MILLRACE_INVALID_ARGUMENT'));
});

test('a message is over when its handler is', async () => {
  const { listener, client } = await serving({ framing: framing.lines({ max: 100 }) });
  const errors: unknown[] = [];
  let kept: { readonly text: string } | undefined;
  listener.serve({
    async message(connection, message) {
      const { token } = message;
      kept = message;
      await null;
      try {
        message.reply('too late');
      } catch (error) {
        errors.push(error);
      }
      listener.reply(token, 'by token');
      connection.end();
    },
  });
  const peer = await client();
  peer.send('x\n');
  expect(await peer.until('by token\n')).toBe('by token\n');
  expect(errors).toMatchObject([{ code: 'ERR_MILLRACE_STALE' }]);
  expect(() => kept?.text).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_STALE' }));
});

test('the bytes of a message are a Buffer in every way', async () => {
  const { listener, client } = await serving();
  const seen: unknown[] = [];
  listener.serve({
    message(_connection, message) {
      const { bytes } = message;
      seen.push(Buffer.isBuffer(bytes), bytes.constructor === Buffer, bytes.toString('hex'));
      seen.push(
        inspect(bytes),
        bytes.subarray(1).toString(),
        bytes.indexOf('c'),
        bytes.readUInt16BE(0),
      );
      seen.push(bytes.equals(Buffer.from('abc')), Buffer.concat([bytes, bytes]).toString());
      seen.push(bytes.buffer instanceof SharedArrayBuffer, message.bytes === bytes);
      message.reply(bytes.subarray(0, 2));
    },
  });
  const peer = await client();
  peer.send('abc\n');
  expect(await peer.until('ab\n')).toBe('ab\n');
  expect(seen).toEqual([
    ...[true, true, '616263'],
    ...['<Buffer 61 62 63>', 'bc', 2, 0x6162],
    ...[true, 'abcabc'],
    ...[true, true],
  ]);
});
