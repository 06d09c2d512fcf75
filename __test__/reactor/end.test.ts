import { connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { expect, test } from '@jest/globals';
import { type CloseReason, framing, Reactor } from 'millrace';
import { serving, until } from './serving.js';

test('drain answers what came, closes each connection as it is settled, and tells how many', async () => {
  const { listener, client } = await serving();
  const tokens: number[] = [];
  const closed: CloseReason[] = [];
  listener.serve({
    message: (_connection, message) => void tokens.push(message.token),
    close: (_connection, reason) => void closed.push(reason),
  });
  const owed = await client();
  const idle = await client();
  owed.send('a\nb\n');
  await until(() => tokens.length === 2);
  const drained = listener.drain({ timeout: 20_000 });
  expect(await idle.closed).toBe('end');
  owed.send('too late\n');
  listener.reply(tokens[0] as number, 'A');
  await owed.until('A\n');
  listener.reply(tokens[1] as number, 'B');
  expect(await owed.closed).toBe('end');
  expect(owed.received).toBe('A\nB\n');
  expect(await drained).toEqual({ drained: 2, cut: 0 });
  expect(closed).toEqual(['drained', 'drained']);
  expect(await listener.drain()).toEqual({ drained: 2, cut: 0 });
});

test('drain waits for a reply that is larger than any ring', async () => {
  const { listener, client } = await serving();
  const large = Buffer.alloc(9 << 20, 'large ');
  let drained: Promise<unknown> | undefined;
  listener.serve({
    message(_connection, message) {
      message.reply(large);
      drained = listener.drain();
    },
  });
  const peer = await client();
  peer.send('x\n');
  expect(await peer.closed).toBe('end');
  expect(peer.received === `${large.toString('latin1')}\n`).toBe(true);
  expect(await drained).toEqual({ drained: 1, cut: 0 });
});

test('the largest message that a framing may allow has room', async () => {
  const { listener, client } = await serving({ framing: framing.lines({ max: 1 << 26 }) });
  listener.serve({ message: (_connection, message) => message.reply(`${message.length}`) });
  const peer = await client();
  peer.send(Buffer.alloc(20 << 20, 'x'));
  peer.send('\n');
  expect(await peer.until('20971520\n')).toBe('20971520\n');
});

test('what is not settled within the timeout is cut', async () => {
  const { listener, client } = await serving();
  let messages = 0;
  listener.serve({ message: () => void messages++ });
  const peer = await client();
  peer.send('never answered\n');
  await until(() => messages === 1);
  expect(await listener.drain({ timeout: 50 })).toEqual({ drained: 0, cut: 1 });
  await peer.closed;
});

test('close ends at once, also a drain that is under way', async () => {
  const { listener, client } = await serving();
  let messages = 0;
  listener.serve({ message: () => void messages++ });
  const peer = await client();
  peer.send('never answered\n');
  await until(() => messages === 1);
  const drained = listener.drain();
  await turn();
  await listener.close();
  expect(await drained).toEqual({ drained: 0, cut: 1 });
  await peer.closed;
});

test('a listener that was never told where messages go can be closed', async () => {
  const { listener, client } = await serving();
  const peer = await client();
  peer.send('x\n');
  await listener.close();
  await peer.closed;
  expect(() => listener.serve({ message() {} })).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_CLOSED' }),
  );
});

test('closing inside a handler lets the handlers of what came before and after run', async () => {
  const { listener, client } = await serving();
  const closed: CloseReason[] = [];
  let ended: Promise<unknown> | undefined;
  listener.serve({
    message(_connection, message) {
      message.reply('answer');
      ended = listener.close();
    },
    close: (_connection, reason) => void closed.push(reason),
  });
  const peers = await Promise.all([client(), client(), client()]);
  peers[0]?.send('x\ny\nz\n');
  await until(() => ended !== undefined);
  await ended;
  expect(closed).toHaveLength(3);
  await Promise.all(peers.map((peer) => peer.closed));
});

test('a port is free again after close', async () => {
  const { reactor, listener } = await serving();
  const { port } = listener;
  await listener.close();
  const again = await reactor.listen({ port });
  expect(again.port).toBe(port);
  await again.close();
});

test('a reactor closes its listeners, and takes no more', async () => {
  const reactor = Reactor.create();
  const listeners = [await reactor.listen({ port: 0 }), await reactor.listen({ port: 0 })];
  await reactor.close();
  await reactor.close();
  for (const { port } of listeners) {
    const socket = connect(port, '127.0.0.1');
    const refused = await new Promise<NodeJS.ErrnoException>((resolve) =>
      socket.on('error', resolve),
    );
    expect(refused.code).toBe('ECONNREFUSED');
  }
  await expect(reactor.listen({ port: 0 })).rejects.toMatchObject({ code: 'ERR_MILLRACE_CLOSED' });
});

