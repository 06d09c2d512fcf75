import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import {
  POSTGRES_VERSION,
  takeDataDirectory,
} from '../../examples/gateway/database/data-directory.js';
import { DirectoryLock } from '../../examples/gateway/database/directory-lock.js';
import { temporaryDirectory } from './gateway-process.js';

const HOLDER = fileURLToPath(new URL('./lock-holder.js', import.meta.url));
const parent = temporaryDirectory();
const fresh = (): string => mkdtempSync(join(parent.path, 'd-'));
afterAll(() => parent.remove());

/** A process that holds the lock of a directory until it is killed. */
async function holder(directory: string) {
  const child = fork(HOLDER, [directory], { execArgv: [] });
  const [outcome] = await once(child, 'message');
  return { child, outcome };
}

test('a directory is refused while a process that holds it lives, stopped or not', async () => {
  const directory = fresh();
  const { child, outcome } = await holder(directory);
  expect(outcome).toBe('held');
  const before = readdirSync(directory);
  await expect(DirectoryLock.take(directory)).rejects.toThrow(/in use by another gateway/);
  child.kill('SIGSTOP');
  await expect(DirectoryLock.take(directory)).rejects.toThrow(/in use by another gateway/);
  expect(readdirSync(directory)).toEqual(before);
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
  const lock = await DirectoryLock.take(directory);
  expect(readdirSync(directory)).toHaveLength(1);
  lock.release();
  expect(readdirSync(directory)).toEqual([]);
});

test('of many that come at once over a dead one, one gets it', async () => {
  const directory = fresh();
  const dead = await holder(directory);
  const gone = once(dead.child, 'exit');
  dead.child.kill('SIGKILL');
  await gone;
  const all = await Promise.all(Array.from({ length: 6 }, () => holder(directory)));
  expect(all.filter(({ outcome }) => outcome === 'held')).toHaveLength(1);
  expect(all.filter(({ outcome }) => /in use/.test(outcome))).toHaveLength(5);
  for (const { child } of all) child.kill('SIGKILL');
});

test('a path too long for a socket is no hindrance', async () => {
  const directory = join(fresh(), 'x'.repeat(100), 'y'.repeat(100));
  mkdirSync(directory, { recursive: true });
  const lock = await DirectoryLock.take(directory);
  await expect(DirectoryLock.take(directory)).rejects.toThrow(/in use/);
  lock.release();
});

test.each([
  ['somebody else’s files', { 'notes.txt': 'mine' }, /not empty, and not a gateway's/],
  ['a PostgreSQL of somebody else', { PG_VERSION: '18\n' }, /not empty, and not a gateway's/],
  [
    'another version of PostgreSQL',
    { 'gateway.json': '{"format":1}', PG_VERSION: '16\n' },
    /PostgreSQL version 16/,
  ],
  ['another version of the gateway', { 'gateway.json': '{"format":2}' }, /is of version 2/],
  ['a marker nobody can read', { 'gateway.json': '{' }, /is of version unknown/],
])('%s are refused and untouched', async (_, files, message) => {
  const directory = fresh();
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(directory, name), text as string);
  const look = () => [
    statSync(directory).mtimeMs,
    ...readdirSync(directory).map((name) => [name, statSync(join(directory, name)).mtimeMs]),
  ];
  const before = look();
  await expect(takeDataDirectory(directory)).rejects.toThrow(message);
  expect(look()).toEqual(before);
});

test('an initialisation that was ended in the middle is begun again', async () => {
  const directory = fresh();
  writeFileSync(join(directory, 'gateway.json'), '{"format":1}');
  mkdirSync(join(directory, 'initialising-of-before'));
  mkdirSync(join(directory, 'base'));
  writeFileSync(join(directory, 'base', 'half'), 'made');
  const lock = await takeDataDirectory(directory);
  const names = readdirSync(directory);
  expect(names).toContain('PG_VERSION');
  expect(names).not.toContain('initialising-of-before');
  expect(readdirSync(join(directory, 'base'))).not.toContain('half');
  lock.release();
  // The version in the code is the one that the embedded PostgreSQL writes.
  (await takeDataDirectory(directory)).release();
  expect(POSTGRES_VERSION).toMatch(/^\d+$/);
}, 60_000);
