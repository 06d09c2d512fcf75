import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Command } from '../../examples/gateway/commands/command.js';
import { ClientNames, type Context } from '../../examples/gateway/commands/context.js';
import { interpret } from '../../examples/gateway/commands/interpret.js';
import { Committer } from '../../examples/gateway/committer.js';
import { takeDataDirectory } from '../../examples/gateway/database/data-directory.js';
import {
  type Cell,
  type Database,
  DatabaseAway,
  DatabaseRefused,
  type Statement,
} from '../../examples/gateway/database/database.js';
import type { DirectoryLock } from '../../examples/gateway/database/directory-lock.js';
import { EmbeddedDatabase } from '../../examples/gateway/database/pglite.js';
import { ReadFlights } from '../../examples/gateway/read-flights.js';
import { ArgumentList } from './argument-list.js';
import { temporaryDirectory } from './gateway-process.js';

const context: Context = {
  connection: 1,
  names: new ClientNames(),
  server: { redisVersion: '7.0.15', port: 0, database: 'embedded', startedAt: 0 },
};
const directory = temporaryDirectory();
let lock: DirectoryLock;
let embedded: EmbeddedDatabase;

beforeAll(async () => {
  lock = await takeDataDirectory(`${directory.path}/data`);
  embedded = await EmbeddedDatabase.open(`${directory.path}/data`, false);
}, 60_000);

afterAll(async () => {
  await embedded?.close();
  lock?.release();
  directory.remove();
});

/** Runs lines of commands as one batch; gives the answers in order. */
async function batch(committer: Runner, ...lines: (string | string[])[]): Promise<string[]> {
  const replies: string[] = [];
  committer.replies = replies;
  const waiting = lines.map((line, token) => {
    const args = typeof line === 'string' ? line.split(' ') : line;
    const command = interpret(new ArgumentList(...args), context);
    if (command.kind === 'answer') throw new Error(`${line} is answered at once: ${command.reply}`);
    if (command.kind === 'append') command.payload.fill(token, 0, 32);
    return { command: command as Command, token, connection: 1, since: 0 };
  });
  await committer.run(waiting, 1000);
  return replies;
}

class Runner extends Committer {
  replies: string[] = [];

  constructor(database: Database) {
    const reply = (token: number, payload: string | Buffer): void => {
      this.replies[token] = payload.toString();
    };
    super(database, reply, new ReadFlights());
  }
}

/** A database that fails when told to, before or after it did what it was asked. */
class Failing implements Database {
  generation = 1;
  available = true;
  fail: ((statement: Statement) => 'before' | 'after' | 'refuse' | undefined) | undefined;

  async whenAvailable(): Promise<void> {}
  async close(): Promise<void> {}

  async execute(statement: Statement, parameters: readonly Cell[]): Promise<Cell[][]> {
    const how = this.fail?.(statement);
    if (how === 'before') throw new DatabaseAway('it is away');
    if (how === 'refuse') throw new DatabaseRefused('no such luck', '23505');
    const rows = await embedded.execute(statement, parameters);
    if (how === 'after') throw new DatabaseAway('it went away');
    return rows;
  }
}

const NOT_GREATER =
  '-ERR The ID specified in XADD is equal or smaller than the target stream top item\r\n';
const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;
const entry = (id: string, ...fields: string[]): string =>
  `*2\r\n${bulk(id)}*${fields.length}\r\n${fields.map(bulk).join('')}`;

test('the ids of a batch follow each other, and the errors among them leave no gap', async () => {
  const run = new Runner(embedded);
  expect(
    await batch(run, 'XADD a 5-1 f 1', 'XADD a 5-1 f 2', 'XADD a 5-* f 3', 'XADD a 4 f 4'),
  ).toEqual([bulk('5-1'), NOT_GREATER, bulk('5-2'), NOT_GREATER]);
  expect(await batch(run, 'XRANGE a - +')).toEqual([
    `*2\r\n${entry('5-1', 'f', '1')}${entry('5-2', 'f', '3')}`,
  ]);
});

test('a read sees what came before it and nothing that came after, in one batch', async () => {
  const run = new Runner(embedded);
  expect(
    await batch(
      run,
      'XLEN b',
      'XADD b 1-1 f 1',
      'XLEN b',
      'XRANGE b - +',
      'XADD b 1-2 f 2',
      'XLEN b',
      'XREVRANGE b + - COUNT 1',
    ),
  ).toEqual([
    ':0\r\n',
    bulk('1-1'),
    ':1\r\n',
    `*1\r\n${entry('1-1', 'f', '1')}`,
    bulk('1-2'),
    ':2\r\n',
    `*1\r\n${entry('1-2', 'f', '2')}`,
  ]);
});

test('NOMKSTREAM makes no stream, and adds to one that the same batch made', async () => {
  const run = new Runner(embedded);
  expect(
    await batch(run, 'XADD c NOMKSTREAM 1-1 f 1', 'XADD c 1-1 f 1', 'XADD c NOMKSTREAM 1-2 f 2'),
  ).toEqual(['$-1\r\n', bulk('1-1'), bulk('1-2')]);
});

test('the last id is known to a gateway that starts later, also when the clock went back', async () => {
  await batch(new Runner(embedded), 'XADD d 99999999999999-7 f 1');
  const run = new Runner(embedded);
  expect(await batch(run, 'XADD d 5-1 f 1', 'XADD d * f 1')).toEqual([
    NOT_GREATER,
    bulk('99999999999999-8'),
  ]);
});

