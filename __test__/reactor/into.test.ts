import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from '@jest/globals';
import { ByteRing, framing, Listener, Reactor, RespArguments, Ring } from 'millrace';
import { serving, until } from './serving.js';

const header = { reply: 'u32', connection: 'u32', other: 'u32' } as const;
const makeRing = (capacity = 1 << 18) => {
  const ring = ByteRing.create({ capacity, header, stages: { answer: {} } });
  rings.push(ring);
  return ring;
};
const rings: { detach(): void }[] = [];

afterEach(() => {
  for (const ring of rings.splice(0)) ring.detach();
});

test('messages become records with their token and connection, and are answered by token', async () => {
  const { listener, client } = await serving();
  const records = makeRing();
  const told: unknown[] = [];
  listener.into(records, {
    reply: 'reply',
    connection: 'connection',
    open: (connection) => void told.push(['open', connection.id]),
    close: (connection, reason) => void told.push([reason, connection.id]),
  });
  const consumer = records.consumer('answer');
  const peer = await client();
  peer.send('a\nb\n');
  const seen: unknown[] = [];
  for await (const batch of consumer) {
    for (const record of batch) {
      seen.push([record.bytes.toString(), record.connection, record.other]);
      listener.reply(record.reply, record.bytes, { end: seen.length === 2 });
    }
    if (seen.length === 2) break;
  }
  consumer.close();
  expect(await peer.closed).toBe('end');
  expect(peer.received).toBe('a\nb\n');
  await until(() => told.length === 2);
  const id = (told[0] as unknown[])[1];
  expect(told).toEqual([
    ['open', id],
    ['end', id],
  ]);
  expect(seen).toEqual([
    ['a', id, 0],
    ['b', id, 0],
  ]);
});

test('requests of the Redis protocol are read out of records', async () => {
  const { listener, client } = await serving({ framing: framing.resp({ max: 1 << 16 }) });
  const records = makeRing();
  listener.into(records, { reply: 'reply' });
  const consumer = records.consumer('answer');
  const peer = await client();
  peer.send('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n\xff\r\r\n');
  const args = new RespArguments();
  const batch = await consumer.receive();
  for (const record of batch ?? []) {
    args.read(record);
    expect(args.length).toBe(3);
    expect(args.equals(0, 'set')).toBe(true);
    expect(args.string(1)).toBe('k');
    listener.reply(record.reply, '+OK\r\n', { end: true });
  }
  await peer.closed;
  expect(peer.received).toBe('+OK\r\n');
  consumer.close();
});

test('a worker answers through an attached listener, also more than any ring holds', async () => {
  const { listener, client } = await serving();
  const records = makeRing();
  listener.into(records, { reply: 'reply' });
  const largeBytes = 7 << 20;
  const worker = new Worker(new URL('./echo-ring-worker.js', import.meta.url), {
    workerData: { records: records.handle, listener: listener.handle, largeBytes },
  });
  await once(worker, 'message');
  const peers = await Promise.all([client(), client(), client()]);
  for (const peer of peers) peer.send('a\nlarge\nb\nlast\n');
  const expected = `a\n${Buffer.alloc(largeBytes, 'large ').toString('latin1')}\nb\nlast\n`;
  for (const peer of peers) {
    expect(await peer.closed).toBe('end');
    expect(peer.received === expected).toBe(true);
  }
  const ended = once(worker, 'exit');
  await records.close();
  expect(await ended).toEqual([0]);
});

test('what a thread said before it detached, or ended, is still sent', async () => {
  const { listener, client } = await serving();
  const tokens: number[] = [];
  listener.serve({ message: (_connection, message) => void tokens.push(message.token) });
  const peer = await client();
  peer.send('a\nb\n');
  await until(() => tokens.length === 2);
  const attached = Listener.attach(listener.handle);
  attached.reply(tokens[0] as number, 'x'.repeat(3 << 20));
  attached.detach();
  expect(() => attached.reply(tokens[1] as number, 'y')).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_CLOSED' }),
  );
  await peer.length((3 << 20) + 1);
  const code = `
    import('millrace').then(({ Listener }) => {
      const { workerData } = require('node:worker_threads');
      Listener.attach(workerData.handle).reply(workerData.token, 'from the end');
    });`;
  const worker = new Worker(code, {
    eval: true,
    workerData: { handle: listener.handle, token: tokens[1] },
  });
  await once(worker, 'exit');
  await peer.length((3 << 20) + 1 + 'from the end\n'.length);
  expect(peer.received.endsWith('xxx\nfrom the end\n')).toBe(true);
});

