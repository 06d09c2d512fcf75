/**
 * The patterns for `npm test` that a changed file asks for: its own part's tests, not those of all
 * parts that stand on it.
 *
 * @param {string} file relative to the root, with slashes
 * @returns {string[]}
 */
export function affectedBy(file) {
  const [folder, part] = file.split('/');
  switch (folder) {
    case 'crates':
      // The binding has no tests of its own: everything in JavaScript goes through it.
      return part === 'node' ? ['__test__/'] : [`crates/${part}`, `__test__/${part}`];
    case 'src':
      return [`__test__/${part.replace(/\.ts$/, '')}`];
    case 'examples':
      return [`__test__/${part}`];
    case '__test__':
      return [file.endsWith('.test.ts') ? file : file.replace(/[^/]*$/, '')];
    default:
      return [];
  }
}
