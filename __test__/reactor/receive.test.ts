import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { Listener, type MessageBatch } from 'millrace';
import { serving, until } from './serving.js';

/** What the messages say; each is answered with itself. */
function echo(batch: MessageBatch | undefined): string[] {
  const texts: string[] = [];
  for (const message of batch ?? []) {
    texts.push(message.text);
    message.reply(message.bytes);
  }
  return texts;
}

/** The code a wait failed with. */
const failure = (waited: PromiseLike<unknown>): Promise<string> =>
  Promise.resolve(waited).then(
    () => 'none',
    (error) => error.code,
  );

/** Looks whether there is an answer yet, after time enough for one that is on its way. */
const settledSoon = (waited: PromiseLike<unknown>): Promise<boolean> =>
  Promise.race([
    Promise.resolve(waited).then(() => true),
    turn()
      .then(turn)
      .then(() => false),
  ]);

test('receive gives what has come, and waits for what has not', async () => {
  const { listener, client } = await serving();
  const peer = await client();
  peer.send('1\n2\n');
  expect(echo(await listener.receive())).toEqual(['1', '2']);
  expect(await peer.until('1\n2\n')).toBe('1\n2\n');
  const next = listener.receive().then(echo);
  expect(await settledSoon(next)).toBe(false);
  peer.send('3\n');
  expect(await next).toEqual(['3']);
  expect(await peer.until('1\n2\n3\n')).toBe('1\n2\n3\n');
});

test('nothing happens before the operation is awaited, and it happens once', async () => {
  const { listener, client } = await serving();
  const first = listener.receive();
  const peer = await client();
  peer.send('1\n');
  expect(echo(await listener.receive())).toEqual(['1']);
  peer.send('2\n');
  expect(echo(await first)).toEqual(['2']);
  peer.send('3\n');
  await until(() => listener.stats().frames === 3);
  // It has given its batch, and is not another wait.
  expect([...((await first) ?? [])]).toEqual([]);
  expect(echo(await listener.receive())).toEqual(['3']);

  const other = await serving();
  other.listener.receive();
  other.listener.serve({ message: (_connection, message) => message.reply('served') });
  const second = await other.client();
  second.send('x\n');
  expect(await second.until('served\n')).toBe('served\n');
});

test('a wait that timed out or was aborted has taken nothing', async () => {
  const { listener, client } = await serving();
  expect(await failure(listener.receive({ timeout: 5 }))).toBe('ERR_MILLRACE_TIMEOUT');
  const stop = new AbortController();
  const left = failure(listener.receive({ signal: stop.signal }));
  expect(await settledSoon(left)).toBe(false);
  const peer = await client();
  await until(() => listener.stats().accepted === 1);
  peer.send('1\n');
  // It is in the ring, and this thread has not heard of it: the reactor counts it.
  while (listener.stats().frames === 0);
  stop.abort();
  expect(await left).toBe('ERR_MILLRACE_ABORTED');
  expect(await failure(listener.receive({ signal: stop.signal }))).toBe('ERR_MILLRACE_ABORTED');
  // Meanwhile it hears of the messages, with nobody who waits.
  for (let i = 0; i < 10; i++) await turn();
  peer.send('2\n');
  await until(() => listener.stats().frames === 2);
  const texts = echo(await listener.receive());
  if (texts.length < 2) texts.push(...echo(await listener.receive()));
  expect(texts).toEqual(['1', '2']);
  expect(await failure(listener.receive({ timeout: 0 }))).toBe('ERR_MILLRACE_TIMEOUT');
  expect(await peer.until('1\n2\n')).toBe('1\n2\n');
});

test('what is there is given in spite of a timeout of 0, also to a thread that was busy', async () => {
  const { listener, client } = await serving();
  const peer = await client();
  peer.send('0\n');
  expect(echo(await listener.receive())).toEqual(['0']);
  for (let i = 1; i < 20; i++) {
    peer.send(`${i}\n`);
    await until(() => listener.stats().frames === i + 1);
    const end = performance.now() + 10;
    while (performance.now() < end);
    expect(echo(await listener.receive({ timeout: 0 }))).toEqual([`${i}`]);
  }
});

test('a second wait is refused, and the first goes on', async () => {
  const { listener, client } = await serving();
  const peer = await client();
  const waiting = listener.receive().then(echo);
  const refused = 'ERR_MILLRACE_INVALID_ARGUMENT';
  expect(await failure(listener.receive())).toBe(refused);
  expect(await failure(listener[Symbol.asyncIterator]().next())).toBe(refused);
  peer.send('1\n');
  expect(await waiting).toEqual(['1']);

  // Taken back, it is out of the way.
  expect(await failure(listener.receive({ timeout: 5 }))).toBe('ERR_MILLRACE_TIMEOUT');
  peer.send('2\n');
  expect(echo(await listener.receive())).toEqual(['2']);
});

test('a wait that ends at once has its batch, whoever else asks before it is told', async () => {
  const { listener, client } = await serving({ maxOwed: 1_000_000 });
  const peer = await client();
  // Long ones: few in a batch, so that a batch takes no time.
  const count = 200;
  peer.send(`${'x'.repeat(4000)}\n`.repeat(count));
  const checkBoth = async () => {
    const [first, second] = await Promise.allSettled([listener.receive(), listener.receive()]);
    expect(second).toMatchObject({ reason: { code: 'ERR_MILLRACE_INVALID_ARGUMENT' } });
    const texts = first.status === 'fulfilled' ? echo(first.value) : [];
    expect(texts.length).toBeGreaterThan(0);
  };
  await checkBoth();
  await until(() => listener.stats().frames === count);
  // Several batches are there. This one is told of in a turn of the event loop of its own, the next in the same.
  await listener.receive();
  await checkBoth();
});

