import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const folder = fileURLToPath(new URL('../../examples/ring', import.meta.url));

/** What each example prints; lines of several threads come in any order. */
const printed: Record<string, string[]> = {
  'one-to-one': ['sum: 5000050000'],
  'three-to-one': ["60000 orders, each producer's in order: true"],
  multicast: ['journal', 'mirror', 'count'].map((name) => `${name}: 50000 events, sum 1250025000`),
  pipeline: ['worth: 1250125000'],
  diamond: ['billed: 15000304950'],
};

test.each(Object.entries(printed))('the example %s sees every event', async (name, lines) => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [`${folder}/${name}.js`], {
    timeout: 20_000,
  });
  expect(stderr).toBe('');
  expect(stdout.trimEnd().split('\n').sort()).toEqual([...lines].sort());
});

test('every example is run', () => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.js'));
  expect(files.map((file) => file.slice(0, -3)).sort()).toEqual(Object.keys(printed).sort());
});