test('a full ring stops the reading, memory stays bounded, and all arrives later', async () => {
  const { listener, client } = await serving({
    framing: framing.lines({ max: 4096 }),
    maxOwed: 1_000_000,
  });
  const records = makeRing(1 << 16);
  listener.into(records, { reply: 'reply' });
  const peers = await Promise.all(Array.from({ length: 10 }, client));
  const line = (i: number) => `${String(i).padStart(1000, '.')}\n`;
  const count = 5000;
  const lines = Array.from({ length: count }, (_, i) => line(i)).join('');
  await until(() => listener.stats().connections === 10);
  const before = process.memoryUsage.rss();
  for (const peer of peers) peer.send(lines);
  await until(() => listener.stats().full > 0);
  const { frames, bytesIn } = listener.stats();
  // 50 MB want to come; the ring takes 64 KiB, each connection may have one receive in hand.
  expect(frames).toBeLessThan(100);
  expect(bytesIn).toBeLessThan(4 << 20);
  expect(process.memoryUsage.rss() - before).toBeLessThan(200 << 20);
  let answered = 0;
  const consumer = records.consumer('answer');
  for await (const batch of consumer) {
    for (const record of batch) {
      listener.reply(record.reply, record.bytes);
      answered += 1;
    }
    if (answered === count * 10) break;
  }
  consumer.close();
  for (const peer of peers) expect((await peer.until(lines)) === lines).toBe(true);
});

test('a ring, a field and a use that do not fit are refused, and the listener can still be used', async () => {
  const { listener, client } = await serving();
  const invalid = expect.objectContaining({ code: 'ERR_MILLRACE_INVALID_ARGUMENT' });
  const small = makeRing(1 << 16);
  const records = ByteRing.create({
    capacity: 1 << 18,
    header: { reply: 'u32', text: 'bytes(4)' },
    stages: { answer: {} },
  });
  rings.push(records);
  expect(() => listener.into(small)).toThrow(invalid);
  expect(() => listener.into(records, { reply: 'nothing' as never })).toThrow(invalid);
  expect(() => listener.into(records, { reply: 'text' })).toThrow(invalid);
  const typed = Ring.create({ fields: { id: 'u32' }, stages: { answer: {} }, capacity: 1 << 16 });
  rings.push(typed);
  expect(() => listener.into(typed as never)).toThrow(invalid);
  const seat = records.producer();
  expect(() => listener.into(records)).toThrow(invalid);
  seat.close();
  listener.into(records, { reply: 'reply' });
  expect(() => listener.serve({ message() {} })).toThrow(invalid);
  expect(() => Listener.attach(listener.handle).serve({ message() {} })).toThrow(invalid);
  expect(() => Listener.attach({} as never)).toThrow(invalid);
  const peer = await client();
  peer.send('x\n');
  const consumer = records.consumer('answer');
  for (const record of (await consumer.receive()) ?? []) listener.reply(record.reply, 'y');
  expect(await peer.until('y\n')).toBe('y\n');
  consumer.close();
});

test('a ring that is closed under a listener closes its connections', async () => {
  const { listener, client } = await serving();
  const records = makeRing();
  const reasons: string[] = [];
  listener.into(records, {
    reply: 'reply',
    close: (_connection, reason) => void reasons.push(reason),
  });
  const peer = await client();
  await until(() => listener.stats().connections === 1);
  await records.close();
  peer.send('x\n');
  await peer.closed;
  await until(() => listener.stats().connections === 0);
  expect(listener.stats().closed.error).toBe(1);
});

test('an attached listener of one that is closed is told nothing, and drops what it is told', async () => {
  const reactor = Reactor.create();
  const listener = await reactor.listen({ port: 0 });
  const attached = Listener.attach(listener.handle);
  await reactor.close();
  attached.reply(1 << 20, 'x');
  expect(attached.stats().connections).toBe(0);
  await attached.close();
});
