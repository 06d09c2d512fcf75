import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { takeDataDirectory } from '../../examples/gateway/database/data-directory.js';
import { EmbeddedDatabase } from '../../examples/gateway/database/pglite.js';
import { GatewayProcess, temporaryDirectory } from './gateway-process.js';
import { PostgresServer } from './postgres-server.js';
import { encode, RawClient } from './raw-client.js';

const directory = temporaryDirectory();
let server: PostgresServer;

beforeAll(async () => {
  server = await PostgresServer.start(`${directory.path}/postgres`);
}, 120_000);

afterAll(async () => {
  await server?.goAway();
  directory.remove();
});

/** A value with every byte in it. */
const bytes = (length: number) =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 167 + (i >> 8)) & 0xff));

/** Commands by the id of their entry: within one block of the hash, some blocks, and beyond what is hashed at a time. */
const commands = new Map<string, readonly (string | Buffer)[]>(
  [0, 1, 55, 64, 5_000, 70_000, 1_000_000].map((length, i) => [
    `${i + 1}-0`,
    ['XADD', 'digests', `${i + 1}-0`, 'value', bytes(length)],
  ]),
);

/** A command as it is in the ring: how many arguments, where each ends behind the table, and their bytes. */
function record(args: readonly (string | Buffer)[]): Buffer {
  const parts = args.map((arg) => Buffer.from(arg as string));
  const table = new Uint32Array(1 + parts.length);
  table[0] = parts.length;
  let end = 0;
  for (const [i, { length }] of parts.entries()) {
    end += length;
    table[i + 1] = end;
  }
  return Buffer.concat([Buffer.from(table.buffer), ...parts]);
}

const INLINE = ['XADD', 'digests', '1000-0', 'sent', 'inline'];

const expected = Object.fromEntries(
  [...commands, ['1000-0', INLINE] as const].map(([id, args]) => [
    id,
    createHash('sha256').update(record(args)).digest('hex'),
  ]),
);

/** Sends all commands at once, in one piece, and waits until each is stored. */
async function store(gateway: GatewayProcess): Promise<void> {
  const client = await RawClient.connect(gateway.port);
  const encoded = [...commands.values()].map((args) => encode(...args));
  client.send(Buffer.concat([...encoded, Buffer.from(`${INLINE.join(' ')}\r\n`)]));
  for (const id of Object.keys(expected)) await client.expect(`$${id.length}\r\n${id}\r\n`);
  client.socket.destroy();
}

const SELECT = `SELECT ms || '-' || seq AS id, encode(digest, 'hex') AS digest
  FROM gateway.event WHERE stream = 'digests'`;

test('the embedded database has the SHA-256 of every command it was sent', async () => {
  const data = `${directory.path}/data`;
  const gateway = await GatewayProcess.start(['--data', data]);
  await store(gateway);
  await gateway.drain();

  const lock = await takeDataDirectory(data);
  const database = await EmbeddedDatabase.open(data, false);
  const text = `SELECT id::bytea, digest::bytea FROM (${SELECT}) AS event`;
  const rows = await database.execute({ name: 'digests', text }, []);
  await database.close();
  lock.release();
  expect(Object.fromEntries(rows.map((row) => row.map(String)))).toEqual(expected);
}, 120_000);

test('a server has the SHA-256 of every command it was sent', async () => {
  const gateway = await GatewayProcess.start([], { DATABASE_URL: server.url('gateway') });
  await store(gateway);
  await gateway.drain();
  const reader = await server.connect('gateway');
  const { rows } = await reader.query<{ id: string; digest: string }>(SELECT);
  await reader.end();
  expect(Object.fromEntries(rows.map(({ id, digest }) => [id, digest]))).toEqual(expected);
}, 120_000);