test('a key is stored once a stream: in a batch, later, and by a gateway that starts later', async () => {
  const run = new Runner(embedded);
  const ids = await batch(run, 'XADD e 1-1 _key k f 1', 'XADD e * _key k f 2', 'XADD f 7-7 _key k');
  expect(ids).toEqual([bulk('1-1'), bulk('1-1'), bulk('7-7')]);
  expect(await batch(run, 'XADD e 1-1 f 3 _key k')).toEqual([bulk('1-1')]);
  expect(
    await batch(new Runner(embedded), 'XADD e * f 4 _key k', 'XLEN e', 'XRANGE e - +'),
  ).toEqual([bulk('1-1'), ':1\r\n', `*1\r\n${entry('1-1', '_key', 'k', 'f', '1')}`]);
});

test('a long key and a value that is not text are stored as they are', async () => {
  const run = new Runner(embedded);
  const long = 'k'.repeat(100_000);
  expect(await batch(run, ['XADD', 'g', '1-1', '_key', long])).toEqual([bulk('1-1')]);
  expect(await batch(run, ['XADD', 'g', '*', '_key', long])).toEqual([bulk('1-1')]);
});

test('ids beyond 63 bits keep their order', async () => {
  const run = new Runner(embedded);
  const last = 2n ** 64n - 1n;
  await batch(
    run,
    'XADD h 9223372036854775807-1 f 1',
    'XADD h 9223372036854775808-1 f 2',
    `XADD h ${last}-${last} f 3`,
  );
  const again = new Runner(embedded);
  expect(await batch(again, 'XADD h * f 4', 'XRANGE h 9223372036854775808 + COUNT 1')).toEqual([
    '-ERR The stream has exhausted the last possible ID, unable to add more items\r\n',
    `*1\r\n${entry('9223372036854775808-1', 'f', '2')}`,
  ]);
});

test('a range longer than a page comes whole, both ways, and COUNT cuts it', async () => {
  const run = new Runner(embedded);
  const lines = Array.from({ length: 12_001 }, (_, i) => `XADD i ${i + 1}-0 f ${i}`);
  await batch(run, ...lines);
  const [all, back, some, none] = await batch(
    run,
    'XRANGE i - +',
    'XREVRANGE i + -',
    'XRANGE i - + COUNT 5001',
    'XRANGE i - + COUNT 0',
  );
  const ids = (text = ''): number[] =>
    [...text.matchAll(/\r\n(\d+)-0\r\n/g)].map((match) => Number(match[1]));
  const expected = lines.map((_, i) => i + 1);
  expect(ids(all)).toEqual(expected);
  expect(ids(back)).toEqual(expected.toReversed());
  expect(ids(some)).toEqual(expected.slice(0, 5001));
  expect(none).toBe('*-1\r\n');
});

test('when the outcome is not known everybody is told, and what is so is read again', async () => {
  const failing = new Failing();
  const run = new Runner(failing);
  await batch(run, 'XADD j 1-1 f 1');
  failing.fail = ({ name }) => (name === 'append' ? 'after' : undefined);
  const replies = await batch(run, 'XADD j 2-1 f 1 _key k', 'XLEN j');
  expect(replies).toEqual(['-TRYAGAIN it went away\r\n', '-TRYAGAIN it went away\r\n']);
  failing.fail = ({ name }) => (name === 'append' ? 'before' : undefined);
  expect(await batch(run, 'XADD j 3-1 f 1')).toEqual(['-TRYAGAIN it is away\r\n']);
  failing.fail = undefined;
  expect(await batch(run, 'XADD j 2-1 f 1 _key k', 'XADD j 2-* f 2', 'XLEN j')).toEqual([
    bulk('2-1'),
    bulk('2-2'),
    ':3\r\n',
  ]);
});

test('a batch that the database refuses once is done again with what is there now', async () => {
  const failing = new Failing();
  const run = new Runner(failing);
  let refusals = 1;
  failing.fail = ({ name }) => (name.startsWith('append') && refusals-- > 0 ? 'refuse' : undefined);
  expect(await batch(run, 'XADD k 1-1 f 1', 'XLEN k')).toEqual([bulk('1-1'), ':1\r\n']);
  refusals = 2;
  expect(await batch(run, 'XADD k 2-1 f 1')).toEqual([
    '-ERR the database refused: no such luck\r\n',
  ]);
});

test('ids given by an earlier connection are not written through a later one', async () => {
  const failing = new Failing();
  const run = new Runner(failing);
  failing.fail = ({ name }) => {
    if (name === 'find-streams') failing.generation++;
    return undefined;
  };
  expect(await batch(run, 'XADD l 1-1 f 1')).toEqual([
    '-TRYAGAIN the connection to the database was lost\r\n',
  ]);
});

test('SQL sees entries in plain types', async () => {
  await batch(new Runner(embedded), 'XADD m 12-3 name value other 2');
  const text = `
    SELECT stream, int8send(ms), int8send(seq), fields[1], fields[2], fields[4], digest
    FROM gateway.event WHERE stream = 'm'`;
  const [row] = await embedded.execute({ name: 'view', text }, []);
  const [stream, ms, seq, field, value, last, digest] = row as Buffer[];
  expect([stream, field, value, last].map(String)).toEqual(['m', 'name', 'value', '2']);
  expect([ms?.readBigInt64BE(), seq?.readBigInt64BE(), digest?.length]).toEqual([12n, 3n, 32]);
});

test('what the database refuses is known to have left nothing', async () => {
  const bad: Statement = { name: 'bad', text: 'SELECT 1/0 FROM gateway.about' };
  await expect(embedded.execute(bad, [])).rejects.toThrow(DatabaseRefused);
  expect(await batch(new Runner(embedded), 'XLEN m')).toEqual([':1\r\n']);
});
