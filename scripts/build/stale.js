import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { at } from '../root.js';
import { filesBelow } from './files.js';

/**
 * Does a step of the build when what it reads has changed since it last succeeded, or what it wrote
 * is no longer that. Contents are compared, not times: a checkout touches every file and changes few.
 *
 * @param {{ name: string, inputs: string[], outputs: string[], work: () => Promise<void> }} step
 *   `inputs` and `outputs` are files or folders, relative to the root
 * @returns {Promise<boolean>} whether there was work to do
 */
export async function whenStale({ name, inputs, outputs, work }) {
  const stamp = at('build', 'stamps', name);
  // Taken before the work: an input that changes meanwhile is work for the next build.
  const before = digest(inputs);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === before + digest(outputs)) return false;
  await work();
  mkdirSync(at('build', 'stamps'), { recursive: true });
  writeFileSync(stamp, before + digest(outputs));
  return true;
}

function digest(paths) {
  const hash = createHash('sha256');
  for (const file of filesBelow(paths)) hash.update(`${file}\0`).update(readFileSync(at(file)));
  return hash.digest('hex');
}
