import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { at } from '../root.js';

const names = ['LICENSE-MIT', 'LICENSE-APACHE'];

/** Puts both licences into a package, and into the list of files it ships. @param {string} folder */
export function addLicences(folder) {
  for (const name of names) copyFileSync(at(name), join(folder, name));
  const file = join(folder, 'package.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  const missing = names.filter((name) => !manifest.files.includes(name));
  if (missing.length === 0) return;
  manifest.files.push(...missing);
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
}
