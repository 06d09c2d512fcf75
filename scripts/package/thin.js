import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { at } from '../root.js';
import { runNode } from '../run.js';
import { builtAddons } from './binaries.js';
import { addLicences } from './licences.js';
import { tupleOf } from './targets.js';

// napi works in a folder of its own: it copies addons and facades beside the manifest that it reads,
// which the repository's root is to be spared.
const aside = at('build', 'napi');

/**
 * Lays out npm/<tuple>, the package of one platform, for each addon that was built.
 *
 * @returns {Promise<string[]>} their folders
 */
export async function layOutThin() {
  const addons = builtAddons();
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(join(aside, 'addons'), { recursive: true });
  writeManifest(addons.map(({ tuple }) => tuple));
  for (const { file } of addons) copyFileSync(file, join(aside, 'addons', basename(file)));
  const napi = at('node_modules/@napi-rs/cli/dist/cli.js');
  await runNode(napi, ['create-npm-dirs'], { cwd: aside });
  await runNode(napi, ['artifacts', '--output-dir', 'addons'], { cwd: aside });
  removeOthers();
  return addons.map(({ tuple }) => {
    cpSync(join(aside, 'npm', tuple), at('npm', tuple), { recursive: true });
    addLicences(at('npm', tuple));
    return at('npm', tuple);
  });
}

/** napi wants an addon for every target it is told of, so it is told of those that were built. */
function writeManifest(tuples) {
  const { exports, files, types, ...manifest } = JSON.parse(
    readFileSync(at('package.json'), 'utf8'),
  );
  const targets = manifest.napi.targets.filter((target) => tuples.includes(tupleOf(target)));
  const napi = { ...manifest.napi, targets };
  writeFileSync(join(aside, 'package.json'), JSON.stringify({ ...manifest, napi }));
}

function removeOthers() {
  for (const name of readdirSync(at('npm'))) {
    if (name !== 'prebuilt') rmSync(at('npm', name), { recursive: true });
  }
}
