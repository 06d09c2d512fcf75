import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { at } from '../root.js';
import { builtAddons } from './binaries.js';

/**
 * Lays out the main package aside. Its manifest differs from the repository's: it says nothing of
 * the build, and names the platforms' packages that are laid out with it. In the repository those
 * would keep `npm ci` from working, for they are not published yet; and npm without a network spends
 * a minute on each that it cannot find.
 */
export function layOutMain() {
  const folder = at('build', 'package');
  rmSync(folder, { recursive: true, force: true });
  const { scripts, devDependencies, imports, allowScripts, napi, ...manifest } = JSON.parse(
    readFileSync(at('package.json'), 'utf8'),
  );
  const shipped = manifest.files.filter((path) => !path.startsWith('!'));
  for (const path of ['README.md', ...shipped]) {
    cpSync(at(path), join(folder, path), { recursive: true });
  }
  manifest.optionalDependencies = Object.fromEntries(
    builtAddons().map(({ tuple }) => [`${napi.packageName}-${tuple}`, manifest.version]),
  );
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return folder;
}
