import { readdirSync } from 'node:fs';
import { at } from '../root.js';

/**
 * The addons that were built, one a platform: here this platform's, on the machine that releases
 * those that all others built.
 *
 * @returns {{ file: string, tuple: string, platform: string, arch: string, libc: string }[]}
 *   `libc` as prebuildify names it
 */
export function builtAddons() {
  return readdirSync(at('build', 'native')).flatMap((name) => {
    const [, tuple] = name.match(/^millrace\.(.+)\.node$/) ?? [];
    if (!tuple) return [];
    const [platform, arch, abi] = tuple.split('-');
    const libc = { gnu: 'glibc', musl: 'musl' }[abi] ?? '';
    return { file: at('build', 'native', name), tuple, platform, arch, libc };
  });
}
