import { pathToFileURL } from 'node:url';
import { at } from './root.js';

/**
 * Goes on as the given program in this process, with this one's arguments: signals then reach the
 * program itself, and its exit code is ours.
 *
 * @param {string} file relative to the root
 */
export function runProgram(file) {
  process.argv[1] = at(file);
  return import(pathToFileURL(at(file)).href);
}
