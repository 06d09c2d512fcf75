import { expect, test } from '@jest/globals';
import type { Answer, Append, Command, Range } from '../../examples/gateway/commands/command.js';
import { ClientNames, type Context } from '../../examples/gateway/commands/context.js';
import { interpret } from '../../examples/gateway/commands/interpret.js';
import { unpackFields } from '../../examples/gateway/fields.js';
import { ArgumentList } from './argument-list.js';

const context: Context = {
  connection: 7,
  names: new ClientNames(),
  server: { redisVersion: '7.0.15', port: 6390, database: 'embedded', startedAt: 0 },
};

function command(...args: (string | Buffer)[]): Command | Answer {
  return interpret(new ArgumentList(...args), context);
}

function reply(...args: (string | Buffer)[]): string {
  const outcome = command(...args);
  if (outcome.kind !== 'answer') throw new Error(`${args[0]} needs the database`);
  return outcome.reply.toString();
}

test.each([
  ['XADD s 1', "ERR wrong number of arguments for 'xadd' command"],
  ['XADD s * a', "ERR wrong number of arguments for 'xadd' command"],
  ['XADD s * a 1 b', "ERR wrong number of arguments for 'xadd' command"],
  ['XADD s 0-0 a 1', 'ERR The ID specified in XADD must be greater than 0-0'],
  ['XADD s abc a 1', 'ERR Invalid stream ID specified as stream command argument'],
  ['XADD s MAXLEN ~ 10 * a 1', 'ERR XADD option MAXLEN is not supported by this gateway'],
  ['XADD s NOMKSTREAM MINID 10 * a 1', 'ERR XADD option MINID is not supported by this gateway'],
  ['XADD s KEEPREF * a 1', 'ERR XADD option KEEPREF is not supported by this gateway'],
  ['XADD s LIMIT 5 * a 1', 'ERR XADD option LIMIT is not supported by this gateway'],
  ['XADD s * _key a _key b', "ERR field '_key' is given more than once"],
  ['XLEN', "ERR wrong number of arguments for 'xlen' command"],
  ['XRANGE s -', "ERR wrong number of arguments for 'xrange' command"],
  ['XRANGE s - + COUNT', 'ERR syntax error'],
  ['XRANGE s - + LIMIT 1', 'ERR syntax error'],
  ['XRANGE s - + COUNT x', 'ERR value is not an integer or out of range'],
  ['XRANGE s (- +', 'ERR Invalid stream ID specified as stream command argument'],
  ['XRANGE s - (0-0', 'ERR invalid end ID for the interval'],
  ['PING a b', "ERR wrong number of arguments for 'ping' command"],
  ['HELLO 3', 'NOPROTO unsupported protocol version'],
  ['HELLO x', 'ERR Protocol version is not an integer or out of range'],
  ['SELECT 1', 'ERR DB index is out of range'],
  ['SELECT x', 'ERR value is not an integer or out of range'],
  ['CLIENT', "ERR wrong number of arguments for 'client' command"],
  ['CLIENT SETNAME', "ERR wrong number of arguments for 'client|setname' command"],
  ['CLIENT FOO', "ERR unknown subcommand 'FOO'. Try CLIENT HELP."],
  ['CLIENT KILL x', "ERR command 'CLIENT KILL' is not supported by this gateway"],
  ['CONFIG SET save x', "ERR command 'CONFIG SET' is not supported by this gateway"],
  ['SET a b', "ERR command 'SET' is not supported by this gateway"],
  ['xreadgroup', "ERR command 'XREADGROUP' is not supported by this gateway"],
  ['FOO a b', "ERR unknown command 'FOO', with args beginning with: 'a' 'b' "],
  ['FOO', "ERR unknown command 'FOO', with args beginning with: "],
])('%s is refused with the text of Redis', (line, text) => {
  expect(reply(...line.split(' '))).toBe(`-${text}\r\n`);
});

