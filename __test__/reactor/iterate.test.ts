import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { Message } from 'millrace';
import { serving, until } from './serving.js';

test('a loop over a listener gets the messages of all connections, each in order', async () => {
  const { listener, client } = await serving();
  const seen = new Map<number, string[]>();
  const loop = (async () => {
    for await (const batch of listener) {
      for (const message of batch) {
        const { id } = message.connection;
        seen.set(id, [...(seen.get(id) ?? []), message.text]);
        message.reply(message.bytes);
      }
    }
  })();
  const peers = await Promise.all(Array.from({ length: 5 }, client));
  const lines = Array.from({ length: 200 }, (_, i) => `${i}\n`).join('');
  for (const peer of peers) peer.send(lines);
  for (const peer of peers) expect(await peer.until(lines)).toBe(lines);
  await listener.drain();
  await loop;
  expect([...seen.values()]).toEqual(Array(5).fill(lines.trimEnd().split('\n')));
});

test('the loop ends when the listener is closed, waiting or not', async () => {
  const { listener } = await serving();
  const first = listener[Symbol.asyncIterator]();
  const waiting = first.next();
  await turn();
  await listener.close();
  expect(await waiting).toEqual({ done: true, value: undefined });
  expect(await first.next()).toEqual({ done: true, value: undefined });

  const other = await serving();
  const peer = await other.client();
  peer.send('a\nb\n');
  const steps = other.listener[Symbol.asyncIterator]();
  const { value } = await steps.next();
  await other.listener.close();
  // What is said to connections that are gone is dropped.
  for (const message of value ?? []) message.reply('late');
  expect(await steps.next()).toEqual({ done: true, value: undefined });
});

test('after leaving the loop messages wait, and come in the next one', async () => {
  const { listener, client } = await serving();
  const peer = await client();
  peer.send('1\n2\n3\n');
  await until(() => peer.socket.bytesWritten === 6);
  const first: string[] = [];
  for await (const batch of listener) {
    for (const message of batch) {
      first.push(message.text);
      message.reply(message.text);
      if (message.text === '2') break;
    }
    if (first.includes('2')) break;
  }
  const second: string[] = [];
  for await (const batch of listener) {
    for (const message of batch) {
      second.push(message.text);
      message.reply(message.text);
    }
    if (second.includes('3')) break;
  }
  // The message in hand was not passed, and comes again; its second answer is dropped.
  expect(first).toEqual(['1', '2']);
  expect(second.slice(-2)).toEqual(['2', '3']);
  expect(await peer.until('1\n2\n3\n')).toBe('1\n2\n3\n');
});

test('a slow loop holds the peers back, and nothing is lost', async () => {
  const { listener, client } = await serving({ maxOwed: 1_000_000 });
  const steps = listener[Symbol.asyncIterator]();
  const peer = await client();
  const line = `${'x'.repeat(1000)}\n`;
  const count = 20_000;
  for (let i = 0; i < count; i++) peer.send(line);
  let messages = 0;
  const { value } = await steps.next();
  for (const message of value ?? []) {
    messages += 1;
    message.reply('.');
  }
  await until(() => listener.stats().full > 0);
  // 20 MB are on their way, and the ring takes one of them.
  expect(listener.stats().frames).toBeLessThan(3000);
  while (messages < count) {
    const step = await steps.next();
    for (const message of step.value ?? []) {
      messages += 1;
      message.reply('.');
    }
  }
  const answers = '.\n'.repeat(count);
  expect((await peer.until(answers)) === answers).toBe(true);
});

test('a message is over with the next one', async () => {
  const { listener, client } = await serving();
  const peer = await client();
  peer.send('a\nb\n');
  await until(() => peer.socket.bytesWritten === 4);
  const kept: Message[] = [];
  for await (const batch of listener) {
    for (const message of batch) {
      kept.push(message);
      message.reply(message.text);
    }
    if (kept.length === 2) break;
  }
  for (const message of kept) {
    expect(() => message.text).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_STALE' }));
  }
});