test('a port in use is told in the shape of Node, with what to do', async () => {
  const { reactor, listener } = await serving();
  const { port } = listener;
  const refused = await reactor.listen({ port }).catch((error) => error);
  expect(refused).toBeInstanceOf(Error);
  expect(refused).toMatchObject({
    code: 'EADDRINUSE',
    syscall: 'listen',
    address: '127.0.0.1',
    port,
  });
  expect(refused.errno).toBeLessThan(0);
  expect(refused.message).toMatch(/EADDRINUSE.*127\.0\.0\.1:\d+.*choose another port/);
  await expect(reactor.listen({ port: 0, host: '203.0.113.7' })).rejects.toMatchObject({
    code: 'EADDRNOTAVAIL',
    address: '203.0.113.7',
  });
});

test('statistics add up', async () => {
  const { reactor, listener, client } = await serving();
  listener.serve({ message: (_connection, message) => message.reply(message.bytes) });
  const peers = await Promise.all(Array.from({ length: 7 }, client));
  for (const peer of peers) peer.send('hello\nworld\n');
  for (const peer of peers) await peer.until('hello\nworld\n');
  expect(listener.stats()).toMatchObject({
    connections: 7,
    accepted: 7,
    refused: 0,
    bytesIn: 7 * 12,
    bytesOut: 7 * 12,
    frames: 14,
    replies: 14,
    owed: 0,
  });
  expect(reactor.stats()).toMatchObject({
    connections: 7,
    outgoing: 14,
    staleReplies: 0,
    panics: 0,
  });
  peers[0]?.socket.destroy();
  await until(() => listener.stats().connections === 6);
  const { cut, drained } = await listener.close();
  expect(drained + cut).toBe(6);
  const { closed, connections, accepted } = listener.stats();
  expect(connections).toBe(0);
  expect(Object.values(closed).reduce((sum, n) => sum + n)).toBe(accepted);
  expect(closed).toMatchObject({ end: 1, closed: 6 });
});

test('objects show what they are', async () => {
  const { reactor, listener, client } = await serving();
  const shown: string[] = [];
  listener.serve({
    message(connection, message) {
      shown.push(inspect(connection), inspect(message));
      message.reply('x');
    },
  });
  const peer = await client();
  peer.send('hello\n');
  await peer.until('x\n');
  expect(inspect(listener)).toBe(`Listener { 127.0.0.1:${listener.port}, connections: 1 }`);
  expect(inspect(reactor)).toBe(
    `Reactor { engine: '${reactor.stats().engine}', listeners: 1, connections: 1 }`,
  );
  expect(shown[0]).toMatch(/^Connection \{ id: \d+, remoteAddress: '127\.0\.0\.1:\d+' \}$/);
  expect(shown[1]).toMatch(/^Message \{ length: 5, token: \d+ \}$/);
  await reactor.close();
  expect(inspect(listener)).toBe(`Listener { 127.0.0.1:${listener.port}, closed }`);
  expect(inspect(reactor)).toBe('Reactor { closed }');
});

const invalidOptions: [string, object][] = [
  ['port', { port: -1 }],
  ['port', { port: 65_536 }],
  ['port', { port: '80' }],
  ['port', {}],
  ['host', { host: 'localhost' }],
  ['framing', { framing: { kind: 'words' } }],
  ['maxConnections', { maxConnections: 0 }],
  ['idleTimeout', { idleTimeout: -1 }],
  ['frameTimeout', { frameTimeout: 1.5 }],
  ['writeLimit.bytes', { writeLimit: { bytes: 0 } }],
  ['writeLimit.policy', { writeLimit: { policy: 'wait' } }],
  ['replies', { replies: 'sorted' }],
  ['maxOwed', { maxOwed: 0 }],
  ['backlog', { backlog: Number.NaN }],
];

test.each(invalidOptions)('an invalid %s is refused: %j', async (name, options) => {
  const { reactor } = await serving();
  const given = name === 'port' ? options : { port: 0, ...options };
  const refused = await reactor.listen(given as never).catch((error) => error);
  expect(refused).toBeInstanceOf(TypeError);
  expect(refused.code).toBe('ERR_MILLRACE_INVALID_ARGUMENT');
  expect(refused.message).toContain(name);
});

test('other invalid options are refused', async () => {
  const invalid = expect.objectContaining({ code: 'ERR_MILLRACE_INVALID_ARGUMENT' });
  expect(() => Reactor.create({ engine: 'io_uring' as never })).toThrow(invalid);
  expect(() => Reactor.create({ threads: 2 as never })).toThrow(invalid);
  expect(() => Reactor.create({ spin: -1 })).toThrow(invalid);
  expect(() => Reactor.create({ name: '' })).toThrow(invalid);
  expect(() => framing.lines({ max: 0 })).toThrow(invalid);
  expect(() => framing.resp({ max: 2 ** 27 })).toThrow(invalid);
  expect(() => framing.resp({ maxArguments: 2 ** 32 })).toThrow(invalid);
  const { reactor, listener } = await serving();
  await expect(listener.drain({ timeout: -1 })).rejects.toEqual(invalid);
  await expect(listener.close({ timeout: Number.NaN })).rejects.toEqual(invalid);
  await expect(reactor.close({ timeout: 'soon' as never })).rejects.toEqual(invalid);
  expect(() => listener.serve({} as never)).toThrow(invalid);
});