test.each([
  ['PING', '+PONG\r\n'],
  ['PING hey', '$3\r\nhey\r\n'],
  ['ECHO hey', '$3\r\nhey\r\n'],
  ['SELECT 0', '+OK\r\n'],
  ['COMMAND', '*0\r\n'],
  ['COMMAND DOCS', '*0\r\n'],
  ['CONFIG GET save', '*2\r\n$4\r\nsave\r\n$0\r\n\r\n'],
  ['CONFIG GET appendonly', '*2\r\n$10\r\nappendonly\r\n$2\r\nno\r\n'],
  ['CONFIG GET nothing', '*0\r\n'],
  ['CLIENT ID', ':7\r\n'],
  ['CLIENT NO-EVICT on', '+OK\r\n'],
  ['CLIENT SETINFO LIB-NAME x', '+OK\r\n'],
])('%s is answered at once', (line, text) => {
  expect(reply(...line.split(' '))).toBe(text);
});

test('QUIT is answered and ends the connection', () => {
  expect(command('QUIT')).toEqual({ kind: 'answer', reply: '+OK\r\n', end: true });
});

test('a connection has the name it was given, until it is taken away', () => {
  expect(reply('CLIENT', 'GETNAME')).toBe('$-1\r\n');
  expect(reply('CLIENT', 'SETNAME', 'me')).toBe('+OK\r\n');
  expect(reply('CLIENT', 'GETNAME')).toBe('$2\r\nme\r\n');
  expect(reply('CLIENT', 'SETNAME', 'a b')).toMatch(/^-ERR Client names cannot contain spaces/);
  expect(reply('CLIENT', 'SETNAME', '')).toBe('+OK\r\n');
  expect(reply('CLIENT', 'GETNAME')).toBe('$-1\r\n');
});

test('HELLO tells what clients look for', () => {
  expect(reply('HELLO', '2')).toContain('$5\r\nproto\r\n:2\r\n');
  expect(reply('INFO')).toContain('loading:0');
});

test('an unknown command shows so much of itself and its arguments as Redis does', () => {
  const text = reply('x'.repeat(200), 'a'.repeat(100), 'b'.repeat(100), 'c');
  const shown = `'${'a'.repeat(100)}' '${'b'.repeat(25)}' `;
  expect(text).toBe(
    `-ERR unknown command '${'x'.repeat(128)}', with args beginning with: ${shown}\r\n`,
  );
  expect(reply('FOO', 'a\r\nb')).not.toContain('a\r\nb');
});

test('names of streams have 1 to 1024 bytes', () => {
  const refused = (length: number): string =>
    `-ERR invalid stream name: ${length} bytes, allowed are 1 to 1024\r\n`;
  expect(reply('XADD', '', '*', 'a', '1')).toBe(refused(0));
  expect(reply('XADD', 'n'.repeat(70_000), '*', 'a', '1')).toBe(refused(70_000));
  expect(reply('XLEN', 'n'.repeat(1025))).toBe(refused(1025));
  expect(command('XLEN', 'n'.repeat(1024)).kind).toBe('length');
});

test('fields are kept as the bytes they are', () => {
  const bytes = Buffer.from([0xff, 0, 0xc0, 0x80]);
  const append = command('XADD', 's', '*', 'a', bytes, '', '') as Append;
  const fields = [...unpackFields(append.payload.subarray(32))].map((field) =>
    field.toString('hex'),
  );
  expect(fields).toEqual(['61', bytes.toString('hex'), '', '']);
  expect(append.key).toBeUndefined();
});

test('the key is the value of the reserved field, not a value that is called so', () => {
  const keyOf = (...fields: string[]) => (command('XADD', 's', '*', ...fields) as Append).key;
  expect(keyOf('_key', 'k')?.length).toBe(32);
  expect(keyOf('a', '1', '_key', 'k')).toEqual(keyOf('_key', 'k'));
  expect(keyOf('a', '_key')).toBeUndefined();
});

test('the ends of a range are ids, incomplete ids, and these exclusive', () => {
  const range = (low: string, high: string) => {
    const { low: from, high: to } = command('XRANGE', 's', low, high) as Range;
    return [`${from.ms}-${from.seq}`, `${to.ms}-${to.seq}`];
  };
  const last = 2n ** 64n - 1n;
  expect(range('-', '+')).toEqual(['0-0', `${last}-${last}`]);
  expect(range('5', '5')).toEqual(['5-0', `5-${last}`]);
  expect(range('(5-1', '(6-0')).toEqual(['5-2', `5-${last}`]);
  const { low, high, reverse, count } = command('XREVRANGE', 's', '9', '1', 'COUNT', '3') as Range;
  expect([low.ms, high.ms, reverse, count]).toEqual([1n, 9n, true, 3]);
});
