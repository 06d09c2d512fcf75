import { expect, test } from '@jest/globals';
import { runScript } from '../process/run-program.js';
import { serving, until } from './serving.js';

test('a flood of messages does not keep timers waiting, slow handlers or not', async () => {
  const { listener, client } = await serving({ maxOwed: 1_000_000 });
  const count = 20_000;
  let messages = 0;
  let most = 0;
  let before = 0;
  const timer = setInterval(() => {
    most = Math.max(most, messages - before);
    before = messages;
  }, 1);
  listener.serve({
    message(_connection, message) {
      messages += 1;
      const end = performance.now() + 0.05;
      while (performance.now() < end);
      message.reply('.');
    },
  });
  const peer = await client();
  peer.send('x\n'.repeat(count));
  await until(() => messages === count);
  clearInterval(timer);
  // A second of work, in turns of 5 ms.
  expect(most).toBeLessThan(1000);
  await peer.length(2 * count);
});

test('a handler that throws or rejects closes its own connection, and is told', async () => {
  const { listener, client } = await serving();
  const told: unknown[] = [];
  const closed: unknown[] = [];
  listener.serve({
    message(_connection, message) {
      if (message.text === 'throw') throw new Error('thrown');
      if (message.text === 'reject') return Promise.reject(new Error('rejected'));
      message.reply(message.bytes);
      return undefined;
    },
    close: (_connection, reason) => void closed.push(reason),
    error: (_connection, error) => void told.push(error.message),
  });
  const good = await client();
  const throwing = await client();
  const rejecting = await client();
  const lines = Array.from({ length: 500 }, (_, i) => `${i}\n`).join('');
  good.send(lines);
  throwing.send('throw\n');
  rejecting.send('reject\n');
  good.send(lines);
  await throwing.closed;
  await rejecting.closed;
  expect(await good.until(lines + lines)).toBe(lines + lines);
  await until(() => closed.length === 2);
  expect(closed).toEqual(['closed', 'closed']);
  expect(told.sort()).toEqual(['rejected', 'thrown']);
});

const server = (handlers: string, rest: string) => `
  import { connect } from 'node:net';
  import { Reactor } from 'millrace';
  const reactor = Reactor.create();
  const listener = await reactor.listen({ port: 0 });
  listener.serve(${handlers});
  ${rest}`;

test('without an error handler, and from one that fails itself, it is uncaught, once each', async () => {
  const { code, stdout } = await runScript(
    server(
      `{
        message(_connection, message) {
          if (message.text === 'throw') throw new Error('thrown');
          message.reply(message.bytes);
        },
        open(connection) { connection.send('welcome'); throw new Error('at open'); },
        close() { throw new Error('at close'); },
      }`,
      `process.on('uncaughtException', (error) => console.log(error.message));
      const peer = connect(listener.port, '127.0.0.1');
      peer.resume();
      peer.on('close', async () => {
        const other = await reactor.listen({ port: 0 });
        other.serve({
          message() { throw new Error('first'); },
          error() { throw new Error('second'); },
        });
        connect(other.port, '127.0.0.1').on('close', () => reactor.close()).end('x\\n');
      });`,
    ),
  );
  expect(stdout.trim().split('\n').sort()).toEqual(['at close', 'at open', 'second']);
  expect(code).toBe(0);
});

test('a process with a listener lives, and ends by itself when it is closed', async () => {
  const { code, stdout, stderr } = await runScript(
    server(
      '{ message: (connection, message) => message.reply(message.bytes) }',
      `setTimeout(async () => {
        console.log('alive');
        const peer = connect(listener.port, '127.0.0.1', () => peer.write('x\\n'));
        peer.on('data', () => peer.end());
        peer.on('close', async () => { await listener.close(); console.log('closed'); });
      }, 300).unref();`,
    ),
  );
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'alive\nclosed\n', stderr: '' });
});

test('an unreferenced listener does not keep the process', async () => {
  const { code, stdout, stderr } = await runScript(
    server(
      '{ message() {} }',
      `listener.unref().ref().unref();
      process.on('exit', () => console.log('over'));`,
    ),
  );
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'over\n', stderr: '' });
});

test('an iterated listener does not keep the process once it is unreferenced', async () => {
  const { code, stderr } = await runScript(`
    import { Reactor } from 'millrace';
    const listener = await Reactor.create().listen({ port: 0 });
    listener.unref();
    (async () => { for await (const batch of listener); })();
  `);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

test('process.exit in the middle of a load is clean', async () => {
  const { code, stderr } = await runScript(
    server(
      `{ message(_connection, message) {
        message.reply(message.bytes);
        if (++messages === 20_000) process.exit(3);
      } }`,
      `let messages = 0;
      const peer = connect(listener.port, '127.0.0.1', () => peer.write('x\\n'.repeat(100)));
      peer.on('data', (data) => peer.write(data));`,
    ),
  );
  expect({ code, stderr }).toEqual({ code: 3, stderr: '' });
});
