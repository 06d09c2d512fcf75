import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { inspect } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { BatchQueue, MillraceError } from 'millrace';
import type * as Errors from '../dist/errors.js';

const guide = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8');
const codes = Object.keys(MillraceError.codes) as (keyof typeof MillraceError.codes)[];

// What other parts make errors with; the package does not export it.
const built = new URL('../../dist/errors.js', import.meta.url);
const { aborted, systemError }: typeof Errors = await import(built.href);

describe('the guide', () => {
  const rows = guide.split('\n').filter((line) => line.startsWith('| `ERR_'));

  test('has one row for each code, and none for another', () => {
    const named = rows.map((row) => /`(ERR_\w+)`/.exec(row)?.[1]);
    expect(named).toEqual(codes);
  });

  test('says of each what happened, what was lost and what to do', () => {
    for (const row of rows) {
      const cells = row.split('|').slice(1, -1);
      expect(cells).toHaveLength(4);
      for (const cell of cells) expect(cell.trim()).not.toBe('');
    }
  });
});

describe('MillraceError', () => {
  test('carries code, cause and message, and its meaning when no message is given', () => {
    const cause = new Error('why');
    const error = new MillraceError('ERR_MILLRACE_CLOSED', 'closed', { cause });
    expect(error).toMatchObject({ code: 'ERR_MILLRACE_CLOSED', message: 'closed', cause });
    expect(new MillraceError('ERR_MILLRACE_FULL').message).toBe(
      MillraceError.codes.ERR_MILLRACE_FULL,
    );
  });

  test('shows its name and code, and nothing of how it is made', () => {
    const shown = inspect(new MillraceError('ERR_MILLRACE_CLOSED', 'closed'));
    expect(shown).toMatch(/^MillraceError: closed/);
    expect(shown).toMatch(/\{\s+code: 'ERR_MILLRACE_CLOSED'\s+\}$/);
  });

  test('the table of codes cannot be changed', () => {
    expect(Object.isFrozen(MillraceError.codes)).toBe(true);
  });

  test('an invalid argument is a TypeError too, for every way of making one', async () => {
    const made = new MillraceError('ERR_MILLRACE_INVALID_ARGUMENT', 'no', { cause: 1 });
    expect(made).toMatchObject({
      code: 'ERR_MILLRACE_INVALID_ARGUMENT',
      cause: 1,
      name: 'TypeError',
    });
    expect(made instanceof TypeError).toBe(true);
    expect(made instanceof MillraceError).toBe(true);
    expect(new MillraceError('ERR_MILLRACE_FULL') instanceof TypeError).toBe(false);
  });

  test('an invalid argument says which option, what came and what is allowed', () => {
    const wrong = () => BatchQueue.create(() => [], { maxBatch: -1 });
    expect(wrong).toThrow('maxBatch must be a whole number from 1, or Infinity; got -1');
  });

  test('instanceof holds for another copy of the package, in another realm', () => {
    const foreign = runInContext(
      `class Other extends Error {}
       Object.defineProperty(Other.prototype, Symbol.for('millrace.error'), { value: true });
       new Other('far')`,
      createContext({}),
    );
    expect(foreign instanceof Error).toBe(false);
    expect(foreign instanceof MillraceError).toBe(true);
  });

  test('instanceof refuses everything else', () => {
    for (const value of [new Error('x'), {}, null, undefined, 'ERR_MILLRACE_FULL', 1]) {
      expect(value instanceof MillraceError).toBe(false);
    }
  });

  test('a subclass is told apart from its base', () => {
    class Special extends MillraceError {}
    expect(new Special('ERR_MILLRACE_FULL') instanceof Special).toBe(true);
    expect(new Special('ERR_MILLRACE_FULL') instanceof MillraceError).toBe(true);
    expect(new MillraceError('ERR_MILLRACE_FULL') instanceof Special).toBe(false);
  });
});

test('a system error has the shape and words of Node’s own', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const second = createServer().listen(port, '127.0.0.1');
  const [nodes] = await once(second, 'error');
  server.close();
  const failure = { code: 'EADDRINUSE', syscall: 'listen', address: '127.0.0.1', port };
  const ours = systemError(failure);
  expect(ours.message).toBe(nodes.message);
  expect({ ...ours }).toEqual({ ...nodes });
  expect(ours instanceof MillraceError).toBe(false);
  expect(systemError(failure, 'use another --port').message).toBe(
    `${nodes.message} (use another --port)`,
  );
});

test('a system error keeps the number it is given, in Node’s sign, and a path', () => {
  expect(systemError({ code: 'ENOENT', errno: 2, syscall: 'open', path: '/no' })).toMatchObject({
    errno: -2,
    path: '/no',
    message: 'open ENOENT: no such file or directory /no',
  });
  expect(systemError({ code: 'EODD', syscall: 'open' }).message).toBe('open EODD');
});

test('an aborted wait says what it waited for, and has the reason of its signal as cause', () => {
  const reason = new Error('shutdown');
  expect(aborted(AbortSignal.abort(reason), 'room')).toMatchObject({
    code: 'ERR_MILLRACE_ABORTED',
    cause: reason,
    message: 'aborted while waiting for room',
  });
});
