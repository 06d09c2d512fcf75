import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { at } from '../root.js';
import { failure, runNode } from '../run.js';
import { whenStale } from './stale.js';

const inputs = ['crates', 'Cargo.toml', 'Cargo.lock', 'node_modules/@napi-rs/cli/package.json'];

/** Builds the addon into build/native and its declarations into src/native, when stale. */
export const buildAddon = () =>
  whenStale({ name: 'addon', inputs, outputs: ['build/native', 'src/native/addon.d.ts'], work });

/** The file name of this platform's binary. Only one is built here, so that it need not be named. */
export function addonFile() {
  return at('build', 'native', theBinary(at('build', 'native')));
}

async function work() {
  needCargo();
  // Built aside and renamed: a process that has the old binary mapped would crash on new bytes in it.
  const aside = at('build', 'native.next');
  mkdirSync(aside, { recursive: true });
  await runNode(at('node_modules', '@napi-rs', 'cli', 'dist', 'cli.js'), [
    'build',
    '--release',
    '--platform',
    '--no-js',
    '--no-const-enum',
    ...['--manifest-path', 'crates/node/Cargo.toml'],
    ...['--package-json-path', 'package.json'],
    ...['--output-dir', 'build/native.next'],
    ...['--dts', 'addon.d.ts'],
  ]);
  mkdirSync(at('build', 'native'), { recursive: true });
  const binary = theBinary(aside);
  renameSync(join(aside, binary), at('build', 'native', binary));
  replaceWhenDifferent(at('src', 'native', 'addon.d.ts'), declarations(join(aside, 'addon.d.ts')));
}

const theBinary = (folder) => readdirSync(folder).find((name) => name.endsWith('.node'));

/** A binding without exports has an empty file, which is not a module. */
const declarations = (file) => readFileSync(file, 'utf8') || 'export {};\n';

/** Leaves the file's time alone when nothing changed, for editors and watchers. */
function replaceWhenDifferent(file, text) {
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
}

function needCargo() {
  if (spawnSync('cargo', ['--version']).status === 0) return;
  throw failure('the native part is built with cargo, which was not found: see https://rustup.rs');
}
