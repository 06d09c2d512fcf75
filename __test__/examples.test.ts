import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const run = promisify(execFile);
const root = dirname(createRequire(import.meta.url).resolve('millrace/package.json'));
/** Beside this file, so that the examples find the package by its name. */
const folder = fileURLToPath(new URL('./examples', import.meta.url));

/** What an example takes for granted beside the package's names, by the file it stands in: it shows one thing. */
const given: Record<string, string> = {
  'batch/batch-queue.ts': `
    const pool = { connect: async () => ({ release() {} }) };
    const insertMany = async (client, rows) => rows.map((_, i) => i);
    const row = {};`,
  'reactor/listener.ts': `
    const listener = await Reactor.create().listen({ port: 0, framing: framing.lines() });
    setTimeout(() => listener.close(), 10);`,
  'errors.ts': `
    const queue = BatchQueue.create((batch) => new Promise(() => batch.take()));
    const row = {}, retryLater = () => queue.close({ timeout: 0 });`,
};

/** The `@example` blocks of the sources, without the comment around them. */
async function examples(): Promise<{ name: string; source: string }[]> {
  const names = Object.keys(await import('millrace')).join(', ');
  const found = [];
  for (const file of (await readdir(join(root, 'src'), { recursive: true })).sort()) {
    if (!file.endsWith('.ts')) continue;
    const text = await readFile(join(root, 'src', file), 'utf8');
    for (const { index, 1: block = '' } of text.matchAll(/\* @example\n((?: *\*(?!\/).*\n)+)/g)) {
      const line = text.slice(0, index).split('\n').length;
      // A port of our own choice: the one that is shown may be taken.
      const code = block.replaceAll(/^ *\* ?/gm, '').replaceAll(/\bport: \d+/g, 'port: 0');
      // What an example leaves open (a server listens) ends with it.
      const parts = [
        `import { ${names} } from 'millrace';`,
        given[file],
        `{\n${code}}`,
        'process.exit();',
      ];
      found.push({ name: `${file}:${line}`, source: parts.join('\n') });
    }
  }
  return found;
}

const all = await examples();
const place = (name: string) => join(folder, name.replaceAll(/\W/g, '-'));

// Compiled, because the oldest Node that is supported does not know `using`.
beforeAll(async () => {
  await mkdir(folder, { recursive: true });
  const files = all.map(({ name }) => `${place(name)}.mts`);
  await Promise.all(all.map(({ source }, i) => writeFile(files[i] as string, source)));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const flags = ['--ignoreConfig', '--noCheck', '--target', 'es2023', '--module', 'nodenext'];
  await run(process.execPath, [tsc, ...flags, ...files]);
}, 60_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

test.each(all)('the example of src/$name runs', async ({ name }) => {
  const { stderr } = await run(process.execPath, [`${place(name)}.mjs`], { timeout: 10_000 });
  expect(stderr).toBe('');
});

test('there are examples', () => {
  expect(all.length).toBeGreaterThanOrEqual(4);
});
