import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { npm } from './build/dependencies.js';
import { root } from './root.js';
import { main } from './run.js';

/**
 * Brings package-lock.json up to date with package.json: `npm run lock [-- FOLDER]`.
 *
 * npm leaves the binary packages of other platforms out of a lockfile when it cannot see them (a
 * registry without them, a folder installed before), and `npm ci` then refuses that lockfile on
 * every platform. Their versions are known from the packages that ask for them, so they are added.
 */
await main(async () => {
  const folder = resolve(root, process.argv[2] ?? '.');
  await npm(['install', '--package-lock-only', '--no-audit', '--no-fund'], { cwd: folder });
  const file = join(folder, 'package-lock.json');
  const lock = JSON.parse(readFileSync(file, 'utf8'));
  for (const [path, { optionalDependencies = {} }] of Object.entries(lock.packages)) {
    for (const [name, range] of Object.entries(optionalDependencies)) {
      if (!locate(lock.packages, path, name)) {
        const version = range.replace(/^[~^]/, '');
        const { cpu, libc, os } = platformOf(name);
        // In npm's own order, so that it finds nothing to rewrite.
        lock.packages[placeFor(lock.packages, path, name)] = {
          version,
          ...(cpu.length > 0 && { cpu }),
          ...(lock.packages[path].dev && { dev: true }),
          ...(libc.length > 0 && { libc }),
          optional: true,
          ...(os.length > 0 && { os }),
        };
      }
    }
  }
  lock.packages = Object.fromEntries(
    Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')),
  );
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
});

/** Where Node would find a dependency of the package at a path: the nearest node_modules upwards. */
function locate(packages, path, name) {
  for (let folder = path; ; folder = folder.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, '')) {
    const candidate = `${folder && `${folder}/`}node_modules/${name}`;
    if (candidate in packages) return candidate;
    if (folder === '') return undefined;
  }
}

function placeFor(packages, path, name) {
  const top = `node_modules/${name}`;
  return top in packages ? `${path}/${top}` : top;
}

/** What such a package says about itself, read off its name: `…-linux-arm64-musl`. */
function platformOf(name) {
  const words = name.replace(/^@[^/]+\//, '').split('-');
  const has = (...known) => words.filter((word) => known.includes(word));
  const os = has('aix', 'android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32');
  if (words.includes('windows')) os.push('win32');
  const cpu = has('arm', 'arm64', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64');
  const libc = words.flatMap((word) =>
    /^gnu/.test(word) ? 'glibc' : /^musl/.test(word) ? 'musl' : [],
  );
  return { cpu, libc: os.includes('linux') ? libc : [], os };
}
