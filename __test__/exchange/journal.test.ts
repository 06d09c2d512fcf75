import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { Journal } from '../../examples/exchange/journal.js';

const directory = await mkdtemp(join(tmpdir(), 'journal-'));
afterAll(() => rm(directory, { recursive: true }));

function write(path: string, numbers: readonly number[]): void {
  const journal = new Journal(path);
  for (const number of numbers) journal.add(number, `order ${number}`);
  journal.write();
  journal.close();
}

test('what comes again to a new journal worker is not written again', async () => {
  const path = join(directory, 'again.log');
  write(path, [0, 1, 2]);
  write(path, [1, 2, 3]);
  expect(await readFile(path, 'utf8')).toBe('0 order 0\n1 order 1\n2 order 2\n3 order 3\n');
});

test('a line that was not written to its end is written anew', async () => {
  const path = join(directory, 'torn.log');
  write(path, [0, 1]);
  await appendFile(path, '2 ord');
  write(path, [1, 2]);
  expect(await readFile(path, 'utf8')).toBe('0 order 0\n1 order 1\n2 order 2\n');
});

test('a first line that was not written to its end is cut off', async () => {
  const path = join(directory, 'first.log');
  await appendFile(path, '0 or');
  write(path, [0]);
  expect(await readFile(path, 'utf8')).toBe('0 order 0\n');
});
