import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const BENCHMARK = join(import.meta.dirname, '..');

/**
 * Builds a Rust program that is a workspace of its own, where it is stale.
 * @param {string} folder inside `benchmark`
 * @param {string} name of the program
 * @returns {Promise<string>} the program
 */
export async function cargoProgram(folder, name) {
  const crate = join(BENCHMARK, folder);
  const manifest = join(crate, 'Cargo.toml');
  if (!(await succeeds('cargo', ['build', '--release', '--manifest-path', manifest], 'inherit'))) {
    throw new Error(`cargo could not build ${folder}`);
  }
  return join(process.env.CARGO_TARGET_DIR ?? join(crate, 'target'), 'release', name);
}

/**
 * Builds a Java program by Maven, where there is Java and Maven.
 * @param {string} folder inside `benchmark`; its jar is named as the folder's last part
 * @returns {Promise<{ classPath: string } | { missing: string }>} or why there is none
 */
export async function mavenProgram(folder) {
  for (const program of ['java', 'mvn']) {
    if (!(await succeeds(program, ['-version'], 'ignore'))) {
      return { missing: `${program} is not installed` };
    }
  }
  const project = join(BENCHMARK, folder);
  const arguments_ = [
    '--quiet',
    '--batch-mode',
    '-Dstyle.color=never',
    '--file',
    join(project, 'pom.xml'),
    'package',
  ];
  if (!(await succeeds('mvn', arguments_, 'inherit'))) {
    return { missing: `Maven could not build ${folder}` };
  }
  const target = join(project, 'target');
  const jar = join(target, `${folder.split('/').at(-1)}.jar`);
  return { classPath: `${jar}:${join(target, 'lib', '*')}` };
}

/** Whether a program is there and ends with 0; what it prints goes to standard error. */
async function succeeds(program, programArguments, output) {
  const shown = output === 'inherit' ? process.stderr : 'ignore';
  const child = spawn(program, programArguments, { stdio: ['ignore', shown, shown] });
  try {
    const [code] = await once(child, 'close');
    return code === 0;
  } catch {
    return false;
  }
}
