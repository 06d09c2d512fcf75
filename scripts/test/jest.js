import { existsSync, readFileSync, rmSync } from 'node:fs';
import { at } from '../root.js';
import { run } from '../run.js';

/**
 * Runs jest on compiled tests and adds what its report says.
 *
 * @param {import('./tally.js').Tally} tally
 * @param {string[]} files their sources
 */
export async function runJest(tally, files) {
  const report = at('build', 'jest.json');
  rmSync(report, { force: true });
  const compiled = files.map((file) => at('build', file.replace(/\.ts$/, '.js')));
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const jest = [at('node_modules/jest/bin/jest.js'), '--json', `--outputFile=${report}`];
  try {
    await run(process.execPath, [...flags, ...jest, '--runTestsByPath', ...compiled], {
      // Flyweights that are used too late throw.
      env: { MILLRACE_CHECK: '1' },
    });
  } finally {
    if (existsSync(report)) add(tally, JSON.parse(readFileSync(report, 'utf8')));
  }
}

function add(tally, report) {
  tally.passed += report.numPassedTests;
  // A suite that could not even be loaded has no tests to fail.
  tally.failed += report.numFailedTests + report.numRuntimeErrorTestSuites;
  for (const { assertionResults } of report.testResults) {
    for (const { status, fullName } of assertionResults) {
      if (['pending', 'todo', 'disabled'].includes(status)) tally.skipped.push(fullName);
    }
  }
}
