import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { filesBelow } from '../build/files.js';
import { at } from '../root.js';

/**
 * Looking takes a few milliseconds for these few hundred files. `fs.watch` would be told, but on
 * Linux it loses sight of a file that an editor replaces by renaming.
 */
const interval = 300;

/**
 * What changes below folders from now on, in batches: one for all that happened since the last was
 * asked for.
 *
 * @param {string[]} folders relative to the root
 * @returns {AsyncGenerator<string[]>} paths relative to the root, with slashes
 */
export function changesBelow(folders) {
  return changesSince(look(folders), folders);
}

async function* changesSince(before, folders) {
  for (let last = before; ; ) {
    await sleep(interval);
    const now = look(folders);
    const all = new Set([...last.keys(), ...now.keys()]);
    const changed = [...all].filter((file) => last.get(file) !== now.get(file));
    last = now;
    if (changed.length > 0) yield changed.map((file) => file.replaceAll('\\', '/'));
  }
}

function look(folders) {
  const times = new Map();
  for (const file of filesBelow(folders)) {
    times.set(file, statSync(at(file), { throwIfNoEntry: false })?.mtimeMs);
  }
  return times;
}
