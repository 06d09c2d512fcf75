import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../root.js';
import { run, runNode } from '../run.js';

/**
 * Installs what the lockfile says, unless it is installed.
 *
 * @param {string} [folder] where package.json and its lockfile are
 */
export async function installDependencies(folder = root) {
  if (installed(folder)) return;
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  console.log(`millrace: npm ${args[0]} in ${folder}`);
  await npm(args, { cwd: folder });
}

/** Runs npm: the one that runs us, if any. */
export function npm(args, options) {
  const cli = process.env.npm_execpath;
  if (cli?.endsWith('.js')) return runNode(cli, args, options);
  return run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, options);
}

/** npm writes down what it has installed once it is done; the two lists must agree. */
function installed(folder) {
  const list = join(folder, 'node_modules', '.package-lock.json');
  if (!existsSync(list)) return false;
  const wanted = packages(join(folder, 'package-lock.json'));
  const present = packages(list);
  return Object.entries(wanted).every(([path, { version, link, optional }]) => {
    if (path === '' || link) return true;
    return path in present ? present[path].version === version : optional;
  });
}

const packages = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;
