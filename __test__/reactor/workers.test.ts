import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from '@jest/globals';
import { Client } from './client.js';
import { serving, until } from './serving.js';

const serve = async (port: number) => {
  const worker = new Worker(new URL('./serving-worker.js', import.meta.url), {
    workerData: { port },
  });
  const [real] = (await once(worker, 'message')) as [number];
  return { worker, port: real };
};

/** A peer that sends again what it is answered, until it is closed. */
async function load(port: number): Promise<Client> {
  const peer = await Client.connect(port);
  peer.socket.on('data', (bytes) => {
    peer.received = '';
    if (peer.socket.writable) peer.socket.write(bytes);
  });
  peer.send('some message\n'.repeat(50));
  return peer;
}

test('a worker that is terminated under load frees its port, and its connections are closed', async () => {
  let port = 0;
  for (let round = 0; round < 10; round++) {
    const served = await serve(port);
    port = served.port;
    const peers = await Promise.all(Array.from({ length: 10 }, () => load(port)));
    await Promise.all(peers.map((peer) => once(peer.socket, 'data')));
    await served.worker.terminate();
    await Promise.all(peers.map((peer) => peer.closed));
  }
  const { worker } = await serve(port);
  const peer = await Client.connect(port);
  peer.send('still here\n');
  expect(await peer.until('still here\n')).toBe('still here\n');
  await worker.terminate();
});

test('a worker that is terminated while it answers leaves the listener and the others alone', async () => {
  const { listener, client } = await serving({ maxOwed: 1_000_000 });
  const waiting: number[] = [];
  let own = 0;
  listener.serve({
    message(_connection, message) {
      if (message.text === 'own') {
        own += 1;
        message.reply('own');
      } else waiting.push(message.token);
    },
  });
  const good = await client();
  for (let round = 0; round < 5; round++) {
    const worker = new Worker(new URL('./answering-worker.js', import.meta.url), {
      workerData: { listener: listener.handle },
    });
    await once(worker, 'message');
    const peer = await client();
    peer.send('foreign\n'.repeat(10_000));
    await until(() => waiting.length === 10_000);
    worker.postMessage(waiting.splice(0));
    await peer.length(1);
    await worker.terminate();
    good.send('own\n');
    await good.length(4 * (round + 1));
    // What came of it are whole answers, in order, and none is there twice.
    const answers = peer.received.split('\n');
    answers.pop();
    expect(answers.every((answer) => answer === 'from the worker')).toBe(true);
    expect(answers.length).toBeLessThanOrEqual(10_000);
    peer.socket.resetAndDestroy();
    await until(() => listener.stats().connections === 1);
  }
  expect(own).toBe(5);
});

test('two threads answer one connection, and the order is kept', async () => {
  const { listener, client } = await serving({ maxOwed: 1_000_000 });
  const worker = new Worker(new URL('./answering-worker.js', import.meta.url), {
    workerData: { listener: listener.handle },
  });
  await once(worker, 'message');
  let odd: number[] = [];
  let messages = 0;
  listener.serve({
    message(_connection, message) {
      messages += 1;
      if (messages % 2 === 0) message.reply('from here');
      else odd.push(message.token);
      if (odd.length >= 100) {
        worker.postMessage(odd);
        odd = [];
      }
    },
  });
  const peer = await client();
  const count = 20_000;
  peer.send('x\n'.repeat(count));
  const expected = 'from the worker\nfrom here\n'.repeat(count / 2);
  expect((await peer.until(expected)) === expected).toBe(true);
  await worker.terminate();
});
