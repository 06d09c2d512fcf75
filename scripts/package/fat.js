import { rmSync } from 'node:fs';
import { promisify } from 'node:util';
import { at } from '../root.js';
import { builtAddons } from './binaries.js';
import { addLicences } from './licences.js';

/** Lays out npm/prebuilt, the package with all addons that were built, through prebuildify. */
export async function layOutFat() {
  // Imported late: the scripts run before anything is installed.
  const { default: prebuildify } = await import('prebuildify');
  const folder = at('npm', 'prebuilt');
  rmSync(at('npm', 'prebuilt', 'prebuilds'), { recursive: true, force: true });
  const placeAddon = at('scripts', 'package', 'place-addon.js');
  for (const { file, platform, arch, libc } of builtAddons()) {
    // Handed to the stand-in for node-gyp, which is run with this environment.
    process.env.MILLRACE_ADDON = file;
    await promisify(prebuildify)({
      ...{ cwd: folder, out: folder, name: 'millrace', napi: true, targets: [] },
      ...{ platform, arch, libc, tagLibc: platform === 'linux' },
      // Windows runs it through a shell and knows no #!.
      nodeGyp: process.platform === 'win32' ? `"${process.execPath}" "${placeAddon}"` : placeAddon,
    });
  }
  rmSync(at('npm', 'prebuilt', 'build'), { recursive: true, force: true });
  addLicences(folder);
  return folder;
}
