import { rmSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from '../frame/child.js';

let template = null;

/** Runs `work` with a fresh directory that holds the empty tables, and removes it afterwards. */
export async function withDatabase(work) {
  template ??= makeTemplate();
  const made = await template;
  return withDirectory(async (directory) => {
    const data = join(directory, 'data');
    await cp(made, data, { recursive: true });
    return work(data);
  });
}

/** Runs `work` with a fresh empty directory, and removes it afterwards. */
export async function withDirectory(work) {
  const directory = await makeDirectory();
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
    DIRECTORIES.delete(directory);
  }
}

async function makeTemplate() {
  const data = join(await makeDirectory(), 'data');
  const child = new Child([process.execPath, join(import.meta.dirname, 'create.js'), data]);
  await child.line();
  await child.end();
  return data;
}

async function makeDirectory() {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  DIRECTORIES.add(directory);
  return directory;
}

/** What an exit in the middle has to remove. */
const DIRECTORIES = new Set();
process.once('exit', () => {
  for (const directory of DIRECTORIES) {
    // Retried, because a child that is just being killed may still be writing there.
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
});
