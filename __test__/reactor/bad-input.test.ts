import { expect, test } from '@jest/globals';
import { type CloseReason, framing, RespArguments, resp } from 'millrace';
import { serving, until } from './serving.js';

/** A server of the Redis protocol that answers with the number of arguments, and what its connections ended with. */
async function respServer(options: Parameters<typeof framing.resp>[0] = {}) {
  const place = await serving({ framing: framing.resp(options) });
  const closed: [CloseReason, string][] = [];
  const args = new RespArguments();
  place.listener.serve({
    message: (_connection, message) => message.reply(resp.integer(args.read(message).length)),
    close: (_connection, reason, detail) => void closed.push([reason, detail]),
  });
  return { ...place, closed };
}

const cases: [what: string, bytes: string, reason: CloseReason, answer: string][] = [
  [
    'a type that is no bulk string',
    '*1\r\n:5\r\n',
    'protocol',
    "-ERR Protocol error: expected '$', got ':'\r\n",
  ],
  [
    'a negative bulk length',
    '*1\r\n$-5\r\n',
    'protocol',
    '-ERR Protocol error: invalid bulk length\r\n',
  ],
  [
    'a length that is no number',
    '*1\r\n$x\r\n',
    'protocol',
    '-ERR Protocol error: invalid bulk length\r\n',
  ],
  [
    '2^32-1 arguments',
    '*4294967295\r\n',
    'protocol',
    '-ERR Protocol error: invalid multibulk length\r\n',
  ],
  ['a bulk string beyond the maximum', '*1\r\n$100001\r\n', 'frame-too-large', ''],
  [
    'a request beyond the maximum',
    `*2\r\n$99990\r\n${'x'.repeat(99_990)}\r\n$99990\r\n`,
    'frame-too-large',
    '',
  ],
  ['an inline command without an end', 'x'.repeat(200_000), 'frame-too-large', ''],
];

test.each(cases)(
  '%s ends its connection with a reason, and no other',
  async (_what, bytes, reason, answer) => {
    const { listener, client, closed } = await respServer({ max: 100_000 });
    const good = await client();
    const bad = await client();
    good.send('*1\r\n$4\r\nPING\r\n');
    await good.until(':1\r\n');
    bad.send(`*2\r\n$1\r\na\r\n$1\r\nb\r\n${bytes}`);
    await bad.closed;
    await until(() => closed.length === 1);
    expect(closed[0]?.[0]).toBe(reason);
    // What came before is answered first.
    expect(bad.received.slice(0, 4)).toBe(':2\r\n');
    if (answer) expect(bad.received.slice(4)).toBe(answer);
    else expect(bad.received.slice(4)).toMatch(/^(-ERR .*\r\n)?$/);
    good.send('*1\r\n$4\r\nPING\r\n');
    expect(await good.until(':1\r\n:1\r\n')).toBe(':1\r\n:1\r\n');
    expect(listener.stats().connections).toBe(1);
  },
);

test('more arguments than allowed are refused', async () => {
  const { client, closed } = await respServer({ maxArguments: 3 });
  const bad = await client();
  bad.send('*4\r\n');
  await bad.closed;
  await until(() => closed.length === 1);
  expect(['protocol', 'frame-too-large']).toContain(closed[0]?.[0]);
});

test('a request is the same whether its bytes come together or one by one', async () => {
  const { client } = await respServer();
  const peer = await client();
  peer.socket.setNoDelay(true);
  const request = '*3\r\n$3\r\nSET\r\n$0\r\n\r\n$4\r\n\r\n\r\n\r\n';
  for (const byte of request.repeat(3)) {
    await new Promise<void>((resolve) => peer.socket.write(byte, () => resolve()));
  }
  expect(await peer.until(':3\r\n'.repeat(3))).toBe(':3\r\n'.repeat(3));
});

test('a line beyond the maximum ends its connection', async () => {
  const { listener, client } = await serving({ framing: framing.lines({ max: 10 }) });
  const closed: CloseReason[] = [];
  listener.serve({
    message: (_connection, message) => message.reply(message.bytes),
    close: (_connection, reason) => void closed.push(reason),
  });
  const peer = await client();
  peer.send('0123456789\n01234567890\n');
  await peer.closed;
  await until(() => closed.length === 1);
  expect(closed).toEqual(['frame-too-large']);
  expect(peer.received.startsWith('0123456789\n')).toBe(true);
});

test('a peer that resets in the middle of a reply is closed, and nobody else hears of it', async () => {
  const { listener, client } = await serving();
  const closed: CloseReason[] = [];
  const errors: Error[] = [];
  const large = Buffer.alloc(20 << 20, 'x');
  listener.serve({
    message: (_connection, message) => message.reply(message.length === 5 ? large : message.bytes),
    close: (_connection, reason) => void closed.push(reason),
    error: (_connection, error) => void errors.push(error),
  });
  const good = await client();
  const bad = await client();
  bad.send('large\n');
  await bad.length(1000);
  bad.socket.resetAndDestroy();
  await until(() => closed.length === 1);
  expect(closed).toEqual(['reset']);
  expect(errors).toEqual([]);
  good.send('x\n');
  expect(await good.until('x\n')).toBe('x\n');
});

test('random bytes on many connections close those, and the good one goes on', async () => {
  const { listener, client, closed } = await respServer({ max: 1000 });
  const good = await client();
  let seed = 7;
  const random = () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return seed >>> 16;
  };
  const alphabet = '*$:+-\r\n0123456789\0\xffPING ';
  for (let round = 0; round < 20; round++) {
    const bads = await Promise.all(Array.from({ length: 10 }, client));
    for (const bad of bads) {
      let bytes = '';
      for (let i = 0; i < 300; i++) bytes += alphabet[random() % alphabet.length];
      bad.send(Buffer.from(bytes, 'latin1'));
      bad.socket.end();
    }
    await Promise.all(bads.map((bad) => bad.closed));
  }
  await until(() => closed.length === 200);
  good.send('*1\r\n$4\r\nPING\r\n');
  expect(await good.until(':1\r\n')).toBe(':1\r\n');
  expect(listener.stats().owed).toBe(0);
});
