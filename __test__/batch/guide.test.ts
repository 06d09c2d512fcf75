import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

test.each(['batch', 'errors'])(
  'the example of docs/%s.md prints what the guide says',
  async (name) => {
    const guide = await readFile(new URL(`../../../docs/${name}.md`, import.meta.url), 'utf8');
    const [, example, printed] = /```js\n(.*?)```\s+```text\n(.*?)```/s.exec(guide) ?? [];
    // Beside this file, so that it finds the package by its name.
    const file = fileURLToPath(new URL(`./guide-${name}.mjs`, import.meta.url));
    await writeFile(file, example as string);
    try {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [file]);
      expect({ stdout, stderr }).toEqual({ stdout: printed, stderr: '' });
    } finally {
      await rm(file);
    }
  },
);
