import { existsSync } from 'node:fs';
import { at } from '../root.js';

/** Whatever is in JavaScript. */
const everything = '__test__/';

/** What all parts go through and no test is about: the binding of the native part. */
const binding = /^(crates\/node|src\/native\/(?!load\b))/;

/**
 * The patterns for `npm test` that a changed file asks for: its own part's tests, not those of all
 * parts that stand on it. A file whose part has no tests of its own asks for everything.
 *
 * @param {string} file relative to the root, with slashes
 * @returns {string[]}
 */
export function affectedBy(file) {
  const [folder, part] = file.split('/');
  if (binding.test(file)) return [everything];
  switch (folder) {
    case 'crates':
      return [`crates/${part}`, ...testsOf(part)];
    case 'src':
    case 'examples': {
      const own = testsOf(part.replace(/\.ts$/, ''));
      return own.length > 0 ? own : [everything];
    }
    case '__test__':
      return [file.endsWith('.test.ts') ? file : file.replace(/[^/]*$/, '')];
    case 'benchmark':
      return part === 'frame' || part === 'native' ? [`benchmark/${part}`] : [];
    default:
      return [];
  }
}

/** A part's tests are a folder, or a file for a part that is one. */
const testsOf = (part) =>
  [`__test__/${part}/`, `__test__/${part}.test.ts`].filter((path) => existsSync(at(path)));
