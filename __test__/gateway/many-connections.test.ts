import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { GatewayProcess, temporaryDirectory } from './gateway-process.js';

const CONNECTIONS = 15_000;
/** Opened at once, so that neither side's backlog is what is tested. */
const TOGETHER = 500;

const directory = temporaryDirectory();
let gateway: GatewayProcess;

beforeAll(async () => {
  gateway = await GatewayProcess.start(['--data', `${directory.path}/data`]);
}, 60_000);

afterAll(async () => {
  await gateway?.stop('SIGKILL');
  directory.remove();
});

async function open(): Promise<Socket> {
  const socket = connect(gateway.port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** Sends a command and waits for the line that answers it. */
async function ask(socket: Socket, command: string): Promise<string> {
  socket.write(command);
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  return bytes.toString();
}

test('15,000 connections are served, and one more is turned away', async () => {
  const sockets: Socket[] = [];
  while (sockets.length < CONNECTIONS) {
    sockets.push(...(await Promise.all(Array.from({ length: TOGETHER }, open))));
  }
  for (let i = 0; i < CONNECTIONS; i += TOGETHER) {
    const answers = await Promise.all(
      sockets.slice(i, i + TOGETHER).map((socket) => ask(socket, 'XADD many * a 1\r\n')),
    );
    for (const answer of answers) expect(answer).toMatch(/^\$\d+\r\n\d+-\d+\r\n$/);
  }
  expect(await ask(sockets[0] as Socket, 'XLEN many\r\n')).toBe(`:${CONNECTIONS}\r\n`);

  const one = await open();
  one.on('error', () => {});
  await once(one, 'close');

  for (const socket of sockets) socket.destroy();
  await gateway.drain();
}, 120_000);
