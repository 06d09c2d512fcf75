import { spawnSync } from 'node:child_process';
import { test } from '@jest/globals';

/**
 * `test` when a program is there; otherwise a test that is skipped, and a line that says what was
 * skipped and how to get it.
 */
export function testWith(program: string, packageName: string): typeof test | typeof test.skip {
  if (spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined) return test;
  process.stderr.write(
    `skipped: tests with ${program}, which is not here; it comes with the package ${packageName}\n`,
  );
  return test.skip;
}