test('the end is undefined, for who waits and for who comes later', async () => {
  const { listener, client } = await serving();
  const peer = await client();
  const waiting = listener.receive();
  const told = waiting.then((batch) => batch);
  await turn();
  await listener.close();
  expect(await told).toBeUndefined();
  expect(await listener.receive()).toBeUndefined();
  await peer.closed;

  const unused = await serving();
  await unused.listener.close();
  expect(await unused.listener.receive()).toBeUndefined();
});

test('what was there when the listener ended is given before the end', async () => {
  const { listener, client } = await serving({ replies: 'none' });
  const peer = await client();
  const texts: string[] = [];
  const first = listener.receive();
  peer.send('0\n1\n');
  for (const message of (await first) ?? []) {
    texts.push(message.text);
    if (texts.length > 1) continue;
    peer.send('2\n3\n');
    await until(() => listener.stats().frames === 4);
    // Nothing is owed: the drain waits for nobody.
    await listener.drain();
    expect(message.text).toBe('0');
  }
  for await (const batch of listener) {
    for (const message of batch) {
      texts.push(message.text);
      break;
    }
    break;
  }
  for (let batch = await listener.receive(); batch; batch = await listener.receive()) {
    for (const message of batch) texts.push(message.text);
  }
  expect(texts).toEqual(['0', '1', '2', '3']);
});

test('a loop after receive goes on where that was, and the other way about', async () => {
  const { listener, client } = await serving();
  const peer = await client();
  const count = 3000;
  const lines = Array.from({ length: count }, (_, i) => `${i}\n`).join('');
  peer.send(lines);
  const texts: string[] = [];
  while (texts.length < count) {
    texts.push(...echo(await listener.receive()));
    if (texts.length === count) break;
    for await (const batch of listener) {
      texts.push(...echo(batch));
      break;
    }
  }
  expect(texts.map(Number)).toEqual(Array.from({ length: count }, (_, i) => i));
  expect((await peer.until(lines)) === lines).toBe(true);
});

test('messages a loop was left with come to who receives next', async () => {
  const { listener, client } = await serving();
  const peer = await client();
  peer.send('1\n2\n3\n');
  await until(() => peer.socket.bytesWritten === 6);
  const texts: string[] = [];
  loop: for await (const batch of listener) {
    for (const message of batch) {
      message.reply(message.text);
      texts.push(message.text);
      if (message.text === '2') break loop;
    }
  }
  while (texts.at(-1) !== '3') texts.push(...echo(await listener.receive()));
  // The message in hand was not passed.
  expect(texts).toEqual(['1', '2', '2', '3']);
});

test('while nobody receives the peers are held back, and nothing is lost', async () => {
  const { listener, client } = await serving({ maxOwed: 1_000_000 });
  const peer = await client();
  const line = `${'x'.repeat(1000)}\n`;
  const count = 20_000;
  for (let i = 0; i < count; i++) peer.send(line);
  let messages = 0;
  const answer = (batch: MessageBatch | undefined) => {
    for (const message of batch ?? []) {
      messages += 1;
      message.reply('.');
    }
  };
  answer(await listener.receive());
  await until(() => listener.stats().full > 0);
  // 20 MB are on their way, and the ring takes one of them; a wait that is left lets no more in.
  const left = new AbortController();
  left.abort();
  expect(await failure(listener.receive({ signal: left.signal }))).toBe('ERR_MILLRACE_ABORTED');
  expect(listener.stats().frames).toBeLessThan(3000);
  while (messages < count) answer(await listener.receive());
  const answers = '.\n'.repeat(count);
  expect((await peer.until(answers)) === answers).toBe(true);
});

test('messages that never end leave timers their turn', async () => {
  const { listener, client } = await serving({ replies: 'none' });
  const peer = await client();
  const many = 'x\n'.repeat(100_000);
  for (let i = 0; i < 10; i++) peer.send(many);
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
  }, 1);
  let messages = 0;
  while (messages < 1_000_000) {
    for (const _ of (await listener.receive()) ?? []) messages += 1;
    // Slow enough that there is always more.
    const end = performance.now() + 1;
    while (performance.now() < end);
  }
  clearInterval(timer);
  expect(ticks).toBeGreaterThan(20);
});

test('wrong use is refused where it is seen', async () => {
  const { listener } = await serving();
  const invalid = expect.objectContaining({ code: 'ERR_MILLRACE_INVALID_ARGUMENT' });
  expect(() => listener.receive({ timeout: -1 })).toThrow(invalid);
  expect(() => Listener.attach(listener.handle).receive()).toThrow(invalid);
  listener.serve({ message() {} });
  await expect(Promise.resolve(listener.receive())).rejects.toEqual(invalid);

  const other = await serving();
  const waiting = other.listener.receive().then(() => 'over');
  expect(() => other.listener.serve({ message() {} })).toThrow(invalid);
  await other.listener.close();
  expect(await waiting).toBe('over');
});
