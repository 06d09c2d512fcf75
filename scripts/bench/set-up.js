import { buildPackage } from '../build/all.js';
import { installDependencies } from '../build/dependencies.js';
import { at } from '../root.js';
import { run } from '../run.js';

/** Builds and installs what the benchmarks need, so that none of it is counted in their time. */
export async function setUpBench() {
  await buildPackage();
  await installDependencies(at('benchmark'));
  await run('cargo', ['build', '--release', '-p', 'millrace-bench']);
}
