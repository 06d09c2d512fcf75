import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { at } from '../root.js';

/**
 * All files below the given paths, in a stable order.
 *
 * @param {string[]} paths files or folders, relative to the root; one that does not exist has no files
 * @returns {string[]} paths relative to the root
 */
export function filesBelow(paths) {
  return paths.flatMap(filesOf).sort();
}

function filesOf(path) {
  const entry = statSync(at(path), { throwIfNoEntry: false });
  if (!entry) return [];
  if (!entry.isDirectory()) return [path];
  return readdirSync(at(path))
    .filter((name) => name !== 'node_modules' && name !== 'target')
    .flatMap((name) => filesOf(join(path, name)));
}
